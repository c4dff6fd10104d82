// Arrivals on other pages of the board
//
// The server doesn't send the rows of other pages. Instead, it sends how many people have arrived there, as a number that
// only grows. This page shows by how much it has grown since the page went live and its own person arrived.
const startArrivals = (place, search) => {
  let since, base;
  const show = () => {
    const more = byId('more'), now = byId('arrived'), n = +now.value;
    if (since !== now.dataset.since || n < base) { since = now.dataset.since; base = n; }
    const text = n > base ? n - base + ' more arrived · show' : '';
    if (more.textContent !== text) more.textContent = text; // a change without a difference would call show again
    more.hidden = !text;
  };
  const begin = () => { base = Infinity; show(); };
  begin();
  document.addEventListener('htmx:ws:after:connection', () => setTimeout(begin, 2e3), { once: true });
  search.addEventListener('htmx:finally:request', begin); // the page now shows a different list
  new MutationObserver(show).observe(place, { subtree: true, childList: true, attributeFilter: ['value'] });
};
