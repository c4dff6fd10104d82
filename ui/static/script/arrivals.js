// Arrivals on other pages of the board
//
// Rows on other pages are not sent; how many people came there is, as a number that only grows. What counts is by how much
// since this page went live and its own person had arrived.
const startArrivals = (place, search) => {
  let since, base;
  const show = () => {
    const more = byId('more'), now = byId('arrived'), n = +now.value;
    if (since !== now.dataset.since || n < base) { since = now.dataset.since; base = n; }
    const text = n > base ? n - base + ' more arrived · show' : '';
    if (more.textContent !== text) more.textContent = text; // or this would never end
    more.hidden = !text;
  };
  const begin = () => { base = Infinity; show(); };
  begin();
  document.addEventListener('htmx:ws:after:connection', () => setTimeout(begin, 2e3), { once: true });
  search.addEventListener('htmx:finally:request', begin); // another list
  new MutationObserver(show).observe(place, { subtree: true, childList: true, attributeFilter: ['value'] });
};
