// Forms
const startReveal = button => {
  const field = byId(button.getAttribute('aria-controls'));
  const set = on => {
    field.type = on ? 'text' : 'password';
    button.setAttribute('aria-pressed', on);
  };
  button.hidden = false;
  button.addEventListener('click', () => { set(field.type === 'password'); field.focus(); });
  field.form.addEventListener('submit', () => set(false)); // else browsers wouldn't offer to save it
};

// Typing a custom value selects its radio button.
const startPick = field => field.addEventListener('input', () => { byId(field.dataset.picks).checked = true; });
