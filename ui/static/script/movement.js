// People who arrive and leave
//
// A person arrives or leaves if the data-state of their row changes from or to offline, or if their row is added to or
// removed from a page that lists only people who are here. The state changes at once. The cards move a little later, all
// together, and never under the pointer or the focus. Until then, data-hold keeps them where they are.
const GATHER = 400;      // ms to collect changes for one movement
const HALO = 2000;       // ms to mark a card after an arrival
const NEWS = 60e3;       // ms to mention an arrival below the headline
const MANY = 12;         // more rows than this at once mean a different list, not arrivals
const POINTING = 3e3;    // ms until a pointer that doesn't move no longer holds the cards
const PATIENCE = 15e3;   // ms that a pointer or the focus can hold a movement
let wholeList = false;   // the current swap replaces the whole list, so rows that it adds or removes mean nothing
let otherList = false;   // the current swap shows the results of a search, so nothing in it has just happened
const arrivedAt = new Map(); // row id -> when this page saw the person arrive

document.addEventListener('htmx:before:swap', e => {
  const { text, sourceElement } = e.detail.ctx;
  otherList = sourceElement?.id === 'search';
  wholeList = /<hx-partial id="(list|mine)"/.test(text);
  for (const { target, fragment } of e.detail.tasks) {
    const row = fragment?.firstElementChild;
    if (row?.dataset.state && !row.className && target?.classList.contains('p')) complete(row, target);
  }
});

// complete adds to a row what a frame leaves out, because it's as on the page.
const complete = (row, was) => {
  const said = document.createElement('div');
  said.append(was.querySelector('.nm').cloneNode(true), ...row.childNodes);
  row.append(was.querySelector('.av').cloneNode(true), said);
  row.className = was.className;
  row.dataset.team = was.dataset.team;
};

// A person can have two rows: one in the list and one in the section with the reader's own team.
const uidOf = id => id.slice(2);

const justArrived = row => Date.now() - (arrivedAt.get(row?.id) ?? -Infinity) < NEWS;

// watchComings calls tell for everyone who arrives or leaves. Then, and after other changes of rows, it calls after with
// how many these were.
const watchComings = (list, tell, after) => {
  const seen = { subtree: true, childList: true, attributeFilter: ['data-state'], attributeOldValue: true };
  new MutationObserver(records => {
    const moves = new Map(); // row id -> [row, here, where a removed row stood: its list, and before which row]
    for (const { type, target, oldValue, addedNodes, removedNodes, nextSibling } of records) {
      if (type === 'attributes') {
        const here = target.dataset.state !== 'offline';
        if (target.id && here !== (oldValue !== 'offline')) moves.set(target.id, [target, here]);
        continue;
      }
      if (!/people$/.test(target.id) || wholeList) continue;
      for (const row of removedNodes) if (row.id) moves.set(row.id, [row, false, target, nextSibling]);
      for (const row of addedNodes) if (row.id) moves.has(row.id) ? moves.delete(row.id) : moves.set(row.id, [row, true]);
    }
    if (!otherList && moves.size <= MANY) for (const [id, move] of moves) tell(id, ...move);
    after?.(moves.size);
  }).observe(list, seen);
};

// isFresh reports whether a person has just arrived, and not while this page wasn't live.
const isFresh = row => minutesSince(Date.parse(row.querySelector('.st time')?.dateTime ?? 0)) < 1;

const startMovement = (list, own) => {
  const held = new Map(); // row id -> 'arriving' or 'leaving'
  const ghosts = new Set(); // copies of removed rows, shown until the cards move
  const still = matchMedia('(prefers-reduced-motion: reduce)');
  let began = 0; // when something was held first
  let timer = 0, pointed = -Infinity;
  list.addEventListener('pointermove', e => { if (e.pointerType === 'mouse') pointed = Date.now(); }, passive);
  list.addEventListener('pointerleave', () => { pointed = -Infinity; }, passive);
  const busy = () => Date.now() - pointed < POINTING || list.querySelector(':focus-visible');

  const hold = (id, how) => {
    const row = byId(id);
    if (held.has(id) && held.get(id) !== how) { // the person is back where they were, so nothing moves
      held.delete(id);
      row?.removeAttribute('data-hold');
      return;
    }
    held.set(id, how);
    if (row) row.dataset.hold = how;
  };

  const addGhost = (row, place, before) => {
    const ghost = row.cloneNode(true);
    ghost.removeAttribute('id');
    ghost.classList.add('ghost');
    ghost.setAttribute('aria-hidden', 'true');
    ghost.inert = true;
    ghosts.add(ghost);
    place.insertBefore(ghost, before?.parentNode === place ? before : null);
  };

  const settle = () => {
    if (busy() && Date.now() - began < PATIENCE) {
      timer = setTimeout(settle, GATHER);
      return;
    }
    timer = 0;
    for (const ghost of ghosts) ghost.remove();
    ghosts.clear();
    for (const [id, how] of held) {
      const row = byId(id);
      row?.removeAttribute('data-hold');
      if (row && how === 'arriving' && isFresh(row)) {
        row.classList.add('new');
        setTimeout(() => row.classList.remove('new'), HALO);
      }
    }
    held.clear();
  };

  watchComings(list, (id, row, here, ...stood) => {
    if (here) {
      if (uidOf(id) !== own && isFresh(row)) arrivedAt.set(id, Date.now());
      hold(id, 'arriving');
    } else {
      arrivedAt.delete(id);
      if (row.isConnected) hold(id, 'leaving');
      else if (held.get(id) === 'arriving') held.delete(id);
      else if (!still.matches) addGhost(row, ...stood);
    }
    if (!timer) began = Date.now();
    timer ||= setTimeout(settle, GATHER);
  }, moved => {
    tellNews();
    if (moved) writeTimes();
  });

  // Replacing a row that is held removes its data-hold, so set it again.
  new MutationObserver(records => {
    for (const { target } of records) {
      if (held.has(target.id) && !target.dataset.hold) target.dataset.hold = held.get(target.id);
    }
  }).observe(list, { subtree: true, attributeFilter: ['data-hold'] });
};

// While the page is live, the line below the headline says who has just arrived and is still here.
let forgetting;
const tellNews = () => {
  if (wanted !== 'on') return;
  clearTimeout(forgetting);
  const names = new Map(); // by ID of the person
  for (const [id, at] of arrivedAt) {
    const row = byId(id);
    if (Date.now() - at >= NEWS || (row?.dataset.state ?? 'offline') === 'offline') arrivedAt.delete(id);
    else names.set(uidOf(id), row.querySelector('.nm bdi').textContent);
  }
  const news = byId('news'), who = document.createElement('b');
  news.textContent = '';
  if (!names.size) return;
  who.textContent = names.size === 1 ? [...names.values()][0] : names.size + ' people';
  news.append(who, ' just arrived');
  forgetting = setTimeout(tellNews, NEWS - (Date.now() - Math.min(...arrivedAt.values())) + 100);
};

// If the person has turned it on, screen readers announce who came and left on this page, at most every 20 s. They don't
// announce people who came and left in between, or the page's own person.
const QUIET = 20e3;
const startAnnouncing = (said, list) => {
  const moved = new Map(); // name -> 'came' or 'left'
  let timer = 0, last = -Infinity;
  const some = what => {
    const names = [...moved].filter(([, how]) => how === what).map(([name]) => name);
    return names.length && (names.length > 2 ? names.length + ' people' : names.join(' and ')) + ' ' + what;
  };
  const speak = () => {
    timer = 0;
    const text = [some('came'), some('left')].filter(Boolean).join(', ');
    moved.clear();
    if (!text) return;
    last = Date.now();
    said.textContent = text + '.';
  };
  watchComings(list, (id, row, here) => {
    const name = row.querySelector('.nm bdi')?.textContent;
    if (!name || uidOf(id) === said.dataset.own) return;
    const how = here ? 'came' : 'left';
    if (moved.has(name) && moved.get(name) !== how) moved.delete(name);
    else moved.set(name, how);
    if (moved.size && !timer) timer = setTimeout(speak, Math.max(1000, last + QUIET - Date.now()));
  });
};
