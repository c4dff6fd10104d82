// Passkeys
//
// ui/build.mjs makes a separate file of this one, because few pages need it. Such a page has buttons with data-passkey
// (register, sign-in, or step-up), the URLs data-begin and data-finish, and data-says, the ID of the element for
// messages. The buttons are hidden until this script has checked that the browser knows passkeys. A username field with
// autocomplete="username webauthn" offers the passkeys of the button for sign-in.
//
// Both URLs take and return JSON. The first one returns the WebAuthn options as publicKey, and a state, which the second
// one gets back with the response. The second one returns next, the page to go to. With data-posts, the button's form is
// posted instead, without checking its fields. Errors have a detail for the person.
const FRESH = 4 * 60e3; // ms; the server's challenge expires after five minutes
let request; // AbortController of the last request, because a page can have only one
let armed = 0; // when the request behind the username field began; 0: there's none

// JSON has no bytes. toJSON and parseRequestOptionsFromJSON would convert them, but password managers break the first
// one, and older browsers lack both.
const toText = bytes => btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const toBytes = text => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), c => c.charCodeAt(0));
const withID = entity => entity && { ...entity, id: toBytes(entity.id) };
const readOptions = options => ({
  ...options,
  challenge: toBytes(options.challenge),
  user: withID(options.user),
  allowCredentials: options.allowCredentials?.map(withID),
  excludeCredentials: options.excludeCredentials?.map(withID),
});
const writeResponse = ({ rawId, type, response }) => {
  const written = { transports: response.getTransports?.() };
  for (const part of ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
    if (response[part]) written[part] = toText(response[part]);
  }
  return { id: toText(rawId), rawId: toText(rawId), type, response: written };
};

const post = async (url, value, signal) => {
  const headers = { Accept: 'application/json', 'Content-Type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(value), signal });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(said.detail), { name: 'Refused' });
  return said;
};

// ask returns the browser's credential and the server's state. A request behind the username field waits for as long as
// the page is open. The browser refuses a second request until the first one is aborted, so the controller must exist
// before anything that takes time.
const ask = async (button, mediation) => {
  request?.abort();
  const { signal } = request = new AbortController();
  if (mediation && !await PublicKeyCredential.isConditionalMediationAvailable?.()) return {};
  const { publicKey, state } = await post(button.dataset.begin, {}, signal);
  const options = { publicKey: readOptions(publicKey), signal };
  if (mediation) options.mediation = mediation;
  const method = button.dataset.passkey === 'register' ? 'create' : 'get';
  return { credential: await navigator.credentials[method](options), state };
};

const usePasskey = async (button, mediation) => {
  const say = text => { document.getElementById(button.dataset.says).textContent = text; };
  let picked = !mediation; // whether the person is waiting for a result
  if (picked) {
    button.disabled = true;
    say('');
  }
  try {
    const { credential, state } = await ask(button, mediation);
    if (!credential) return;
    picked = true;
    const { label, next, zone } = button.form?.elements ?? {};
    const answer = await post(button.dataset.finish, {
      ...writeResponse(credential), state, label: label?.value, next: next?.value, zone: zone?.value,
    });
    if (button.dataset.posts) HTMLFormElement.prototype.submit.call(button.form); // a field of the form may be called submit
    else location.assign(answer.next);
  } catch (err) {
    if (picked && err.name !== 'AbortError') say(failures[err.name] ?? (err.name === 'Refused' && err.message || failures.Error));
  } finally {
    if (!mediation) button.disabled = false;
  }
};

const failures = {
  NotAllowedError: 'The request was canceled, or it timed out.',
  InvalidStateError: 'This device already has a passkey for your account.',
  SecurityError: 'Passkeys don’t work at this address.',
  TypeError: 'Rollcall can’t be reached. Try again in a moment.',
  Error: 'That didn’t work. Try again, or use another way to sign in.',
};

// A page that stays open needs a new challenge from time to time. The options are fetched when the field gets the focus,
// so that pages nobody uses cost nothing.
const startAutofill = (field, button) => {
  const arm = async () => {
    const began = Date.now();
    if (began - armed < FRESH || button.disabled) return;
    armed = began;
    await usePasskey(button, 'conditional');
    if (armed === began) armed = 0;
  };
  field.addEventListener('focus', arm);
  if (document.activeElement === field) arm();
};

document.addEventListener('DOMContentLoaded', () => {
  if (!window.PublicKeyCredential) return;
  for (const button of document.querySelectorAll('[data-passkey]')) {
    button.hidden = false;
    button.addEventListener('click', () => usePasskey(button));
    if (button.dataset.passkey === 'register') button.form?.addEventListener('submit', event => { // Enter in the name
      event.preventDefault();
      usePasskey(button);
    });
  }
  const field = document.querySelector('[autocomplete~="webauthn"]'), button = document.querySelector('[data-passkey="sign-in"]');
  if (field && button) startAutofill(field, button);
  // The browser stops offering passkeys that were deleted here. An empty list would delete them all.
  const accepted = JSON.parse(document.querySelector('[data-accepted]')?.dataset.accepted || '{}');
  if (accepted.allAcceptedCredentialIds?.length) PublicKeyCredential.signalAllAcceptedCredentials?.(accepted).catch(() => {});
});
