document.addEventListener('DOMContentLoaded', () => {
  const list = byId('groups');
  if (list) startBoard(list);
  const panel = document.querySelector('main #panel, #admin'); // startMenu handles the panel in the menu
  if (panel) new MutationObserver(writeTimes).observe(panel, { subtree: true, childList: true, characterData: true, attributeFilter: ['datetime'] });
  startPeople(list);
  if (byId('told')) startTold(byId('told'));
  if (document.querySelector('time, .far') || list || panel) startTimes();
  document.querySelectorAll('.reveal').forEach(startReveal);
  document.querySelectorAll('[data-picks]').forEach(startPick);
  // A reload must not show the message again.
  if (document.querySelector('.saved')) {
    const at = new URL(location);
    for (const name of ['saved', 'ended', 'done', 'n']) at.searchParams.delete(name);
    history.replaceState(null, '', at);
  }
  document.querySelectorAll('.account').forEach(startMenu);
  document.querySelectorAll('[data-peek]').forEach(startPeek);
  document.querySelectorAll('[data-copies]').forEach(startCopy);
  if (byId('zone-offer')) setTimeout(startZoneOffer, 1e3, byId('zone-offer'));
});
