// Checks the demo's pages: HTML with the Nu HTML checker, and sign-in, board, and settings with Lighthouse.
//
//	node e2e/webcheck/check.mjs PROGRAM
//
// It needs Java, Chromium, and `npm ci` in this folder. `make proof` runs it.
import { spawn } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as chromeLauncher from 'chrome-launcher';
import lighthouse, { desktopConfig } from 'lighthouse';
import { computeMedianRun } from 'lighthouse/core/lib/median-run.js';

const LEAST = 95; // of 100, in each of Lighthouse's four categories
const MEMBERS = ['/', '/?show=here', '/?q=ma', '/?q=nobody-at-all', '/?team=Design', '/me', '/u/hugo', '/settings', '/settings/stored', '/no-such-page'];
const VISITORS = ['/login', '/signup'];
const LIGHTHOUSE = ['/login', '/', '/settings'];
const RUNS = 3; // of which the median counts, because single scores vary

const here = dirname(fileURLToPath(import.meta.url));
const program = process.argv[2];
const temporary = mkdtempSync(join(tmpdir(), 'webcheck-'));
let failed = false;
const fail = text => { failed = true; console.log('FAIL ' + text); };

const freePort = () => new Promise(resolve => {
  const server = createServer().listen(0, '127.0.0.1', () => {
    const { port } = server.address();
    server.close(() => resolve(port));
  });
});

// startDemo resolves to the running demo and its password.
const startDemo = async address => {
  const demo = spawn(program, ['demo', '--addr', address], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  const password = await new Promise((resolve, reject) => {
    demo.on('exit', code => reject(new Error('the demo ended with ' + code + ': ' + out)));
    demo.stdout.on('data', data => {
      out += data;
      const found = out.match(/with the password (\S+)/);
      if (found) resolve(found[1]);
    });
  });
  return { demo, password };
};

const signIn = async (base, password) => {
  const answer = await fetch(base + '/login', {
    method: 'POST', redirect: 'manual', headers: { Origin: base }, body: new URLSearchParams({ username: 'clara', password }),
  });
  if (answer.status !== 303) throw new Error('sign in: ' + answer.status);
  return answer.headers.getSetCookie().map(cookie => cookie.split(';')[0]).join('; ');
};

// checkHTML has the Nu checker read every page. It doesn't know the attributes of htmx.
const checkHTML = async (base, cookie) => {
  const files = {};
  for (const [paths, headers] of [[VISITORS, {}], [MEMBERS, { Cookie: cookie }]]) {
    for (const path of paths) {
      const answer = await fetch(base + path, { headers });
      const file = join(temporary, encodeURIComponent(path) + '.html');
      files[file] = path;
      writeFileSync(file, await answer.text());
    }
  }
  const jar = join(here, 'node_modules', 'vnu-jar', 'build', 'dist', 'vnu.jar');
  const run = spawnSync('java', ['-jar', jar, '--format', 'json', '--exit-zero-always', ...Object.keys(files)], { encoding: 'utf8', maxBuffer: 64 << 20 });
  if (run.status !== 0) throw new Error('vnu: ' + run.stderr);
  const { messages } = JSON.parse(run.stderr);
  const wrong = messages.filter(m => m.type === 'error' && !/Attribute “hx-[^”]*” not allowed/.test(m.message));
  for (const m of wrong) fail(`${files[new URL(m.url).pathname] ?? m.url}, line ${m.lastLine}: ${m.message}`);
  const ofHtmx = messages.length - wrong.length;
  if (!ofHtmx) fail('the HTML checker has nothing to say about the attributes of htmx: does it read the pages?');
  console.log(`Nu HTML checker: ${Object.keys(files).length} pages, ${wrong.length} errors, and ${ofHtmx} messages about attributes of htmx`);
};

// judge prints the scores of a run, and fails if one is too low. For a phone, Lighthouse multiplies the time that this
// computer needs for a page by four. That depends on the computer, so performance on a phone is printed but not enforced.
const judge = (what, lhr, device) => {
  const categories = Object.values(lhr.categories);
  console.log(`Lighthouse ${what}: ${categories.map(c => `${c.title} ${Math.round(100 * c.score)}`).join(', ')}`);
  for (const c of categories) {
    if (Math.round(100 * c.score) >= LEAST || device === 'phone' && c.id === 'performance') continue;
    const why = c.auditRefs.filter(a => a.weight > 0 && lhr.audits[a.id].score !== null && lhr.audits[a.id].score < 0.9).map(a => a.id);
    fail(`${what}: ${c.title} ${Math.round(100 * c.score)}, want ${LEAST}: ${why.join(', ')}`);
  }
};

const checkWithLighthouse = async (base, cookie) => {
  const chrome = await chromeLauncher.launch({
    chromePath: process.env.CHROME_PATH ?? '/usr/bin/chromium',
    chromeFlags: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  try {
    for (const [device, config] of [['computer', desktopConfig], ['phone', undefined]]) {
      for (const path of LIGHTHOUSE) {
        const options = {
          port: chrome.port, logLevel: 'error', extraHeaders: path === '/login' ? {} : { Cookie: cookie },
          skipAudits: ['is-crawlable'], // noindex is on purpose
        };
        const runs = [];
        for (let n = 0; n < RUNS; n++) runs.push((await lighthouse(base + path, options, config)).lhr);
        judge(`${path} on a ${device}`, computeMedianRun(runs), device);
      }
    }
  } finally {
    await chrome.kill();
  }
};

const address = '127.0.0.1:' + await freePort();
const { demo, password } = await startDemo(address);
try {
  const base = 'http://' + address;
  const cookie = await signIn(base, password);
  await checkHTML(base, cookie);
  await checkWithLighthouse(base, cookie);
} finally {
  demo.removeAllListeners('exit');
  demo.kill();
  rmSync(temporary, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
