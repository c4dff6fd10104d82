// The board
const startBoard = list => {
  const board = byId('live');
  const rendered = +board.dataset.now;
  const off = performance.timeOrigin + (started?.responseStart ?? 0) - rendered;
  if (Math.abs(off) > 60e3) skew = off;
  const watch = new MutationObserver(() => {
    writeTimes();
    countOthers();
    countTeams();
    followTeam(board.dataset.own);
  });
  watch.observe(list, { subtree: true, childList: true, characterData: true, attributeFilter: ['datetime'] });
  for (const id of ['lost', 'filter']) watch.observe(byId(id), { subtree: true, childList: true });
  list.addEventListener('pointerover', explain);
  startArrivals(byId('arrivals'), byId('search'));
  startMovement(list, board.dataset.own);
  if (byId('said')) startAnnouncing(byId('said'), list);
  startSearch(byId('search'), list);
  startFilter();
  if (!socket) show('wait', 'Connecting…', 4000);
};

// On a large board, counts the people of other teams who are here: everyone here, without the reader's own team.
const countOthers = () => {
  const others = byId('others-count'), mine = byId('mine-count');
  const n = mine && Math.max(0, byId('n-here').textContent - parseInt(mine.textContent));
  if (mine && others.textContent != n) others.textContent = n;
};

// Counts the teams in the index that have someone here.
const countTeams = () => {
  const busy = byId('busy'), counts = document.querySelectorAll('.index .faces + span > :first-child');
  const n = [...counts].filter(count => parseInt(count.textContent)).length;
  if (busy && busy.textContent != n) busy.textContent = n;
};

// When the reader's own team changes, loads the stylesheet that marks the new one.
const followTeam = own => {
  const row = byId('m-' + own) ?? byId('u-' + own), css = byId('me-css'), was = css.getAttribute('href');
  const now = was.replace(/&t=[^&]*/, '&t=' + row?.dataset.team);
  if (row && now !== was) css.setAttribute('href', now);
};

// A filter that works in the browser is kept in the URL as well.
const startFilter = () => {
  document.addEventListener('change', e => {
    if (e.target.name !== 'show') return;
    const at = new URL(location);
    at.searchParams.set('show', e.target.value);
    history.replaceState(history.state, '', at);
  });
};

// Search works as you type: the form's htmx attributes load the page for the words in the field. Matches are highlighted.
// "/" moves the focus to the field.
const fold = text => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
const startSearch = (form, list) => {
  const field = form.elements.q, clear = byId('search-clear');
  const mark = () => {
    if (!CSS.highlights) return;
    const words = fold(field.value).split(/\s+/).filter(Boolean);
    const found = new Highlight();
    if (words.length) for (const name of list.querySelectorAll('.nm bdi')) markIn(name.firstChild, words, found);
    CSS.highlights.set('found', found);
  };
  addEventListener('keydown', e => {
    if (e.key !== '/' || e.ctrlKey || e.metaKey || e.altKey) return;
    if (e.target.closest?.('input, textarea, select, [contenteditable]')) return;
    e.preventDefault();
    field.focus();
    field.select();
  });
  form.addEventListener('input', () => { clear.hidden = !field.value; });
  form.addEventListener('htmx:after:request', e => {
    if (e.detail.ctx.response.status !== 200) return;
    const at = new URLSearchParams(new FormData(form));
    if (!field.value) at.delete('q');
    history.replaceState(history.state, '', '?' + at);
  });
  new MutationObserver(mark).observe(list, { subtree: true, childList: true, characterData: true });
  mark();
};

// markIn highlights the words in text that start with one of words.
const markIn = (text, words, found) => {
  for (const { index, 0: word } of text?.data.matchAll(/[\p{L}\p{N}\p{M}]+/gu) ?? []) {
    const start = words.find(w => fold(word).startsWith(w));
    if (!start) continue;
    let end = 1;
    while (fold(word.slice(0, end)).length < start.length) end++;
    const range = new Range();
    range.setStart(text, index);
    range.setEnd(text, index + end);
    found.add(range);
  }
};
