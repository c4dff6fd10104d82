// Wall boards
//
// ui/build.mjs puts this file into a script of its own, with page.js and times.js. Nobody uses a wall board by hand, so
// it fits itself to the screen, recovers by itself, and tells when it isn't live.
const NEWS = 60e3;  // ms to mention an arrival
const HALO = 2000;  // ms to mark a card after an arrival
const SLEPT = 60e3; // ms without a tick after which the screen must have been off
const MANY = 12;    // more rows than this at once mean a different list, not arrivals
const SIZES = [32, 28, 24, 20, 17, 15]; // px of the font at a width of 1920 px
const arrivedAt = new Map(); // row id -> when this page saw the person arrive
const justArrived = row => Date.now() - (arrivedAt.get(row?.id) ?? -Infinity) < NEWS;
const began = Date.now();
let socket, state = 'wait', lastLive = began, wholeList = false, showing;

const show = (to, after = 0) => {
  if (to === state && to !== 'on') return; // let the first timer run
  if (state === 'on' && to !== 'on') lastLive = Date.now();
  state = to;
  clearTimeout(showing);
  showing = setTimeout(() => {
    root.dataset.conn = to;
    byId('conn').textContent = to === 'on' ? '' : 'Not live. Shown as it was at ' + clock(lastLive);
    document.querySelector('.live').hidden = to !== 'on';
    writeTimes();
  }, after);
};

document.addEventListener('htmx:ws:after:connection', e => {
  socket = e.detail.connection.socket;
  socket.addEventListener('close', ({ code }) => { if (code === 1008) location.reload(); }); // the link was revoked or changed
  show('on', 500); // a server that is full accepts the socket only to close it
});
document.addEventListener('htmx:ws:close', e => {
  const { reason, code, connection } = e.detail;
  if (reason !== 'closed' || code === 1008) return;
  show('wait', 1000);
  if (!connection.config.reconnectCodes.includes(code)) setTimeout(() => location.reload(), 10e3);
});
addEventListener('offline', () => show('wait', 1000));
// A socket that was open when the network was lost may be dead without any event.
addEventListener('online', () => { if (socket?.readyState === WebSocket.OPEN) socket.close(); });

// A new row is placed beside a row that the page should have. If the page doesn't have it, it asks for the whole list.
const BESIDE = /<hx-partial id="([^"]*)" hx-swap=before(?:begin|end)>/g;
document.addEventListener('htmx:ws:before:message:incoming', e => {
  if ([...String(e.detail.message.data).matchAll(BESIDE)].every(([, id]) => byId(id))) return;
  e.preventDefault();
  socket.send('s');
});
document.addEventListener('htmx:before:swap', e => { wholeList = String(e.detail.ctx.text).includes('<hx-partial id="list"'); });

const arrive = row => {
  arrivedAt.set(row.id, Date.now());
  row.classList.add('new');
  setTimeout(() => row.classList.remove('new'), HALO);
};
const watchArrivals = records => {
  const came = new Set();
  for (const { type, target, oldValue, addedNodes } of records) {
    if (type === 'attributes' && oldValue === 'offline' && target.dataset.state !== 'offline') came.add(target);
    if (type === 'childList' && target.id === 'people' && !wholeList) for (const row of addedNodes) if (row.id) came.add(row);
  }
  if (came.size <= MANY && state === 'on') came.forEach(arrive);
  writeTimes();
};

// The largest type with which everybody fits on the screen
const fit = () => SIZES.some(size => {
  root.style.setProperty('--size', size);
  return root.scrollHeight <= innerHeight;
});

let ticked = began;
const tick = () => {
  const now = Date.now(), night = new Date(now).getHours() === 4;
  // After a sleep, and once a night, the page loads again, so that it also gets what a new version of the server brings.
  if (now - ticked > SLEPT || night && now - began > 12 * 3600e3) return location.reload();
  ticked = now;
  byId('clock').textContent = clock(now - skew);
  byId('date').textContent = date(now - skew, { weekday: 'long', day: 'numeric', month: 'long' });
  byId('clock').hidden = byId('date').hidden = false;
};

// Screens stay on while they show the board, where browsers allow it.
const stayOn = () => { if (!document.hidden) navigator.wakeLock?.request('screen').catch(() => {}); };

document.addEventListener('DOMContentLoaded', () => {
  const list = byId('list'), seen = { subtree: true, childList: true };
  const off = performance.timeOrigin + (performance.getEntriesByType('navigation')[0]?.responseStart ?? 0) - byId('live').dataset.now;
  if (Math.abs(off) > 60e3) skew = off;
  if (list) {
    new MutationObserver(watchArrivals).observe(list, { ...seen, attributeFilter: ['data-state'], attributeOldValue: true });
    new MutationObserver(() => { writeTimes(); fit(); }).observe(list, { ...seen, characterData: true, attributeFilter: ['datetime', 'data-state'] });
  }
  new MutationObserver(writeTimes).observe(byId('lost'), seen);
  setTimeout(() => { if (!socket) show('off'); }, 4000);
  startTimes();
  tick();
  setInterval(tick, 1000);
  fit();
  addEventListener('resize', fit);
  document.addEventListener('visibilitychange', stayOn);
  stayOn();
});
