// Input: when did this person last do something in this tab?
//
// Kept in sessionStorage, because following a link must not lose it. A
// "navigate" is the person's own act and counts; a reload or the browser
// restoring its tabs may have happened by itself and does not.
const INPUT = 'rollcall-input';
const RESEND = 30e3; // at most one 'a' per 30 s; the server's clock decides the rest
const started = performance.getEntriesByType('navigation')[0];
const storage = { // may be switched off, and then throws
  read: () => { try { return +sessionStorage.getItem(INPUT); } catch { return 0; } },
  write: () => { try { sessionStorage.setItem(INPUT, lastInput); } catch {} },
};
let lastInput = started?.type !== 'navigate' && storage.read() || Date.now();
let saidActive = -Infinity;
let changedAt = Date.now(); // when the page last moved by itself
let socket = null;

const idleSeconds = () => Math.min(999999, Math.max(0, Math.round((Date.now() - lastInput) / 1000)));

// A frame is 'a' (active), or 'i' (idle) or 'h' (hidden) and the seconds since
// the last input. Never more than 12 bytes: the server cuts long ones off.
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

// A pointer that did not move is the page coming or moving under it; and
// scrolling counts only when it cannot be the page's own doing: restoring the
// place after a load, or holding it while rows come and go.
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
