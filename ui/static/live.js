// The page's own script. It stands before htmx in one file (see ui/build.mjs),
// so that it hears the first connection, and so it touches nothing of the page
// before an event says that the page is there.
//
// It does four things: tells the server when there was input, shows when the
// page is not live, writes times as "for 4 min", and small comforts of forms
// and the menu. Without it every page still works, only not live.
(() => {
  const root = document.documentElement;
  const byId = id => document.getElementById(id);

  // ---- Input: when did this person last do something in this tab? ----
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

  // ---- Is the page live? ----
  //
  // data-conn on <html> drains the list of its colour, #conn says why. Short
  // breaks are not shown.
  let wanted = 'on';
  let showing;
  const show = (state, text, after = 0) => {
    if (state === wanted && state === 'wait') return; // let the first timer run
    wanted = state;
    clearTimeout(showing);
    showing = setTimeout(() => {
      root.dataset.conn = state;
      byId('conn').textContent = text;
    }, after);
  };
  const live = () => show('on', '');

  document.addEventListener('htmx:ws:after:connection', e => {
    socket = e.detail.connection.socket;
    // htmx's own event does not carry the reason of a close.
    socket.addEventListener('close', ended);
    sayFirst();
    // A server that is full opens the socket only to say so.
    if (wanted === 'full') setTimeout(() => { if (socket.readyState === WebSocket.OPEN) live(); }, 1000);
    else live();
  });

  document.addEventListener('htmx:ws:before:message:incoming', () => {
    changedAt = Date.now();
    if (wanted !== 'on' && socket?.readyState === WebSocket.OPEN) live();
  });

  // After a form was sent, its answer decides where to go, also when the form ends the session. A double click doesn't
  // send it twice: the second one would try the old password against the new one. Another form may go.
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

  // A page that is leaving loads nothing more: its session may have ended, and
  // the answer would be an error.
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

  // The session has ended, here or elsewhere; the sign-in page says why.
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
    if (code === 1008) return; // the socket's own event has the reason
    if (code === 4001) {
      show('rest', 'This tab is paused because you have many open.');
    } else if (!connection.config.reconnectCodes.includes(code)) {
      show('off', 'Disconnected. Reload the page.', 1000);
    } else if (wanted !== 'full') {
      show('wait', 'Reconnecting…', 1000);
    }
  });

  addEventListener('offline', () => { if (socket) show('wait', 'Reconnecting…', 1000); });
  // After the network was gone an open socket may be dead without knowing it.
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
      // Coming back to a tab is input.
      lastInput = Date.now();
      say('a');
      writeTimes();
    }
  });

  addEventListener('pagehide', storage.write);
  addEventListener('pageshow', e => {
    if (!e.persisted) return;
    // Back from the browser's memory: no answer is on its way, the socket is
    // closed, and by now the person may be somebody else or nobody.
    sent = -Infinity;
    if (socket && socket.readyState !== WebSocket.OPEN) location.reload();
  });

  // ---- Times ----
  //
  // The server writes "since 14:03 UTC"; here it becomes "for 4 min", and the
  // clock on the wall. An observer's callback runs before the next paint, so
  // nothing flashes when a row arrives. The server's clock counts if this one
  // is far off.
  let skew = 0;
  const minutesSince = t => Math.floor((Date.now() - skew - t) / 60e3);
  const midnight = days => { const d = new Date(Date.now() - skew); d.setHours(24 * days, 0, 0, 0); return +d; };
  // The reader's region decides how, if they read the page's language: an
  // English page has no German weekdays.
  const locale = navigator.languages.find(tag => tag.split('-')[0] === root.lang) ?? root.lang;
  const clock = t => new Date(t).toLocaleTimeString(locale, { hour: 'numeric', minute: '2-digit' });
  const date = (t, parts) => new Date(t).toLocaleDateString(locale, parts);
  const words = {
    since: t => {
      const minutes = minutesSince(t);
      if (minutes < 1) return 'just now';
      if (minutes < 60) return 'for ' + minutes + ' min';
      if (minutes < 48 * 60) return 'for ' + Math.floor(minutes / 60) + ' h';
      return 'for ' + Math.floor(minutes / 1440) + ' days';
    },
    seen: t => {
      const minutes = minutesSince(t);
      if (minutes < 1) return 'just now';
      if (minutes < 60) return minutes + ' min ago';
      if (t >= midnight(0)) return 'today at ' + clock(t);
      if (t >= midnight(-1)) return 'yesterday at ' + clock(t);
      return date(t, { day: 'numeric', month: 'short', year: minutes > 300 * 1440 ? 'numeric' : undefined });
    },
    until: t => {
      if (t === midnight(1)) return 'until midnight';
      if (t < midnight(1)) return 'until ' + clock(t);
      if (t < midnight(7)) return 'until ' + date(t, { weekday: 'short' }) + ' ' + clock(t);
      return 'until ' + date(t, { day: 'numeric', month: 'short' });
    },
    end: t => {
      if (t === midnight(1)) return 'at midnight';
      if (t < midnight(1)) return 'at ' + clock(t);
      if (t < midnight(7)) return 'on ' + date(t, { weekday: 'long' }) + ' at ' + clock(t);
      return 'on ' + date(t, { day: 'numeric', month: 'long' }) + ' at ' + clock(t);
    },
    clock,
  };
  const writeTimes = () => {
    for (const time of document.querySelectorAll('time[datetime]')) {
      const text = (words[time.className] ?? words.since)(Date.parse(time.dateTime));
      if (time.textContent !== text) time.textContent = text;
    }
  };

  // What is cut off, and exact times, show when pointed at.
  const explain = e => {
    const el = e.target.closest?.(':is(time, .nm, .tx)');
    if (!el || el.title) return;
    if (el.dateTime) el.title = new Date(el.dateTime).toLocaleString(locale);
    else if ([el, ...el.children].some(x => x.scrollWidth > x.clientWidth + 1 || x.scrollHeight > x.clientHeight + 4)) el.title = el.textContent;
  };

  // ---- People who come and go ----
  //
  // Rows on other pages are not sent; how many people came there is, as a number
  // that only grows. What counts is by how much since this page went live and
  // its own person had arrived.
  const startArrivals = more => {
    let since, base;
    const show = () => {
      const now = byId('arrived'), n = +now.value;
      if (since !== now.dataset.since || n < base) { since = now.dataset.since; base = n; }
      const text = n > base ? n - base + ' more arrived · show' : '';
      if (more.textContent !== text) more.textContent = text; // or this would never end
      more.hidden = !text;
    };
    const begin = () => { base = Infinity; show(); };
    begin();
    document.addEventListener('htmx:ws:after:connection', () => setTimeout(begin, 2e3), { once: true });
    new MutationObserver(show).observe(more.parentNode, { subtree: true, childList: true, attributeFilter: ['value'] });
  };

  // For screen readers, when wanted: one sentence about the rows of this page, at
  // most every 20 s. Who came and left again meanwhile is not mentioned, and neither
  // is the page's own person, who comes with it.
  const QUIET = 20e3;
  const startAnnouncing = (said, list) => {
    const moved = new Map(); // name -> 'came' or 'left'
    let timer = 0, last = -Infinity;
    const some = what => {
      const names = [...moved].filter(([, how]) => how === what).map(([name]) => name);
      return names.length && (names.length > 2 ? names.length + ' people' : names.join(' and ')) + ' ' + what;
    };
    const speak = () => {
      timer = 0;
      const text = [some('came'), some('left')].filter(Boolean).join(', ');
      moved.clear();
      if (!text) return;
      last = Date.now();
      said.textContent = text + '.';
    };
    new MutationObserver(changes => {
      for (const { target, oldValue } of changes) {
        const here = target.dataset.state !== 'offline', was = oldValue !== 'offline';
        const name = target.querySelector('.nm bdi')?.textContent;
        if (here === was || !name || target.id === said.dataset.own) continue;
        const how = here ? 'came' : 'left';
        if (moved.has(name) && moved.get(name) !== how) moved.delete(name);
        else moved.set(name, how);
      }
      if (moved.size && !timer) timer = setTimeout(speak, Math.max(1000, last + QUIET - Date.now()));
    }).observe(list, { subtree: true, attributeFilter: ['data-state'], attributeOldValue: true });
  };

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

  const startTimes = () => {
    writeTimes();
    setInterval(() => { if (!document.hidden) writeTimes(); }, 15e3); // only words; keeps nobody online
  };

  // ---- Forms and the menu ----
  const startReveal = button => {
    const field = byId(button.getAttribute('aria-controls'));
    const set = on => {
      field.type = on ? 'text' : 'password';
      button.setAttribute('aria-pressed', on);
    };
    button.hidden = false;
    button.addEventListener('click', () => { set(field.type === 'password'); field.focus(); });
    field.form.addEventListener('submit', () => set(false)); // else browsers would not offer to keep it
  };

  // Typing an own value chooses it.
  const startPick = field => field.addEventListener('input', () => { byId(field.dataset.picks).checked = true; });

  // The panel in the menu is loaded anew each time the menu opens, unless
  // something was typed into it and not sent.
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

  // The time zone of this browser; sent while the server knows none, and offered
  // when the clock there is another one than in the zone that the server knows.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone ?? '';
  document.addEventListener('submit', e => { if (e.target.elements.zone) e.target.elements.zone.value = zone; }, true);
  const KEPT = 'rollcall-zone-kept';
  const clocksOf = timeZone => [0, 182].map(days => new Date(Date.now() + days * 864e5).toLocaleString('en', { timeZone })).join();
  const startZoneOffer = offer => {
    const known = offer.dataset.zone, choice = known + ' ' + zone;
    try {
      if (!zone || localStorage.getItem(KEPT) === choice || clocksOf(known) === clocksOf(zone)) return;
    } catch { return; } // no storage to keep the answer in, or a zone that this browser doesn't know
    for (const name of offer.querySelectorAll('.zone-now')) name.textContent = zone;
    offer.elements.next.value = location.pathname + location.search;
    offer.hidden = false;
    byId('zone-keep').addEventListener('click', () => {
      localStorage.setItem(KEPT, choice);
      offer.hidden = true;
    });
  };

  document.addEventListener('htmx:error', () => {
    if (byId('me-said')) byId('me-said').textContent = 'Rollcall can’t be reached. Try again in a moment.';
  });

  document.addEventListener('DOMContentLoaded', () => {
    const list = byId('list');
    if (list) startBoard(list);
    const panel = document.querySelector('main #panel'); // in the menu it is looked after there
    if (panel) new MutationObserver(writeTimes).observe(panel, { subtree: true, childList: true, attributeFilter: ['datetime'] });
    if (document.querySelector('time') || list || panel) startTimes();
    document.querySelectorAll('.reveal').forEach(startReveal);
    document.querySelectorAll('[data-picks]').forEach(startPick);
    if (document.querySelector('.saved')) history.replaceState(null, '', location.pathname); // said once, not again after a reload
    document.querySelectorAll('.account').forEach(startMenu);
    if (byId('zone-offer')) startZoneOffer(byId('zone-offer'));
  });
})();
