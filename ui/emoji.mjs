// Makes the table that the menu searches for emoji, from Unicode's names (unicode-emoji-json) and keywords of emojilib.
//
// An entry such as "☕ hot beverage, coffee break|drink tea" holds the emoji, its name and keywords. The table leaves out
// variants by skin tone and gender, and emoji that are too new for most systems. It holds as many keywords as fit into
// LIMIT, the more common ones first.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const LIMIT = 60_000; // bytes
const NEWEST = 15.1; // version of Unicode's emoji
const COMMON = 40; // leave out words that more emoji than this have

// Words for a status that neither source has. They become part of the name, so they rank before keywords.
const OURS = {
  '☕': 'coffee break', '🍜': 'lunch', '🍽️': 'lunch dinner', '🥪': 'lunch', '🥐': 'breakfast', '📅': 'meeting', '🗓️': 'meeting', '🎧': 'focus',
  '🎯': 'focus', '🧠': 'focus', '🌴': 'vacation holiday leave', '🏖️': 'vacation holiday', '✈️': 'travel flight', '🚲': 'bike', '🚌': 'commute',
  '🏠': 'remote', '🤒': 'sick', '🤕': 'sick', '💉': 'doctor', '🦷': 'dentist', '🎂': 'birthday', '🏃': 'workout', '🏋️': 'workout gym', '📞': 'call',
  '👶': 'parental', '🐣': 'parental', '🐕': 'walk', '🚶': 'walk', '🔥': 'incident', '🚨': 'incident', '🚀': 'deploy release', '🚢': 'release',
  '🐛': 'bug', '✍️': 'writing', '📖': 'reading', '🧹': 'chores', '📦': 'moving', '🛠️': 'maintenance', '💤': 'nap', '🌙': 'night shift',
};

const words = text => text.toLowerCase().match(/\p{L}{3,}/gu) ?? [];
const stem = word => word.replace(/(es|s|ing|ed)$/, '');
const ofOneGender = /\u200d[\u2640\u2642\u27a1]|^[\u{1f468}\u{1f469}]\u200d/u;

export const emojiTable = root => {
  const read = (...path) => JSON.parse(readFileSync(join(root, 'node_modules', ...path), 'utf8'));
  const keywords = read('emojilib', 'dist', 'emoji-en-US.json');
  const wanted = Object.entries(read('unicode-emoji-json', 'data-by-emoji.json')).filter(([emoji, { name, emoji_version }]) =>
    Number(emoji_version) <= NEWEST && !ofOneGender.test(emoji) && !/^(Japanese|keycap|input)/.test(name));
  const uses = new Map();
  for (const [emoji] of wanted) {
    for (const word of new Set((keywords[emoji] ?? []).flatMap(words))) uses.set(word, (uses.get(word) ?? 0) + 1);
  }
  const rows = wanted.map(([emoji, { name, group }]) => {
    const title = [name, OURS[emoji]].filter(Boolean).join(', '), taken = words(title).map(stem), found = [];
    const listed = ['Symbols', 'Flags'].includes(group) ? [] : (keywords[emoji] ?? []).filter(k => !/[_\s-]/.test(k)).flatMap(words);
    for (const word of listed.sort((a, b) => uses.get(b) - uses.get(a) || (a < b ? -1 : 1))) {
      if (uses.get(word) > COMMON || word.length > 11 || taken.some(t => t.startsWith(stem(word)) || word.startsWith(t))) continue;
      taken.push(stem(word));
      found.push(word);
    }
    return { head: emoji + ' ' + title, kept: [], found };
  });
  const text = () => JSON.stringify(rows.map(row => [row.head, row.kept.join(' ')].filter(Boolean).join('|')));
  let size = Buffer.byteLength(text());
  for (let round = 0; rows.some(row => row.found.length > round); round++) {
    for (const row of rows.filter(row => row.found.length > round)) {
      size += Buffer.byteLength(row.found[round]) + 1;
      if (size > LIMIT) return text();
      row.kept.push(row.found[round]);
    }
  }
  return text();
};
