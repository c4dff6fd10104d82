// The panel in the menu is loaded anew each time the menu opens, unless something was typed into it and not sent.
const startMenu = menu => {
  let typed = false;
  menu.addEventListener('toggle', e => { if (e.target === menu && menu.open && !typed) menu.dispatchEvent(new Event('open')); });
  let form = menu.querySelector('.status');
  menu.addEventListener('input', e => { if (e.target.closest('.status')) typed = !!(form.elements.text.value + form.elements.emoji.value); });
  menu.addEventListener('htmx:after:swap', () => {
    const now = menu.querySelector('.status');
    if (now === form) return;
    typed = now?.dataset.unset !== undefined;
    if (form) keepFocus(now);
    form = now;
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
  if (menu.dataset.zone) fetch(menu.dataset.zone, { method: 'POST', body: new URLSearchParams({ zone: ownZone() }) }).catch(() => {});
};

// Whoever pressed a button that is gone goes on where its result is.
const keepFocus = form => requestAnimationFrame(() => {
  const on = document.activeElement;
  if (form?.isConnected && (!on || on === document.body || !on.checkVisibility())) {
    [...form.querySelectorAll('#status-change, #status-text')].reverse().find(el => el.checkVisibility())?.focus();
  }
});

document.addEventListener('htmx:error', () => {
  if (byId('me-said')) byId('me-said').textContent = 'Rollcall can’t be reached. Try again in a moment.';
});
