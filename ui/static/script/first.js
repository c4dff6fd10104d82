// First run
//
// The set-up page shows how the board will look while somebody types.
const startPeek = form => {
  const show = (id, text) => { byId(id).textContent = text; };
  const usual = { board: byId('peek-board').textContent, name: byId('peek-name').textContent };
  const write = () => {
    const { board_name: board, display_name: name, username } = form.elements;
    const typed = name.value.trim() || username.value.trim();
    if (board) show('peek-board', board.value.trim() || usual.board);
    show('peek-name', typed || usual.name);
    if (typed) show('peek-initials', typed.split(/\s+/).map(word => [...word][0]).filter((_, i, all) => !i || i === all.length - 1).join('').toUpperCase());
  };
  form.addEventListener('input', write);
};

// A button that copies a field. Browsers give the clipboard itself only to pages that came over https or from this
// machine; elsewhere the field is selected and copied as by hand.
const startCopy = button => {
  const field = byId(button.dataset.copies), label = button.querySelector('span'), usual = label.textContent;
  const said = text => {
    label.textContent = text;
    byId('copied').textContent = text;
    setTimeout(() => { label.textContent = usual; byId('copied').textContent = ''; }, 3000);
  };
  field.addEventListener('focus', () => field.select());
  button.hidden = false;
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(field.value);
      said('Copied');
    } catch {
      field.select();
      said(document.execCommand('copy') ? 'Copied' : 'Press Ctrl+C');
    }
  });
};

// A page that has been open for days is printed with the date of today.
addEventListener('beforeprint', () => {
  if (byId('printed-at')) byId('printed-at').textContent = new Date().toLocaleString(locale, { dateStyle: 'long', timeStyle: 'short' });
});
