document.addEventListener('DOMContentLoaded', () => {
  const list = byId('list');
  if (list) startBoard(list);
  const panel = document.querySelector('main #panel'); // startMenu handles the panel in the menu
  if (panel) new MutationObserver(writeTimes).observe(panel, { subtree: true, childList: true, attributeFilter: ['datetime'] });
  startPeople(list);
  if (byId('told')) startTold(byId('told'));
  if (document.querySelector('time, .far') || list || panel) startTimes();
  document.querySelectorAll('.reveal').forEach(startReveal);
  document.querySelectorAll('[data-picks]').forEach(startPick);
  // A reload must not show the message again.
  if (document.querySelector('.saved')) history.replaceState(null, '', location.pathname);
  document.querySelectorAll('.account').forEach(startMenu);
  document.querySelectorAll('[data-peek]').forEach(startPeek);
  document.querySelectorAll('[data-copies]').forEach(startCopy);
  if (byId('zone-offer')) setTimeout(startZoneOffer, 1e3, byId('zone-offer'));
});
