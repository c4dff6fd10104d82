// A person's page
//
// The page /u/NAME has an element of the class who, and so has the board, as a popover beside the card that was clicked.
// The server renders the inside of both. It's loaded again when the person's row changes: the board has it on its list,
// and the page keeps it hidden.
const loadPerson = who => htmx.ajax('GET', who.dataset.href, { source: who, target: who, swap: 'innerMorph' });

// signature returns what a row says, without what this script adds.
const signature = row => {
  if (!row) return '';
  const said = row.querySelector('div').cloneNode(true);
  for (const el of said.querySelectorAll('*')) {
    el.removeAttribute('title');
    if (el.matches('time, .there')) el.textContent = '';
  }
  return row.dataset.state + ('stale' in row.dataset) + said.innerHTML;
};

// onChange calls changed when the row of a person, or whether people are coming back, has changed.
const onChange = (place, id, changed) => {
  const now = () => signature(byId(id())) + byId('warming')?.textContent;
  let was = now();
  const watch = new MutationObserver(() => {
    const is = now();
    if (is !== was) changed();
    was = is;
  });
  const all = { subtree: true, childList: true, characterData: true, attributes: true };
  for (const el of [place, byId('warming')]) if (el) watch.observe(el, all);
  return () => { was = now(); };
};

const startPeople = list => {
  const page = byId('person'), popover = byId('who');
  if (page) startPersonPage(page);
  if (popover?.showPopover && list) startPopover(popover, list);
  document.addEventListener('htmx:after:swap', () => document.querySelectorAll('.who > .card').forEach(settleCard));
};

const startPersonPage = page => {
  const row = byId('watched').firstElementChild.id;
  onChange(byId('watched'), () => row, () => {
    if (byId(row)) loadPerson(page);
    else location.reload(); // the account is gone
  });
};

// settleCard follows a change of a card: the clock, the order of favorites, and what is said about notifications.
const settleCard = card => {
  writeTimes();
  sayNotify();
  const css = byId('me-css');
  if (css && card.dataset.css && css.getAttribute('href') !== card.dataset.css) css.setAttribute('href', card.dataset.css);
};

const MARGIN = 16; // px between the popover and the edge of the window
const GAP = 12;    // px between the popover and the card
const startPopover = (who, list) => {
  let asked = ''; // ID of the row
  const mark = new CSSStyleSheet();
  document.adoptedStyleSheets.push(mark);

  // On a phone, the style sheet puts the popover at the bottom and limits its height.
  const isSheet = () => who.offsetWidth >= root.clientWidth;

  // Never covers the card: goes beside it if there's room, otherwise below or above it, and isn't taller than the room there.
  const place = () => {
    const card = byId(asked)?.getBoundingClientRect();
    if (!card) return;
    who.style.maxBlockSize = '';
    const { offsetWidth: width, offsetHeight: height } = who;
    const within = (at, size, room) => Math.max(MARGIN, Math.min(at, room - size - MARGIN));
    const beside = [card.right + GAP, card.left - GAP - width].find(x => x >= MARGIN && x + width + MARGIN <= innerWidth);
    const below = innerHeight - MARGIN - card.bottom - GAP, above = card.top - GAP - MARGIN;
    let y = card.top - 20;
    if (!beside && !isSheet()) {
      const under = below >= Math.min(height, above);
      who.style.maxBlockSize = (under ? below : above) + 'px';
      y = under ? card.bottom + GAP : card.top - GAP - Math.min(height, above);
    }
    who.style.setProperty('--x', within(beside ?? card.left, width, innerWidth) + 'px');
    who.style.setProperty('--y', within(y, who.offsetHeight, innerHeight) + 'px');
  };

  // Scrolls the card out from under a sheet.
  const uncover = () => {
    if (!isSheet()) return;
    mark.insertRule(`#main { padding-block-end: ${who.offsetHeight + 2 * GAP}px; }`);
    scrollBy(0, Math.max(0, byId(asked)?.getBoundingClientRect().bottom + GAP - who.getBoundingClientRect().top));
  };

  // The focus returns to the card, which may be about to move and can't have it until then.
  const giveBack = (id, again = true) => {
    if (!again && document.activeElement !== document.body) return; // it has gone on
    const link = byId(id)?.querySelector('.nm a');
    link?.focus({ preventScroll: true });
    if (again && document.activeElement !== link) setTimeout(giveBack, 2 * GATHER, id, false);
  };

  const seen = onChange(list, () => asked, () => { if (asked) loadPerson(who); });
  const open = async link => {
    const { href } = link, row = link.closest('.p').id;
    if (who.matches(':popover-open')) who.hidePopover();
    who.dataset.href = href;
    asked = row;
    seen();
    await loadPerson(who);
    if (who.dataset.href !== href || asked !== row) return;
    if (!who.querySelector('.card')) {
      if (wanted === 'on') location.assign(href); // the page says why
      return;
    }
    link.focus({ preventScroll: true }); // where the focus returns to
    who.showPopover();
    mark.replaceSync(`#${CSS.escape(row)} { background: var(--sunken); border-color: var(--edge); }`);
    place();
    uncover();
    who.focus({ preventScroll: true });
  };

  list.addEventListener('click', e => {
    if (e.defaultPrevented || e.button || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
    const link = e.target.closest('.people > .p:not(.ghost)')?.querySelector('.nm a');
    if (!link || !e.target.closest('.nm a') && !getSelection().isCollapsed) return;
    e.preventDefault();
    open(link);
  });
  who.addEventListener('toggle', e => {
    if (e.newState !== 'closed' || who.matches(':popover-open')) return;
    const inside = document.activeElement === document.body || who.contains(document.activeElement);
    if (inside) giveBack(asked);
    mark.replaceSync('');
    asked = '';
    who.textContent = '';
  });
  who.addEventListener('htmx:response:error', e => {
    if ([404, 410].includes(e.detail.ctx.response.status)) who.hidePopover(); // the account is gone
  });
  const replace = () => { if (who.matches(':popover-open')) place(); };
  addEventListener('resize', replace);
  // The popover can grow. The change waits for a frame, because an observer must not change the size that it observes.
  new ResizeObserver(() => requestAnimationFrame(replace)).observe(who);
};
