// "Tell me when Ada is here"
//
// The server tells every open page of the person who asked, and pages that connect a moment later, because they may have
// been reconnecting. This tab remembers what it has shown.
const TOLD = 'rollcall-told';
const shown = {
  read: () => { try { return JSON.parse(sessionStorage.getItem(TOLD)) ?? []; } catch { return []; } },
  add: id => { try { sessionStorage.setItem(TOLD, JSON.stringify([...shown.read().slice(-50), id])); } catch {} },
};

const startTold = place => {
  new MutationObserver(records => {
    for (const { addedNodes } of records) for (const toast of addedNodes) if (toast.id) arrive(toast);
  }).observe(place, { childList: true });
  const arrive = toast => {
    if (shown.read().includes(toast.id)) return toast.remove();
    shown.add(toast.id);
    notify(toast, place.dataset.worker);
    for (const who of document.querySelectorAll('.who:has(.card)')) loadPerson(who);
  };
  place.addEventListener('click', e => e.target.closest('button')?.closest('.toast').remove());
  document.addEventListener('click', e => { if (e.target.closest?.('[data-asks]')) askNotify(); });
};

// Notifications of the browser, besides the message in the page. They need the worker: a page can't show them itself on
// phones. The permission is asked for when somebody wants to be told, never before.
const canNotify = () => 'Notification' in window && navigator.serviceWorker && isSecureContext;
const askNotify = () => {
  if (canNotify() && Notification.permission === 'default') Notification.requestPermission().then(sayNotify, () => {});
};

const sayNotify = () => {
  const hint = byId('who-notify');
  if (!hint || !canNotify() || Notification.permission === 'default') return;
  hint.textContent = Notification.permission === 'granted'
    ? 'If you’re looking elsewhere, your browser shows a notification.'
    : 'Your browser blocks notifications of this site, so keep a page open to see it.';
  hint.hidden = false;
};

const notify = async (toast, url) => {
  if (!canNotify() || Notification.permission !== 'granted') return;
  try {
    await navigator.serviceWorker.register(url);
    const { active } = await navigator.serviceWorker.ready;
    active.postMessage({ id: toast.id, title: toast.querySelector('span').textContent, href: toast.querySelector('a').href });
  } catch {} // the page has said it
};
