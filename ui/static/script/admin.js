// Administration
//
// The server says when accounts have changed, at most once per second. The page then loads itself again, unless somebody
// is typing, has selected people, or has opened something.
const PATIENCE = 1000; // ms until the page tries again
const admin = () => document.getElementById('admin');
const texts = 'input:not([type=checkbox], [type=radio], [type=hidden]), textarea';
const changed = field => {
  if (field.matches('select')) return [...field.options].some(o => o.selected !== o.defaultSelected);
  if (field.matches('[type=checkbox], [type=radio]')) return field.checked !== field.defaultChecked;
  return field.value !== field.defaultValue;
};
const busy = () => {
  const fields = [...admin().querySelectorAll('input, textarea, select')].filter(field => !field.readOnly);
  return fields.some(changed) || document.activeElement.matches(texts) && admin().contains(document.activeElement)
    || admin().querySelector('details[open]') !== null;
};

let waiting = 0, loading = false;
const refresh = async () => {
  clearTimeout(waiting);
  waiting = 0;
  if (loading || busy()) {
    waiting = setTimeout(refresh, PATIENCE);
    return;
  }
  loading = true;
  try {
    await htmx.ajax('GET', location.pathname + location.search, { source: admin(), target: admin(), select: '#admin', swap: 'outerMorph' });
  } finally {
    loading = false;
  }
};

// The role has been taken away: the page that says so replaces this one.
document.addEventListener('htmx:response:error', e => {
  if (e.detail.ctx.response.status === 403 && e.target.closest('#admin')) location.reload();
});

const count = () => {
  const form = document.getElementById('bulk');
  if (!form) return;
  const boxes = [...form.querySelectorAll('[name=person]')], n = boxes.filter(box => box.checked).length;
  const all = document.getElementById('pick-all'), said = document.getElementById('picked');
  all.hidden = false;
  all.checked = n > 0 && n === boxes.length;
  all.indeterminate = n > 0 && n < boxes.length;
  if (said.textContent !== n + ' selected') said.textContent = n + ' selected';
};

document.addEventListener('change', e => {
  if (e.target.id === 'pick-all') {
    for (const box of document.querySelectorAll('#bulk [name=person]')) box.checked = e.target.checked;
  }
  if (e.target.closest('#bulk')) count();
});

let connected = false;
document.addEventListener('htmx:ws:after:connection', () => {
  if (connected && admin().dataset.live) refresh(); // something may have changed meanwhile
  connected = true;
});

document.addEventListener('DOMContentLoaded', () => {
  count();
  new MutationObserver(() => { if (admin().dataset.live) refresh(); }).observe(document.getElementById('lists'), { childList: true });
});
document.addEventListener('htmx:after:swap', count);
