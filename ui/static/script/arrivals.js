// People who come and go
//
// Rows on other pages are not sent; how many people came there is, as a number
// that only grows. What counts is by how much since this page went live and
// its own person had arrived.
const startArrivals = more => {
  let since, base;
  const show = () => {
    const now = byId('arrived'), n = +now.value;
    if (since !== now.dataset.since || n < base) { since = now.dataset.since; base = n; }
    const text = n > base ? n - base + ' more arrived · show' : '';
    if (more.textContent !== text) more.textContent = text; // or this would never end
    more.hidden = !text;
  };
  const begin = () => { base = Infinity; show(); };
  begin();
  document.addEventListener('htmx:ws:after:connection', () => setTimeout(begin, 2e3), { once: true });
  new MutationObserver(show).observe(more.parentNode, { subtree: true, childList: true, attributeFilter: ['value'] });
};

// For screen readers, when wanted: one sentence about the rows of this page, at
// most every 20 s. Who came and left again meanwhile is not mentioned, and neither
// is the page's own person, who comes with it.
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
  new MutationObserver(changes => {
    for (const { target, oldValue } of changes) {
      const here = target.dataset.state !== 'offline', was = oldValue !== 'offline';
      const name = target.querySelector('.nm bdi')?.textContent;
      if (here === was || !name || target.id === said.dataset.own) continue;
      const how = here ? 'came' : 'left';
      if (moved.has(name) && moved.get(name) !== how) moved.delete(name);
      else moved.set(name, how);
    }
    if (moved.size && !timer) timer = setTimeout(speak, Math.max(1000, last + QUIET - Date.now()));
  }).observe(list, { subtree: true, attributeFilter: ['data-state'], attributeOldValue: true });
};
