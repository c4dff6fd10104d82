// Builds the files that browsers load, in ui/static/build/:
//
//   app.js       Rollcall's script (static/script/), htmx, and htmx's WebSocket extension
//   passkey.js   the part of Rollcall's script that only pages with passkeys load
//   app.css      the stylesheet (static/style/)
//   wall.*       script and stylesheet of wall boards; the script has htmx, too, because nothing else is on that page
//   embed.js     the element that shows who is here in other sites (static/embed.js)
//   admin.*      script and stylesheet that only the pages of the administration need, besides these
//   favicon.svg  the icon, and what icons.mjs draws from it
//   emoji.json   what the menu's search for emoji knows (emoji.mjs)
//   sw.js        the worker that shows notifications
//
// Text is also compressed (.br and .gz). There is one script because htmx starts as soon as it has loaded and ignores
// extensions that load later. `make assets` runs this after `npm ci`. The output isn't committed.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import { emojiTable } from './emoji.mjs';

const ui = dirname(fileURLToPath(import.meta.url));
const root = dirname(ui);
const out = join(ui, 'static', 'build');
const htmx = join(root, 'node_modules', 'htmx.org');
const text = (...path) => readFileSync(join(...path), 'utf8');

if (!existsSync(htmx)) {
  console.error('node_modules is missing: run `npm ci` first');
  process.exit(1);
}

const wanted = JSON.parse(text(root, 'package.json')).dependencies['htmx.org'];
const found = JSON.parse(text(htmx, 'package.json')).version;
if (wanted !== found) {
  console.error(`htmx ${found} is installed but ${wanted} is wanted: run \`npm ci\``);
  process.exit(1);
}

if (!existsSync(join(root, 'node_modules', '@resvg', 'resvg-wasm'))) {
  console.error('node_modules has no @resvg/resvg-wasm, which draws the icons: run `npm ci`');
  process.exit(1);
}

const SCRIPTS = ['page', 'input', 'connection', 'times', 'movement', 'arrivals', 'board', 'forms', 'emoji', 'menu', 'person', 'told', 'zone', 'first', 'start'];
const STYLES = ['tokens', 'base', 'layout', 'board', 'menu', 'forms', 'person', 'first', 'states', 'adapt'];

// Comments and indentation are removed.
const plain = script => script.replace(/^\s*\/\/.*\n/gm, '').replace(/(?<=[;,{}()]) +\/\/ .*$/gm, '').replace(/^\s+/gm, '');
const scriptOf = name => plain(text(ui, 'static', 'script', name + '.js'));
const styleOf = name => text(ui, 'static', 'style', name + '.css').replace(/\/\*[^]*?\*\//g, '').replace(/^\s+/gm, '');
const closed = names => '(() => {\n' + names.map(scriptOf).join('') + '})()';
const own = closed(SCRIPTS);
const admin = '/*! Rollcall, MIT License */\n' + closed(['admin']) + ';\n';
const passkey = closed(['passkey']) + ';\n';
const embed = '/*! Rollcall, MIT License */\n' + plain(text(ui, 'static', 'embed.js'));
const css = STYLES.map(styleOf).join('');
const theirs = (...path) => text(htmx, 'dist', ...path).replace(/^\/\/# sourceMappingURL=.*$/gm, '').trim();

const withHtmx = own => [
  '/*! Rollcall, MIT License */',
  own.trim() + ';',
  `/*! htmx ${found}, Zero-Clause BSD, https://htmx.org */`,
  theirs('htmx.min.js') + ';',
  `/*! hx-ws of htmx ${found}, Zero-Clause BSD, https://htmx.org */`,
  theirs('ext', 'hx-ws.min.js') + ';',
  '',
].join('\n');
const script = withHtmx(own);
const wall = withHtmx(closed(['page', 'times', 'wall']));

const { makeIcons } = await import('./icons.mjs');
const icons = await makeIcons(text(ui, 'static', 'favicon.svg'));

new Script(passkey, { filename: 'passkey.js' });
new Script(admin, { filename: 'admin.js' });
new Script(wall, { filename: 'wall.js' });
new Script(embed, { filename: 'embed.js' });
new Script(script, { filename: 'app.js' }); // throws a SyntaxError before the old build is removed

mkdirSync(out, { recursive: true });
for (const name of readdirSync(out)) {
  if (name !== '.keep') rmSync(join(out, name));
}

const files = {
  'app.js': script,
  'passkey.js': passkey,
  'app.css': css,
  'admin.js': admin,
  'admin.css': styleOf('admin'),
  'wall.js': wall,
  'wall.css': styleOf('wall'),
  'embed.js': embed,
  'favicon.svg': text(ui, 'static', 'favicon.svg'),
  'sw.js': text(ui, 'static', 'sw.js').replace(/^\s*\/\/.*\n/gm, ''),
  'emoji.json': emojiTable(root),
};
for (const [name, content] of Object.entries(files)) {
  const data = Buffer.from(content);
  const br = brotliCompressSync(data, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: data.length },
  });
  const gz = gzipSync(data, { level: 9 });
  writeFileSync(join(out, name), data);
  writeFileSync(join(out, name + '.br'), br);
  writeFileSync(join(out, name + '.gz'), gz);
  console.log(`${name.padEnd(20)} ${data.length} bytes, br ${br.length}, gz ${gz.length}`);
}
for (const [name, data] of Object.entries(icons)) {
  writeFileSync(join(out, name), data);
  console.log(`${name.padEnd(20)} ${data.length} bytes`);
}
writeFileSync(join(out, 'LICENSE.htmx.txt'), text(htmx, 'LICENSE'));
for (const name of ['unicode-emoji-json', 'emojilib']) {
  writeFileSync(join(out, `LICENSE.${name}.txt`), text(root, 'node_modules', name, 'LICENSE'));
}

// The list of common passwords comes from npm, too.
const passwords = join(root, 'accounts', 'generate.mjs');
if (existsSync(passwords)) {
  execFileSync(process.execPath, [passwords], { cwd: root, stdio: 'inherit' });
}
