// Shows a notification when somebody is here whom a person wanted to be told about. Pages send it the message. It has no
// cache, sees no requests, and needs no push service.
addEventListener('message', event => {
  const { id, title, href } = event.data ?? {};
  if (typeof id !== 'string' || typeof title !== 'string' || !URL.canParse(href) || new URL(href).origin !== location.origin) return;
  event.waitUntil((async () => {
    const pages = await clients.matchAll({ type: 'window', includeUncontrolled: true });
    if (pages.some(page => page.focused)) return; // the page shows it
    // Every open page sends the message. The same tag makes them one notification.
    await registration.showNotification(title, { tag: id, data: href });
  })());
});

addEventListener('notificationclick', event => {
  event.notification.close();
  event.waitUntil((async () => {
    const [page] = await clients.matchAll({ type: 'window', includeUncontrolled: true });
    if (page) await page.focus();
    else await clients.openWindow(event.notification.data);
  })());
});
