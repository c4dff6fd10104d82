// The state of the live connection
//
// data-conn on <html> makes the page gray (states.css). #conn says why and since when. Short breaks aren't shown.
const LONG = 60e3; // ms without a connection until the page explains what it's doing
let wanted = 'on';
let showing, explaining;
let lastLive = Date.now();
let liveTitle = null; // the title to restore when the page is live again

const show = (state, text, after = 0) => {
  if (state === wanted && state === 'wait') return; // let the first timer run
  if (state !== 'on' && wanted === 'on' && socket) lastLive = Date.now();
  wanted = state;
  clearTimeout(showing);
  clearTimeout(explaining);
  showing = setTimeout(() => {
    root.dataset.conn = state;
    byId('conn').textContent = text;
    if (state === 'on') goLive();
    else goStale();
    writeTimes();
    if (state === 'wait') explaining = setTimeout(explainBreak, LONG);
  }, after);
};
const live = () => show('on', '');

// A page that isn't live says when it last was.
const boardName = () => document.querySelector('.brand bdi')?.textContent ?? 'Rollcall';
const goStale = () => {
  if (!byId('list')) return;
  const asOf = 'as of ' + clock(lastLive);
  byId('news').textContent = asOf;
  liveTitle ??= document.title;
  document.title = 'As of ' + clock(lastLive) + ' · ' + boardName();
};
const goLive = () => {
  if (liveTitle === null) return;
  byId('news').textContent = '';
  if (document.title.startsWith('As of ')) document.title = liveTitle; // else the server has sent a new one
  liveTitle = null;
};

const reconnecting = () => 'Not live since ' + clock(Date.now()) + '. Reconnecting…';

const explainBreak = () => {
  const conn = byId('conn'), reload = document.createElement('button');
  reload.type = 'button';
  reload.textContent = 'Reload';
  reload.addEventListener('click', () => location.reload());
  conn.textContent = 'Not live since ' + clock(lastLive) + '. This page tries to connect every few seconds.';
  conn.append(reload);
};

document.addEventListener('htmx:ws:after:connection', e => {
  socket = e.detail.connection.socket;
  // htmx's own event doesn't have the reason for the close.
  socket.addEventListener('close', ended);
  sayFirst();
  // A server that is full accepts the socket only to close it with that reason.
  if (wanted === 'full') setTimeout(() => { if (socket.readyState === WebSocket.OPEN) live(); }, 1000);
  else live();
});

// A new row is placed beside a row that the page should have. If the page doesn't have it, it asks for the whole list.
const BESIDE = /<hx-partial id="([^"]*)" hx-swap=before(?:begin|end)>/g;

document.addEventListener('htmx:ws:before:message:incoming', e => {
  changedAt = Date.now();
  const data = String(e.detail.message.data);
  if ([...data.matchAll(BESIDE)].some(([, id]) => !byId(id))) {
    e.preventDefault();
    socket.send('s');
  }
  if (wanted !== 'on' && socket?.readyState === WebSocket.OPEN) live();
});

// After a form is submitted, its answer decides which page comes next, even if the form ends the session. A double click
// doesn't submit the form twice, because the second request would check the old password against the new one. A different
// form can be submitted.
const ANSWER = 10e3, DOUBLE = 2e3;
let sent = -Infinity, sentForm = null;
let signedOut = false;
const leaving = () => signedOut || Date.now() - sent < ANSWER;
addEventListener('submit', e => {
  if (e.defaultPrevented) return;
  if (e.target === sentForm && Date.now() - sent < DOUBLE) return e.preventDefault();
  sent = Date.now();
  sentForm = e.target;
  dropLoads();
});

// A page that is about to be replaced doesn't load anything, because its session may have ended and the answer would be an
// error.
const loads = new Set();
const dropLoads = () => { for (const request of loads) request.abort(); };
document.addEventListener('htmx:before:request', e => {
  const { request } = e.detail.ctx;
  if (leaving()) e.preventDefault();
  else if (request.method === 'GET') loads.add(request);
});
document.addEventListener('htmx:finally:request', e => loads.delete(e.detail.ctx.request));

const ended = e => {
  if (e.code === 1013 && e.reason === 'full') show('full', 'Rollcall is full. This page keeps trying.');
  if (e.code === 1008) signOut(e.reason);
};

// The session has ended. The sign-in page says why.
const signOut = why => {
  const to = new URLSearchParams({ next: location.pathname + location.search, why });
  const go = () => location.assign(document.querySelector('[data-login]').dataset.login + '?' + to);
  if (leaving()) setTimeout(go, ANSWER);
  else go();
  signedOut = true;
  dropLoads();
};

document.addEventListener('htmx:ws:close', e => {
  if (e.detail.reason !== 'closed') return;
  const { code, connection } = e.detail;
  if (code === 1008) return; // handled by the socket's own event, which has the reason
  if (code === 4001) {
    show('rest', 'This tab is paused because you have many open.');
  } else if (!connection.config.reconnectCodes.includes(code)) {
    show('off', 'Disconnected. Reload the page.', 1000);
  } else if (wanted !== 'full') {
    show('wait', reconnecting(), 1000);
  }
});

addEventListener('offline', () => { if (socket) show('wait', reconnecting(), 1000); });
// A socket that was open when the network was lost may be dead without any event.
addEventListener('online', () => { if (socket?.readyState === WebSocket.OPEN) socket.close(); });

document.addEventListener('visibilitychange', () => {
  if (document.hidden) {
    say('h');
    storage.write();
  } else if (wanted === 'rest') {
    lastInput = Date.now();
    storage.write();
    location.reload();
  } else {
    // Returning to a tab counts as input.
    lastInput = Date.now();
    say('a');
    writeTimes();
  }
});

addEventListener('pagehide', storage.write);
addEventListener('pageshow', e => {
  if (!e.persisted) return;
  // The page was restored from the back/forward cache. It isn't waiting for an answer, its socket is closed, and the user
  // may have signed out since.
  sent = -Infinity;
  if (socket && socket.readyState !== WebSocket.OPEN) location.reload();
});
