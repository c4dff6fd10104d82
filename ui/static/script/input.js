// Input: when the person last did something in this tab
//
// The time is in sessionStorage, so that it isn't lost when the person follows a link. Loading a page counts as input only
// if its navigation type is "navigate". A reload or a restored tab may not be an act of the person.
const INPUT = 'rollcall-input';
const RESEND = 30e3; // send 'a' at most every 30 s; the server measures idle time by its own clock
const started = performance.getEntriesByType('navigation')[0];
const storage = { // throws if the browser blocks it
  read: () => { try { return +sessionStorage.getItem(INPUT); } catch { return 0; } },
  write: () => { try { sessionStorage.setItem(INPUT, lastInput); } catch {} },
};
let lastInput = started?.type !== 'navigate' && storage.read() || Date.now();
let saidActive = -Infinity;
let changedAt = Date.now(); // when the page last changed by itself
let socket = null;

const idleSeconds = () => Math.min(999999, Math.max(0, Math.round((Date.now() - lastInput) / 1000)));

// A message is 'a' (active), or 'i' (idle) or 'h' (hidden) followed by the seconds since the last input. It's at most 12
// bytes long, because the server closes the connection on longer ones.
const say = what => {
  if (socket?.readyState !== WebSocket.OPEN) return;
  if (what === 'a') saidActive = Date.now();
  socket.send(what === 'a' ? 'a' : what + idleSeconds());
  storage.write();
};

const sayFirst = () => {
  saidActive = -Infinity;
  if (document.hidden) say('h');
  else say(Date.now() - lastInput <= RESEND ? 'a' : 'i');
};

const input = () => {
  lastInput = Date.now();
  if (!document.hidden && lastInput - saidActive >= RESEND) say('a');
};

// A pointer event without a change of position isn't input: the page has loaded or moved under the pointer. Scrolling
// counts only if the browser can't have caused it by restoring or keeping the scroll position.
let pointerAt = null;
const moved = e => {
  const at = e.screenX + ',' + e.screenY;
  if (pointerAt !== null && at !== pointerAt) input();
  pointerAt = at;
};
const scrolled = () => { if (Date.now() - changedAt > 1000) input(); };
const passive = { passive: true, capture: true };
for (const type of ['pointerdown', 'keydown', 'wheel', 'touchstart']) addEventListener(type, input, passive);
addEventListener('pointermove', moved, passive);
addEventListener('scroll', scrolled, passive);
