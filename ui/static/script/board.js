const startBoard = list => {
  const board = byId('live');
  const rendered = +board.dataset.now;
  const off = performance.timeOrigin + (started?.responseStart ?? 0) - rendered;
  if (Math.abs(off) > 60e3) skew = off;
  new MutationObserver(writeTimes).observe(list, {
    subtree: true, childList: true, characterData: true, attributeFilter: ['datetime'],
  });
  new MutationObserver(writeTimes).observe(byId('lost'), { subtree: true, childList: true });
  list.addEventListener('pointerover', explain);
  startArrivals(byId('more'));
  if (byId('said')) startAnnouncing(byId('said'), list);
  if (!socket) show('wait', 'Connecting…', 4000);
};
