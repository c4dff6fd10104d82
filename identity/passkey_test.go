package identity

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"
)

const testOrigin = "https://board.example"

func newPasskeys(t *testing.T, public string) *Passkeys {
	t.Helper()
	p, err := NewPasskeys(mustURL(t, public), "The board")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustURL(t *testing.T, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// account is a store of one account.
type account struct{ PasskeyUser }

func newAccount(id string) *account {
	return &account{PasskeyUser{ID: id, Handle: NewHandle(), Name: id, DisplayName: strings.ToUpper(id)}}
}

// find is the find of FinishSignIn.
func (a *account) find(credential string) (PasskeyUser, error) {
	for _, k := range a.Passkeys {
		if k.Credential == credential {
			return a.PasskeyUser, nil
		}
	}
	return PasskeyUser{}, ErrPasskeyUnknown
}

// add registers a passkey and stores it.
func (a *account) add(t *testing.T, p *Passkeys, k *softKey) Passkey {
	t.Helper()
	options, c, err := p.BeginRegistration(a.PasskeyUser)
	if err != nil {
		t.Fatal(err)
	}
	made, err := p.FinishRegistration(c, a.PasskeyUser, k.register(options, nil))
	if err != nil {
		t.Fatal(err)
	}
	a.Passkeys = append(a.Passkeys, made)
	return made
}

func beginSignIn(t *testing.T, p *Passkeys) (options []byte, c Challenge) {
	t.Helper()
	options, c, err := p.BeginSignIn()
	if err != nil {
		t.Fatal(err)
	}
	return options, c
}

func TestNewPasskeys(t *testing.T) {
	for public, want := range map[string][2]string{ // RP ID and origin; empty if passkeys can't work
		"https://board.example":           {"board.example", "https://board.example"},
		"https://Board.Example:443/path/": {"board.example", "https://board.example"},
		"https://board.example:8443":      {"board.example", "https://board.example:8443"},
		"https://xn--bcher-kva.example":   {"xn--bcher-kva.example", "https://xn--bcher-kva.example"},
		"http://localhost:8080":           {"localhost", "http://localhost:8080"},
		"http://localhost:80":             {"localhost", "http://localhost"},
		"https://localhost":               {"localhost", "https://localhost"},
		"http://a.localhost:8080":         {"a.localhost", "http://a.localhost:8080"},
		"http://board.example":            {},
		"http://a.notlocalhost":           {},
		"http://127.0.0.1:8080":           {},
		"https://192.0.2.1":               {},
		"https://[::1]:8080":              {},
		"https://bücher.example":          {},
		"https://":                        {},
		"ftp://localhost":                 {},
	} {
		p, err := NewPasskeys(mustURL(t, public), "The board")
		if want[0] == "" {
			if !errors.Is(err, ErrNoPasskeys) || p != nil {
				t.Errorf("NewPasskeys(%s) = %v, want %v", public, err, ErrNoPasskeys)
			}
		} else if err != nil || p.RPID() != want[0] || p.origin != want[1] {
			t.Errorf("NewPasskeys(%s) = %+v, %v, want %s", public, p, err, want)
		}
	}
	if _, err := NewPasskeys(nil, "The board"); !errors.Is(err, ErrNoPasskeys) {
		t.Errorf("NewPasskeys(nil) = %v, want %v", err, ErrNoPasskeys)
	}
}

// Accounts have a handle of 32 bytes. Without one, the passkeys of two accounts could be confused.
func TestHandles(t *testing.T) {
	a, b := NewHandle(), NewHandle()
	if raw, err := decode(a); err != nil || len(raw) != 32 || a == b {
		t.Errorf("NewHandle = %s, %s, want 32 different bytes", a, b)
	}
	for _, handle := range []string{"", "!", encode(make([]byte, 31)), encode(make([]byte, 33))} {
		ada := newAccount("ada")
		ada.Handle = handle
		_, _, err := newPasskeys(t, testOrigin).BeginRegistration(ada.PasskeyUser)
		if err == nil || errors.Is(err, ErrPasskeyRefused) {
			t.Errorf("BeginRegistration with the handle %q = %v, want an error that isn't the visitor's fault", handle, err)
		}
	}
}

func TestPasskeyOptions(t *testing.T) {
	p, ada := newPasskeys(t, testOrigin), newAccount("ada")
	k := newSoftKey(t, testOrigin)
	k.flags |= backupEligible
	ada.add(t, p, k)
	other := ada.Passkeys[0]
	other.Credential, other.RPID = encode([]byte("other host")), "old.example"
	ada.Passkeys = append(ada.Passkeys, other)

	creation, _, err := p.BeginRegistration(ada.PasskeyUser)
	if err != nil {
		t.Fatal(err)
	}
	list := `[{"type":"public-key","id":"` + encode(k.id) + `"}]`
	wantOptions(t, creation, `{
		"rp": {"id": "board.example", "name": "The board"},
		"user": {"id": "`+ada.Handle+`", "name": "ada", "displayName": "ADA"},
		"pubKeyCredParams": [{"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -8},
			{"type": "public-key", "alg": -257}],
		"timeout": 300000, "attestation": "none", "excludeCredentials": `+list+`,
		"authenticatorSelection": {"requireResidentKey": true, "residentKey": "required", "userVerification": "required"}
	}`)
	signIn, _ := beginSignIn(t, p)
	wantOptions(t, signIn, `{"rpId": "board.example", "userVerification": "required", "timeout": 300000}`)
	stepUp, _, err := p.BeginStepUp(ada.PasskeyUser)
	if err != nil {
		t.Fatal(err)
	}
	wantOptions(t, stepUp, `{"rpId": "board.example", "userVerification": "required", "timeout": 300000,
		"allowCredentials": `+list+`}`)
}

// wantOptions compares options with JSON, but for the challenge, which must have 32 bytes.
func wantOptions(t *testing.T, options []byte, want string) {
	t.Helper()
	var got struct{ PublicKey map[string]any }
	var wanted map[string]any
	if err := errors.Join(json.Unmarshal(options, &got), json.Unmarshal([]byte(want), &wanted)); err != nil {
		t.Fatal(err)
	}
	text, _ := got.PublicKey["challenge"].(string)
	if challenge, err := decode(text); err != nil || len(challenge) != 32 {
		t.Errorf("challenge = %q, want 32 bytes", text)
	}
	delete(got.PublicKey, "challenge")
	if !reflect.DeepEqual(got.PublicKey, wanted) {
		t.Errorf("options = %s\nwant but for the challenge %s", options, want)
	}
}

// A passkey can be registered, and then signs in and steps up, with each kind of key.
func TestPasskey(t *testing.T) {
	for name, k := range map[string]*softKey{
		"ES256": newSoftKey(t, testOrigin), "RS256": newSoftKey(t, testOrigin).withRSA(),
		"EdDSA": newSoftKey(t, testOrigin).withEd25519(),
	} {
		p, ada := newPasskeys(t, testOrigin), newAccount("ada")
		k.flags |= backupEligible | backedUp
		made := ada.add(t, p, k)
		public := k.cbor(k.cose)
		if want := (Passkey{Credential: encode(k.id), UserID: "ada", RPID: "board.example", PublicKey: encode(public),
			SignCount: 1, Eligible: true, BackedUp: true, AAGUID: "00000000-0000-0000-0000-000000000007"}); made != want {
			t.Errorf("FinishRegistration(%s) = %+v, want %+v", name, made, want)
		}
		ada.Passkeys[0].Label, ada.Passkeys[0].CreatedAt = "Phone", time.Unix(1, 0)
		k.flags &^= backedUp
		want := PasskeyUse{Passkey: ada.Passkeys[0]}
		want.BackedUp = false

		options, c := beginSignIn(t, p)
		use, err := p.FinishSignIn(c, k.assert(options, nil), ada.find)
		if want.SignCount = 2; err != nil || use != want {
			t.Errorf("FinishSignIn(%s) = %+v, %v, want %+v", name, use, err, want)
		}
		options, c, err = p.BeginStepUp(ada.PasskeyUser)
		if err != nil {
			t.Fatal(err)
		}
		use, err = p.FinishStepUp(c, ada.PasskeyUser, k.assert(options, func(r *reply) { r.Handle = nil }))
		if want.SignCount = 3; err != nil || use != want {
			t.Errorf("FinishStepUp(%s) = %+v, %v, want %+v", name, use, err, want)
		}
	}
}

func TestTransports(t *testing.T) {
	p, ada, k := newPasskeys(t, testOrigin), newAccount("ada"), newSoftKey(t, testOrigin)
	options, c, err := p.BeginRegistration(ada.PasskeyUser)
	if err != nil {
		t.Fatal(err)
	}
	made, err := p.FinishRegistration(c, ada.PasskeyUser, k.register(options, func(r *reply) {
		r.Transports = []string{"usb", "made,up", "internal", "usb", strings.Repeat("x", 1000)}
	}))
	if err != nil || made.Transports != "internal,usb" {
		t.Errorf("Transports = %q, %v, want internal,usb", made.Transports, err)
	}
	ada.Passkeys = append(ada.Passkeys, made)
	options, _, err = p.BeginStepUp(ada.PasskeyUser)
	if err != nil || !strings.Contains(string(options), `"transports":["internal","usb"]`) {
		t.Errorf("BeginStepUp = %s, %v, want the transports", options, err)
	}
}

// The browser can send the same response twice. Both pass, and only Hash tells.
func TestChallengeHash(t *testing.T) {
	p, ada, k := newPasskeys(t, testOrigin), newAccount("ada"), newSoftKey(t, testOrigin)
	ada.add(t, p, k)
	options, c := beginSignIn(t, p)
	body := k.assert(options, nil)
	for range 2 {
		if _, err := p.FinishSignIn(c, body, ada.find); err != nil {
			t.Fatal(err)
		}
	}
	var o browserOptions
	if err := json.Unmarshal(options, &o); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(o.PublicKey.Challenge))
	if c.Hash != encode(sum[:]) {
		t.Errorf("Hash = %s, want the SHA-256 of the challenge", c.Hash)
	}
	if _, other := beginSignIn(t, p); other.Hash == c.Hash {
		t.Error("two challenges have the same Hash")
	}
}

// The caller seals the challenge with an expiry. It survives that, and it fits, however many passkeys there are.
func TestChallengeIsSealed(t *testing.T) {
	p, ada, k := newPasskeys(t, testOrigin), newAccount("ada"), newSoftKey(t, testOrigin)
	ada.add(t, p, k)
	for i := range 50 {
		more := ada.Passkeys[0]
		more.Credential = encode([]byte(strings.Repeat(string(rune('a'+i)), 200)))
		ada.Passkeys = append(ada.Passkeys, more)
	}
	ring, now := newKeyring(t, 1), time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for ceremony, begin := range map[Ceremony]func() ([]byte, Challenge, error){
		Registration: func() ([]byte, Challenge, error) { return p.BeginRegistration(ada.PasskeyUser) },
		SignIn:       p.BeginSignIn,
		StepUp:       func() ([]byte, Challenge, error) { return p.BeginStepUp(ada.PasskeyUser) },
	} {
		options, c, err := begin()
		if err != nil {
			t.Fatal(err)
		}
		sealed, err := ring.SealUntil(now.Add(PasskeyTimeout), "passkey", "session", c)
		if err != nil {
			t.Fatalf("seal the challenge of %s: %v", ceremony, err)
		}
		var opened Challenge
		err = ring.OpenUntil(now.Add(PasskeyTimeout), "passkey", "session", sealed, &opened)
		if !errors.Is(err, ErrExpired) {
			t.Errorf("OpenUntil(%s after 5 min) = %v, want %v", ceremony, err, ErrExpired)
		}
		err = ring.OpenUntil(now, "passkey", "session", sealed, &opened)
		if err != nil || !reflect.DeepEqual(opened, c) {
			t.Fatalf("OpenUntil(%s) = %+v, %v, want %+v", ceremony, opened, err, c)
		}
		switch ceremony {
		case Registration:
			_, err = p.FinishRegistration(opened, ada.PasskeyUser, newSoftKey(t, testOrigin).register(options, nil))
		case SignIn:
			_, err = p.FinishSignIn(opened, k.assert(options, nil), ada.find)
		case StepUp:
			_, err = p.FinishStepUp(opened, ada.PasskeyUser, k.assert(options, nil))
		}
		if err != nil {
			t.Errorf("Finish(%s) with the opened challenge = %v, want success", ceremony, err)
		}
	}
}
