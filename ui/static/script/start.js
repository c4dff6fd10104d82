document.addEventListener('DOMContentLoaded', () => {
  const list = byId('list');
  if (list) startBoard(list);
  const panel = document.querySelector('main #panel'); // in the menu it is looked after there
  if (panel) new MutationObserver(writeTimes).observe(panel, { subtree: true, childList: true, attributeFilter: ['datetime'] });
  if (document.querySelector('time') || list || panel) startTimes();
  document.querySelectorAll('.reveal').forEach(startReveal);
  document.querySelectorAll('[data-picks]').forEach(startPick);
  if (document.querySelector('.saved')) history.replaceState(null, '', location.pathname); // said once, not again after a reload
  document.querySelectorAll('.account').forEach(startMenu);
  document.querySelectorAll('[data-peek]').forEach(startPeek);
  document.querySelectorAll('[data-copies]').forEach(startCopy);
  if (byId('zone-offer')) startZoneOffer(byId('zone-offer'));
});
