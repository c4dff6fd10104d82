// Runs in every page of the tests, before the page's own scripts. It records
// each state that a row ever shows, and lets a test advance the page's clock.
(() => {
  const now = Date.now;
  let skip = 0;
  try { skip = +sessionStorage.getItem('test-skip'); } catch {} // about:blank has none
  Date.now = () => now() + skip;

  let shown = {}; // by username: [state, unix milliseconds] in the order shown
  let last = {};
  const record = (user, state) => {
    if (last[user] === state) return;
    last[user] = state;
    (shown[user] ??= []).push([state, now()]);
  };
  const recordAll = () => {
    const there = new Set();
    for (const row of document.querySelectorAll('[data-user]')) {
      there.add(row.dataset.user);
      record(row.dataset.user, row.dataset.state);
    }
    for (const user in last) if (!there.has(user)) record(user, 'gone');
  };
  new MutationObserver(records => {
    // A state that was replaced before this runs appears only as an old value.
    for (const r of records) if (r.type === 'attributes' && r.oldValue && r.target.dataset.user) record(r.target.dataset.user, r.oldValue);
    recordAll();
  }).observe(document, { subtree: true, childList: true, attributeFilter: ['data-state'], attributeOldValue: true });

  // Errors, for browsers that don't report them to the test.
  const problems = [];
  addEventListener('error', e => problems.push(e.message ?? 'failed to load ' + (e.target.src ?? e.target.href)), true);
  addEventListener('unhandledrejection', e => problems.push('rejected: ' + e.reason));
  document.addEventListener('securitypolicyviolation', e => {
    const problem = 'policy: ' + e.violatedDirective + ' ' + e.blockedURI;
    problems.push(problem);
    console.error(problem);
  });

  // The point to click for an element, or nothing if it is missing, hidden, or covered. A view transition covers the
  // page for a moment after a link was followed.
  const point = selector => {
    const el = document.querySelector(selector);
    if (!el?.checkVisibility()) return [];
    el.scrollIntoView({ block: 'nearest', behavior: 'instant' });
    const box = el.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
    return el.contains(document.elementFromPoint(x, y)) ? [x, y] : [];
  };

  // Whether an element is in view as a whole, and nothing lies over its middle and its edges. A scrollbar that the browser
  // shows only while the menu is scrolled counts as nothing.
  const whole = el => {
    const { left, right, top, bottom, width, height } = el.getBoundingClientRect(), x = left + width / 2, y = top + height / 2;
    if (top < -1 || left < -1 || bottom > innerHeight + 1 || right > innerWidth + 1) return false;
    const menu = el.closest('.menu'), scrolls = menu?.scrollHeight > menu?.clientHeight;
    const bar = scrolls ? menu.getBoundingClientRect().right - 24 : Infinity;
    return [[x, y], [left + 2, y], [right - 2, y], [x, top + 2], [x, bottom - 2]].every(at => {
      const on = document.elementFromPoint(...at);
      return el.contains(on) || on === menu && at[0] > bar;
    });
  };

  window.test = {
    point,
    whole,
    problems,
    shown: user => shown[user] ?? [],
    forget: () => { shown = {}; last = {}; recordAll(); },
    skip: ms => { skip += ms; sessionStorage.setItem('test-skip', skip); },
    state: user => document.querySelector(`[data-user="${user}"]`)?.dataset.state ?? 'none',
    // The usernames of the visible rows, in the order of the page.
    visible: () => [...document.querySelectorAll('[data-user]')].filter(row => row.checkVisibility()).map(row => row.dataset.user),
  };
})();
