// Times
//
// The server writes "since 14:03 UTC". This script replaces it with "for 4 min" or the local time. It does so in the
// callback of an observer, which runs before the next paint, so that new rows don't flicker.
let skew = 0; // ms that this computer's clock is ahead of the server's, if that's far
const minutesSince = t => Math.floor((Date.now() - skew - t) / 60e3);
const midnight = days => { const d = new Date(Date.now() - skew); d.setHours(24 * days, 0, 0, 0); return +d; };
// Use the reader's region only if they read the page's language, so that an English page has no German weekdays.
const locale = navigator.languages.find(tag => tag.split('-')[0] === root.lang) ?? root.lang;
const formats = new Map(); // by parts; kept, because making a format takes far longer than using it
const date = (t, parts) => {
  const key = JSON.stringify(parts);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(locale, parts));
  return formats.get(key).format(t);
};
const clock = t => date(t, { hour: 'numeric', minute: '2-digit' });
const isMidnight = t => { const d = new Date(t); return !d.getHours() && !d.getMinutes(); };
const sinceWhen = t => {
  if (t >= midnight(0)) return 'since ' + clock(t);
  if (t >= midnight(-1)) return 'since yesterday';
  return 'since ' + date(t, { day: 'numeric', month: 'short' });
};
const wasLive = () => ['wait', 'off', 'full', 'rest'].includes(root.dataset.conn);
const words = {
  // A page that isn't live doesn't know whether it went on.
  since: t => {
    if (wasLive()) return sinceWhen(t);
    const minutes = minutesSince(t);
    if (minutes < 1) return '';
    if (minutes < 60) return 'for ' + minutes + ' min';
    if (minutes < 48 * 60) return 'for ' + Math.floor(minutes / 60) + ' h';
    return 'for ' + Math.floor(minutes / 1440) + ' days';
  },
  // In the first minute, show a time only if this page saw the person arrive.
  online: (t, time) => {
    if (minutesSince(t) < 1) return justArrived(time.closest('.p')) ? 'just arrived' : '';
    return sinceWhen(t);
  },
  seen: t => {
    const minutes = minutesSince(t);
    if (minutes < 1 && !wasLive()) return 'just now';
    if (minutes < 60 && !wasLive()) return minutes + ' min ago';
    if (t >= midnight(0)) return clock(t);
    if (t >= midnight(-1)) return 'yesterday at ' + clock(t);
    return date(t, { day: 'numeric', month: 'short', year: minutes > 300 * 1440 ? 'numeric' : undefined });
  },
  until: t => {
    if (t === midnight(1)) return 'until midnight';
    if (t < midnight(1)) return 'until ' + clock(t);
    if (t < midnight(7) && isMidnight(t)) return 'until ' + date(t, { weekday: 'long' });
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
    const text = (words[time.className] ?? words.since)(Date.parse(time.dateTime), time);
    if (time.textContent !== text) time.textContent = text;
  }
  for (const el of document.querySelectorAll(':is(.there, .far)[data-zone]')) writeFar(el);
};

// The clocks of people who share their local time. Rows show them only where they differ from the reader's, and a
// person's page says by how much.
const clocks = new Map(); // zone -> [what a row shows, minutes ahead], for the current minute
let clocksAt = 0;
const farClock = zone => {
  const now = Date.now() - skew, minute = Math.floor(now / 60e3);
  if (minute !== clocksAt) clocks.clear();
  clocksAt = minute;
  if (!clocks.has(zone)) {
    const wall = timeZone => Date.parse(new Date(minute * 60e3).toLocaleString('en-US', { timeZone }));
    try {
      clocks.set(zone, [date(now, { hour: 'numeric', minute: '2-digit', timeZone: zone }), (wall(zone) - wall()) / 60e3]);
    } catch { clocks.set(zone, ['', 0]); } // a zone that this browser doesn't know
  }
  return clocks.get(zone);
};
const hours = minutes => ((Math.floor(minutes / 60) || '') + ['', '¼', '½', '¾'][Math.floor(minutes % 60 / 15)] || '0') + ' h';
const writeFar = el => {
  const [text, ahead] = farClock(el.dataset.zone);
  const put = (at, text) => { if (at.textContent !== text) at.textContent = text; };
  if (el.className === 'there') return put(el, text && ahead ? text + ' there' : '');
  if (!text) return;
  put(el, text);
  const apart = ahead ? hours(Math.abs(ahead)) + (ahead > 0 ? ' ahead of you' : ' behind you') : 'same as yours';
  put(el.parentElement.querySelector('.apart'), ', ' + apart);
};

// Show a tooltip with the exact time, or with text that is cut off.
const explain = e => {
  const el = e.target.closest?.(':is(time, .nm, .tx)');
  if (!el || el.title) return;
  if (el.dateTime) el.title = new Date(el.dateTime).toLocaleString(locale);
  else if ([el, ...el.children].some(isCut)) el.title = el.textContent;
};
const isCut = el => el.scrollWidth > el.clientWidth + 1 || el.scrollHeight > el.clientHeight + 4;

const startTimes = () => {
  writeTimes();
  setInterval(() => { if (!document.hidden) writeTimes(); }, 15e3);
};
