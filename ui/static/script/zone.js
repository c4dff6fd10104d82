// The time zone of this browser; sent while the server knows none, and offered
// when the clock there is another one than in the zone that the server knows.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? '';
document.addEventListener('submit', e => { if (e.target.elements.zone) e.target.elements.zone.value = zone; }, true);
const KEPT = 'rollcall-zone-kept';
const clocksOf = timeZone => [0, 182].map(days => new Date(Date.now() + days * 864e5).toLocaleString('en', { timeZone })).join();
const startZoneOffer = offer => {
  const known = offer.dataset.zone, choice = known + ' ' + zone;
  try {
    if (!zone || localStorage.getItem(KEPT) === choice || clocksOf(known) === clocksOf(zone)) return;
  } catch { return; } // no storage to keep the answer in, or a zone that this browser doesn't know
  for (const name of offer.querySelectorAll('.zone-now')) name.textContent = zone;
  offer.elements.next.value = location.pathname + location.search;
  offer.hidden = false;
  byId('zone-keep').addEventListener('click', () => {
    localStorage.setItem(KEPT, choice);
    offer.hidden = true;
  });
};
