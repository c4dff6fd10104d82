// <rollcall-list src="https://board.example/embed/KEY"> shows who is here in a page of another site.
//
// It asks the board every 20 s while somebody can see the page, and keeps no connection: a public page can have more
// visitors than the board has places for connections. What people typed only becomes text, never HTML.
const EVERY = 20e3, STALE = 60e3;
const LABELS = { online: 'Online', away: 'Away', dnd: 'Do not disturb', offline: 'Offline' };
const style = new CSSStyleSheet();
style.replaceSync(`
:host { display: block; box-sizing: border-box; max-width: 24rem; padding: .75rem 1rem; border: 1px solid light-dark(#dddad0, #2f352f); border-radius: 12px; background: light-dark(#fff, #1b1f1b); color: light-dark(#1b1e1a, #eceee8); font: 400 15px/1.45 system-ui, sans-serif; overflow-wrap: anywhere; }
:host([hidden]) { display: none; }
header { display: flex; justify-content: space-between; gap: 1rem; }
ul { margin: .5rem 0 0; padding: 0; list-style: none; }
li { display: flex; align-items: baseline; gap: .5rem; padding: .2rem 0; }
small { overflow-wrap: normal; } small, footer, header span { color: light-dark(#5b5f57, #a3aaa1); }
i { flex: none; width: 10px; height: 10px; border-radius: 50%; background: var(--c); }
.online { --c: light-dark(#177245, #52cf8b); } .away { --c: light-dark(#8f5b00, #f0b445); } .dnd { --c: light-dark(#b3261e, #ff8a80); }
.away i { background: linear-gradient(90deg, var(--c) 50%, transparent 50%); box-shadow: inset 0 0 0 2px var(--c); } .dnd i { border-radius: 2px; }
footer { margin-top: .5rem; font-size: 13px; } a { color: light-dark(#0f5f4c, #7fd6bb); }
:host([stale]) li { --c: light-dark(#5b5f57, #a3aaa1); } :host([stale]) b { font-weight: 400; }`);
const make = (tag, text, name = '') => {
  const e = document.createElement(tag);
  e.textContent = text;
  e.className = name;
  return e;
};
customElements.get('rollcall-list') ?? customElements.define('rollcall-list', class extends HTMLElement {
  #root = this.attachShadow({ mode: 'closed' });
  #timer = 0;
  #last = Date.now();
  #live = true;
  #again = () => { if (!document.hidden) this.#load(); };
  connectedCallback() {
    this.#root.adoptedStyleSheets = [style];
    if (!this.#root.firstChild) this.#root.append(document.createElement('slot')); // what the page has in it until then
    document.addEventListener('visibilitychange', this.#again);
    this.#load();
  }
  disconnectedCallback() {
    clearTimeout(this.#timer);
    document.removeEventListener('visibilitychange', this.#again);
  }
  async #load() {
    clearTimeout(this.#timer);
    try {
      const answer = await fetch(this.getAttribute('src') + '/people.json', { credentials: 'omit', referrerPolicy: 'no-referrer' });
      if (!answer.ok) throw 0;
      this.#show(await answer.json());
      this.#last = Date.now();
    } catch {
      // Keep what is shown.
    }
    this.toggleAttribute('stale', !this.#live || Date.now() - this.#last > STALE);
    if (this.isConnected && !document.hidden) this.#timer = setTimeout(this.#again, EVERY);
  }
  #show({ title, summary, people, board, live }) {
    this.#live = live;
    const head = make('header', ''), list = make('ul', '');
    head.append(make('b', title), make('span', summary));
    for (const { name, state, text } of people ?? []) {
      const row = make('li', '', state), said = make('small', LABELS[state] + (text ? ', ' + text : ''));
      row.append(make('i', ''), make('b', name), said);
      list.append(row);
    }
    const foot = make('footer', ''), link = make('a', 'Open the board');
    link.href = board;
    link.target = '_top';
    foot.append(link);
    this.#root.replaceChildren(head, list, foot);
  }
});
