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
  wholeList = String(text).includes('<hx-partial id="list"');
});

const justArrived = row => Date.now() - (arrivedAt.get(row?.id) ?? -Infinity) < NEWS;

// watchComings calls tell for everyone who arrives or leaves.
const watchComings = (list, tell) => {
  const seen = { subtree: true, childList: true, attributeFilter: ['data-state'], attributeOldValue: true };
  new MutationObserver(records => {
    const moves = new Map(); // row id -> [row, here, where a removed row stood]
    for (const { type, target, oldValue, addedNodes, removedNodes, nextSibling } of records) {
      if (type === 'attributes') {
        const here = target.dataset.state !== 'offline';
        if (target.id && here !== (oldValue !== 'offline')) moves.set(target.id, [target, here]);
        continue;
      }
      if (target.id !== 'people' || wholeList) continue;
      for (const row of removedNodes) if (row.id) moves.set(row.id, [row, false, nextSibling]);
      for (const row of addedNodes) if (row.id) moves.has(row.id) ? moves.delete(row.id) : moves.set(row.id, [row, true]);
    }
    if (!otherList && moves.size <= MANY) for (const [id, move] of moves) tell(id, ...move);
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

  const addGhost = (row, before) => {
    const ghost = row.cloneNode(true);
    ghost.removeAttribute('id');
    ghost.classList.add('ghost');
    ghost.setAttribute('aria-hidden', 'true');
    ghost.inert = true;
    ghosts.add(ghost);
    if (before?.isConnected) before.before(ghost);
    else byId('people')?.append(ghost);
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

  watchComings(list, (id, row, here, before) => {
    if (here) {
      if (id !== own && isFresh(row)) arrivedAt.set(id, Date.now());
      hold(id, 'arriving');
    } else {
      arrivedAt.delete(id);
      if (row.isConnected) hold(id, 'leaving');
      else if (held.get(id) === 'arriving') held.delete(id);
      else if (!still.matches) addGhost(row, before);
    }
    if (!timer) began = Date.now();
    timer ||= setTimeout(settle, GATHER);
    tellNews();
    writeTimes();
  });

  // Replacing a row that is held removes its data-hold, so set it again.
  new MutationObserver(records => {
    for (const { target } of records) {
      if (held.has(target.id) && !target.dataset.hold) target.dataset.hold = held.get(target.id);
    }
  }).observe(list, { subtree: true, attributeFilter: ['data-hold'] });
};

// While the page is live, the line below the headline says who has just arrived.
let forgetting;
const tellNews = () => {
  if (wanted !== 'on') return;
  clearTimeout(forgetting);
  for (const [id, at] of arrivedAt) if (Date.now() - at >= NEWS || !byId(id)) arrivedAt.delete(id);
  const names = [...arrivedAt.keys()].map(id => byId(id).querySelector('.nm bdi').textContent);
  const news = byId('news'), who = document.createElement('b');
  news.textContent = '';
  if (!names.length) return;
  who.textContent = names.length === 1 ? names[0] : names.length + ' people';
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
    if (!name || id === said.dataset.own) return;
    const how = here ? 'came' : 'left';
    if (moved.has(name) && moved.get(name) !== how) moved.delete(name);
    else moved.set(name, how);
    if (moved.size && !timer) timer = setTimeout(speak, Math.max(1000, last + QUIET - Date.now()));
  });
};
