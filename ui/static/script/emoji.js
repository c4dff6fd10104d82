// The picker for emoji: a popover with the common ones, and a search over a table that is fetched when it is first opened.
// The focus stays in the search field; the arrow keys choose and Enter takes.
const FOUND = 40, ACROSS = 8;
let emojiTable, commonEmoji;
const plainWords = text => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase();
const emojiPicker = () => byId('emojis');
const loadEmoji = picker => {
  emojiTable ??= fetch(picker.dataset.list).then(answer => answer.ok ? answer.json() : Promise.reject(answer.status)).then(rows => rows.map(row => {
    const [head, words = ''] = row.split('|'), space = head.indexOf(' '), name = head.slice(space + 1);
    return { emoji: head.slice(0, space), name, inName: ' ' + plainWords(name), inWords: ' ' + words };
  }));
  emojiTable.catch(() => { emojiTable = undefined; });
  return emojiTable;
};

// Every word has to begin a word of the name or a keyword. Names come first, then the keywords in their order.
const findEmoji = (rows, query) => {
  const words = plainWords(query).split(/\s+/).filter(Boolean);
  const rank = row => Math.max(...words.map(word => {
    const inName = row.inName.indexOf(' ' + word), inWords = row.inWords.indexOf(' ' + word);
    return inName === 0 ? 0 : inName > 0 ? 1 : inWords >= 0 ? 2 + inWords : Infinity;
  }));
  return rows.map(row => [rank(row), row]).filter(([r]) => r < Infinity).sort((a, b) => a[0] - b[0] || a[1].name.length - b[1].name.length).slice(0, FOUND).map(([, row]) => row);
};
const optionOf = ({ emoji, name }, i) => {
  const option = document.createElement('span');
  option.textContent = emoji;
  option.id = 'emoji-' + i;
  option.title = option.ariaLabel = name;
  option.setAttribute('role', 'option');
  return option;
};
const chooseEmoji = (list, option) => {
  for (const o of list.children) o.ariaSelected = String(o === option);
  byId('emoji-search').setAttribute('aria-activedescendant', option?.id ?? '');
  option?.scrollIntoView({ block: 'nearest' });
};
const searchEmoji = async picker => {
  const query = byId('emoji-search').value.trim(), list = byId('emoji-list'), hint = byId('emoji-hint');
  let found = commonEmoji, says = 'Or type any emoji from your keyboard into the text.';
  if (query) {
    try {
      found = findEmoji(await loadEmoji(picker), query).map(optionOf);
      says = found.length ? found.length + (found.length === FOUND ? ' or more' : '') + ' found' : 'Nothing found. Type any emoji from your keyboard into the text.';
    } catch {
      says = 'The search can’t be loaded. Type any emoji from your keyboard into the text.';
    }
    if (query !== byId('emoji-search')?.value.trim()) return; // typed on meanwhile
  }
  list.replaceChildren(...found);
  if (hint.textContent !== says) hint.textContent = says;
  chooseEmoji(list, query ? list.firstElementChild : null);
  placeEmoji();
};
const takeEmoji = emoji => {
  const field = byId('status-emoji');
  field.value = emoji;
  byId('emoji-now').textContent = emoji;
  byId('emoji-none').hidden = !emoji;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  emojiPicker().hidePopover();
  byId('status-text').focus();
};

// Under the button, or above it where there's more room; where neither will do, in the middle.
const placeEmoji = () => {
  const picker = emojiPicker();
  if (!picker?.matches(':popover-open')) return;
  const from = byId('emoji-open').getBoundingClientRect(), high = picker.offsetHeight, wide = picker.offsetWidth;
  const below = from.bottom + 8 + high <= innerHeight, above = from.top - 8 - high >= 0;
  picker.classList.toggle('placed', below || above);
  if (!below && !above) return picker.style.removeProperty('left'), picker.style.removeProperty('top');
  picker.style.left = Math.max(16, Math.min(from.left, innerWidth - wide - 16)) + 'px';
  picker.style.top = (below ? from.bottom + 8 : from.top - 8 - high) + 'px';
};
addEventListener('resize', placeEmoji);
document.addEventListener('scroll', e => { if (e.target.id !== 'emoji-list') placeEmoji(); }, true);

document.addEventListener('toggle', e => {
  if (e.target.id !== 'emojis') return;
  const list = byId('emoji-list'), search = byId('emoji-search');
  if (e.newState === 'open') {
    if (!e.target.commonEmoji) e.target.commonEmoji = [...list.children];
    commonEmoji = e.target.commonEmoji;
    loadEmoji(e.target).catch(() => {});
    search.value = '';
    searchEmoji(e.target);
    search.focus();
    return;
  }
  e.target.removeAttribute('style');
  if (document.activeElement === document.body) byId('emoji-open').focus(); // Safari's buttons have no focus to give back
}, true);
document.addEventListener('input', e => { if (e.target.id === 'emoji-search') searchEmoji(emojiPicker()); });
document.addEventListener('click', e => {
  const option = e.target.closest?.('#emoji-list [role=option]');
  if (option) takeEmoji(option.textContent);
  else if (e.target.id === 'emoji-none') takeEmoji('');
});
document.addEventListener('keydown', e => {
  const picker = e.target.closest?.('#emojis');
  if (!picker || e.isComposing) return;
  if (e.key === 'Escape') { // and not the menu with it
    e.preventDefault();
    e.stopPropagation();
    picker.hidePopover();
    byId('emoji-open').focus();
  }
  if (e.target.id !== 'emoji-search') return;
  const list = byId('emoji-list'), all = [...list.children], at = all.findIndex(o => o.ariaSelected === 'true');
  const step = { ArrowDown: ACROSS, ArrowUp: -ACROSS, ArrowRight: 1, ArrowLeft: -1 }[e.key];
  if (e.key === 'Enter') {
    e.preventDefault();
    if (all[at]) takeEmoji(all[at].textContent);
  } else if (step && all.length && (at >= 0 || step === ACROSS)) {
    e.preventDefault();
    chooseEmoji(list, all[at < 0 ? 0 : at + step < 0 || at + step >= all.length ? at : at + step]);
  }
}, true);
