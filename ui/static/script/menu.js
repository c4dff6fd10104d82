// The menu's panel is loaded each time the menu opens, unless it holds input that hasn't been submitted.
const startMenu = menu => {
  let typed = false;
  menu.addEventListener('toggle', () => { if (menu.open && !typed) menu.dispatchEvent(new Event('open')); });
  menu.addEventListener('input', () => { typed = true; });
  let form = menu.querySelector('.status');
  menu.addEventListener('htmx:after:swap', () => {
    const now = menu.querySelector('.status');
    if (now !== form) typed = (form = now)?.dataset.unset !== undefined;
  });
  new MutationObserver(writeTimes).observe(menu, { subtree: true, childList: true, attributeFilter: ['datetime'] });
  document.addEventListener('pointerdown', e => { if (!menu.contains(e.target)) menu.open = false; });
  menu.addEventListener('keydown', e => {
    if (e.key === 'Escape' && menu.open) {
      menu.open = false;
      menu.querySelector('summary').focus();
    }
  });
  writeTimes();
  if (menu.dataset.zone) fetch(menu.dataset.zone, { method: 'POST', body: new URLSearchParams({ zone }) }).catch(() => {});
};

document.addEventListener('htmx:error', () => {
  if (byId('me-said')) byId('me-said').textContent = 'Rollcall can’t be reached. Try again in a moment.';
});
