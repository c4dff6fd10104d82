// The browser's time zone. It's sent if the server doesn't know the person's time zone. If the server knows one with a
// different local time, the page offers to change it.
// It isn't looked up before it's needed, because that's slow.
let zone;
const ownZone = () => zone ??= Intl.DateTimeFormat().resolvedOptions().timeZone ?? '';
document.addEventListener('submit', e => { if (e.target.elements.zone) e.target.elements.zone.value = ownZone(); }, true);
const KEPT = 'rollcall-zone-kept';
const clocksOf = timeZone => [0, 182].map(days => new Date(Date.now() + days * 864e5).toLocaleString('en', { timeZone })).join();
const startZoneOffer = offer => {
  const zone = ownZone(), known = offer.dataset.zone, choice = known + ' ' + zone;
  try {
    if (!zone || localStorage.getItem(KEPT) === choice || clocksOf(known) === clocksOf(zone)) return;
  } catch { return; } // the browser blocks storage, so the answer can't be saved, or it doesn't know the zone
  for (const name of offer.querySelectorAll('.zone-now')) name.textContent = zone;
  offer.elements.next.value = location.pathname + location.search;
  offer.hidden = false;
  byId('zone-keep').addEventListener('click', () => {
    localStorage.setItem(KEPT, choice);
    offer.hidden = true;
  });
};
