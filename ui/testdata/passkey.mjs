// Runs static/script/passkey.js in a small imitation of a browser. TestPasskeyScript starts it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setImmediate as settle } from 'node:timers/promises';
import { createContext, runInContext } from 'node:vm';

const source = readFileSync(new URL('../static/script/passkey.js', import.meta.url), 'utf8');
const bytes = (...values) => new Uint8Array(values).buffer;

// A credential whose methods are broken, as with some password managers.
const credential = response => ({
  rawId: bytes(251, 255), id: 'wrong', type: 'public-key', response,
  toJSON() { throw new TypeError('Illegal invocation'); },
});
const assertion = credential({ clientDataJSON: bytes(1), authenticatorData: bytes(2), signature: bytes(3), userHandle: bytes(4) });
const made = credential({ clientDataJSON: bytes(1), attestationObject: bytes(5, 6), getTransports: () => ['internal'] });

// An element keeps its listeners and lets tests call them.
const element = more => ({
  hidden: true, disabled: false, textContent: '', dataset: {}, listeners: {},
  addEventListener(type, listener) { this.listeners[type] = listener; },
  fire(type) { return this.listeners[type](); },
  ...more,
});

// open loads a page with one button. log holds what the script did, in order.
const open = async ({ kind = 'sign-in', form, focused = false, conditional = true, accepted, support = true, ...stubs } = {}) => {
  const page = { log: [], clock: 1e12, signals: [], said: element() };
  page.button = element({ form, dataset: { passkey: kind, begin: '/begin', finish: '/finish', says: 'said' } });
  page.field = element();
  page.answers = { '/begin': [200, { publicKey: { challenge: '-_8', allowCredentials: [{ id: 'AQ' }] }, state: 's1' }], '/finish': [200, { next: '/next' }], ...stubs.answers };
  const credentials = method => options => {
    page.log.push(method);
    page.options = options;
    return new Promise((resolve, reject) => {
      const aborted = () => reject(Object.assign(new Error(), { name: 'AbortError' }));
      if (options.signal.aborted) aborted();
      options.signal.addEventListener('abort', () => { page.log.push('aborted'); aborted(); });
      Object.assign(page, { resolve, reject });
    });
  };
  const PublicKeyCredential = {
    isConditionalMediationAvailable: async () => { page.log.push('available?'); await settle(); return conditional; },
    signalAllAcceptedCredentials: async list => { page.signals.push(list); },
  };
  const ready = {};
  const document = {
    activeElement: focused ? page.field : undefined,
    addEventListener: (type, listener) => { ready[type] = listener; },
    getElementById: id => id === 'said' ? page.said : null,
    querySelectorAll: () => [page.button],
    querySelector: selector => ({
      '[autocomplete~="webauthn"]': page.field, '[data-passkey="sign-in"]': kind === 'sign-in' ? page.button : null,
      '[data-accepted]': accepted ? { dataset: { accepted } } : null,
    })[selector],
  };
  const fetch = async (url, { method, headers, body, signal }) => {
    page.log.push(url);
    page[url] = { method, headers, body: JSON.parse(body) };
    await settle();
    signal?.throwIfAborted();
    if (page.answers[url] === 'down') throw new TypeError('Failed to fetch');
    const [status, value] = page.answers[url];
    return { ok: status < 400, json: async () => { if (value === undefined) throw new SyntaxError(); return value; } };
  };
  const window = support ? { PublicKeyCredential } : {};
  runInContext(source, createContext({
    HTMLFormElement: { prototype: { submit() { page.log.push('post ' + this.action); } } },
    window, document, fetch, PublicKeyCredential, AbortController, Uint8Array, atob, btoa, JSON, Object, Error,
    Date: { now: () => page.clock }, navigator: { credentials: { create: credentials('create'), get: credentials('get') } },
    location: { assign: url => page.log.push('go ' + url) },
  }));
  ready.DOMContentLoaded();
  await wait();
  return page;
};
const wait = async () => { for (let i = 0; i < 10; i++) await settle(); };
const failed = name => Object.assign(new Error(), { name });

const cases = {
  async 'a button signs in'() {
    const page = await open({ form: { elements: { next: { value: '/x' }, password: { value: 'secret' } } } });
    assert.equal(page.button.hidden, false);
    page.button.fire('click');
    assert.equal(page.button.disabled, true);
    await wait();
    assert.deepEqual([...page.options.publicKey.challenge], [251, 255]);
    assert.deepEqual([...page.options.publicKey.allowCredentials[0].id], [1]);
    assert.equal(page.options.mediation, undefined);
    page.resolve(assertion);
    await wait();
    assert.deepEqual(page.log, ['/begin', 'get', '/finish', 'go /next']);
    for (const url of ['/begin', '/finish']) {
      assert.equal(page[url].method, 'POST');
      assert.equal(page[url].headers['Content-Type'], 'application/json');
    }
    assert.deepEqual(page['/finish'].body, {
      id: '-_8', rawId: '-_8', type: 'public-key', state: 's1', next: '/x',
      response: { clientDataJSON: 'AQ', authenticatorData: 'Ag', signature: 'Aw', userHandle: 'BA' },
    });
    assert.equal(page.button.disabled, false);
    assert.equal(page.said.textContent, '');
  },
  async 'a button proves who somebody is, and its form is posted'() {
    const page = await open({ kind: 'step-up', form: { action: '/there', submit: 'a field', elements: {} } });
    page.button.dataset.posts = 'yes';
    page.button.fire('click');
    await wait();
    page.resolve(assertion);
    await wait();
    assert.deepEqual(page.log, ['/begin', 'get', '/finish', 'post /there']);
  },
  async 'a button registers'() {
    const options = { challenge: 'AQ', user: { id: '-_8', name: 'ada' }, excludeCredentials: [{ id: 'Ag', type: 'public-key' }] };
    const form = element({ elements: { label: { value: 'Phone' } } });
    const page = await open({ kind: 'register', form, answers: { '/begin': [200, { publicKey: options }] } });
    form.listeners.submit({ preventDefault: () => page.log.push('stayed') });
    await wait();
    assert.deepEqual([...page.options.publicKey.user.id], [251, 255]);
    assert.equal(page.options.publicKey.user.name, 'ada');
    assert.deepEqual([...page.options.publicKey.excludeCredentials[0].id], [2]);
    page.resolve(made);
    await wait();
    assert.deepEqual(page.log, ['stayed', '/begin', 'create', '/finish', 'go /next']);
    assert.deepEqual(page['/finish'].body, {
      id: '-_8', rawId: '-_8', type: 'public-key', label: 'Phone',
      response: { clientDataJSON: 'AQ', attestationObject: 'BQY', transports: ['internal'] },
    });
  },
  async 'the username field offers passkeys once it has the focus'() {
    const page = await open();
    assert.deepEqual(page.log, []);
    page.field.fire('focus');
    await wait();
    assert.deepEqual(page.log, ['available?', '/begin', 'get']);
    assert.equal(page.options.mediation, 'conditional');
    page.field.fire('focus');
    await wait();
    assert.equal(page.log.length, 3, 'a second focus must not ask again');
    page.clock += 4 * 60e3;
    page.field.fire('focus');
    await wait();
    assert.deepEqual(page.log.slice(3), ['aborted', 'available?', '/begin', 'get']);
    page.resolve(assertion);
    await wait();
    assert.equal(page.log.at(-1), 'go /next');
    assert.equal(page.said.textContent, '');
  },
  async 'a field that has the focus already offers passkeys'() {
    assert.deepEqual((await open({ focused: true })).log, ['available?', '/begin', 'get']);
  },
  async 'a browser without autofill asks for nothing'() {
    assert.deepEqual((await open({ focused: true, conditional: false })).log, ['available?']);
  },
  async 'a browser without passkeys keeps the button hidden'() {
    const page = await open({ support: false });
    assert.equal(page.button.hidden, true);
    assert.deepEqual(page.field.listeners, {});
  },
  async 'a button ends the request of the field'() {
    const page = await open({ focused: true });
    page.button.fire('click');
    await wait();
    assert.deepEqual(page.log, ['available?', '/begin', 'get', 'aborted', '/begin', 'get']);
    assert.equal(page.button.disabled, true, 'the end of the first request must not enable the button');
    page.reject(failed('NotAllowedError'));
    await wait();
    assert.match(page.said.textContent, /canceled/);
    page.field.fire('focus');
    await wait();
    assert.equal(page.log.at(-1), 'get', 'the field must work again');
    assert.equal(page.options.mediation, 'conditional');
  },
  async 'a button ends the request of the field before the browser has said that it knows autofill'() {
    const page = await open();
    page.field.fire('focus');
    page.button.fire('click');
    await wait();
    assert.deepEqual(page.log.filter(done => done === 'get'), ['get']);
    assert.equal(page.options.mediation, undefined);
    assert.equal(page.options.signal.aborted, false);
  },
  async 'the field leaves the request of a button alone'() {
    const page = await open();
    page.button.fire('click');
    await wait();
    page.field.fire('focus');
    await wait();
    assert.deepEqual(page.log, ['/begin', 'get']);
  },
  async 'a second request ends the first one without a message'() {
    const page = await open();
    page.button.fire('click');
    await wait();
    page.button.fire('click');
    await wait();
    assert.deepEqual(page.log, ['/begin', 'get', 'aborted', '/begin', 'get']);
    assert.equal(page.said.textContent, '');
  },
  async 'errors are said to who waits'() {
    for (const [name, said] of [['NotAllowedError', /canceled/], ['InvalidStateError', /already/], ['SecurityError', /address/], ['NotSupportedError', /another way/]]) {
      const page = await open();
      page.button.fire('click');
      await wait();
      page.reject(failed(name));
      await wait();
      assert.match(page.said.textContent, said);
      assert.equal(page.button.disabled, false);
    }
    for (const [answer, said] of [[[403, { detail: 'Wait a minute.' }], /^Wait a minute\.$/], [[502], /another way/], ['down', /reached/]]) {
      for (const url of ['/begin', '/finish']) {
        const page = await open({ answers: { [url]: answer } });
        page.button.fire('click');
        await wait();
        page.resolve?.(assertion);
        await wait();
        assert.match(page.said.textContent, said);
      }
    }
  },
  async 'errors of autofill are said once a passkey was picked'() {
    const down = await open({ focused: true, answers: { '/begin': 'down' } });
    assert.equal(down.said.textContent, '');
    const page = await open({ focused: true, answers: { '/finish': [403, { detail: 'No.' }] } });
    page.resolve(assertion);
    await wait();
    assert.equal(page.said.textContent, 'No.');
  },
  async 'the browser learns which passkeys there are'() {
    const list = { rpId: 'board.example', userId: 'AQ', allAcceptedCredentialIds: ['Ag'] };
    assert.deepEqual(JSON.parse(JSON.stringify((await open({ accepted: JSON.stringify(list) })).signals)), [list]);
    assert.deepEqual((await open({ accepted: JSON.stringify({ ...list, allAcceptedCredentialIds: [] }) })).signals, []);
    assert.deepEqual((await open()).signals, []);
  },
};

for (const [name, run] of Object.entries(cases)) {
  try {
    await run();
  } catch (err) {
    console.error(`${name}: ${err.stack}`);
    process.exitCode = 1;
  }
}
console.log(`${Object.keys(cases).length} cases`);
