package identity

import (
	"errors"
	"strings"
	"testing"
)

// hostileReplies are changes of a response that both registrations and sign-ins refuse.
var hostileReplies = map[string]func(*reply){
	"other origin":               func(r *reply) { r.Origin = "https://evil.example" },
	"other port":                 func(r *reply) { r.Origin = testOrigin + ":8443" },
	"http":                       func(r *reply) { r.Origin = "http://board.example" },
	"subdomain":                  func(r *reply) { r.Origin = "https://a.board.example" },
	"origin in capitals":         func(r *reply) { r.Origin = "https://BOARD.example" },
	"origin with a path":         func(r *reply) { r.Origin = testOrigin + "/path" },
	"origin with the usual port": func(r *reply) { r.Origin = testOrigin + ":443" },
	"origin with a user":         func(r *reply) { r.Origin = "https://evil.example@board.example" },
	"app":                        func(r *reply) { r.Origin = "android:apk-key-hash:x" },
	"no origin":                  func(r *reply) { r.Origin = "" },
	"in a foreign frame":         func(r *reply) { r.CrossOrigin = true },
	"in a named foreign frame":   func(r *reply) { r.CrossOrigin, r.TopOrigin = true, "https://evil.example" },
	"other RP ID":                func(r *reply) { r.RPID = "evil.example" },
	"RP ID of the parent":        func(r *reply) { r.RPID = "example" },
	"other challenge":            func(r *reply) { r.Challenge = encode([]byte(strings.Repeat("x", 32))) },
	"no challenge":               func(r *reply) { r.Challenge = "" },
	"user not present":           func(r *reply) { r.Flags &^= userPresent },
	"user not verified":          func(r *reply) { r.Flags &^= userVerified },
	"synced but not eligible":    func(r *reply) { r.Flags = r.Flags&^backupEligible | backedUp },
}

func TestRegistrationRefuses(t *testing.T) {
	p, ada, bob := newPasskeys(t, testOrigin), newAccount("ada"), newAccount("bob")
	attempt := func(u PasskeyUser, forge func(*reply)) error {
		options, c, err := p.BeginRegistration(ada.PasskeyUser)
		if err != nil {
			t.Fatal(err)
		}
		made, err := p.FinishRegistration(c, u, newSoftKey(t, testOrigin).register(options, forge))
		if err != nil && made != (Passkey{}) {
			t.Errorf("FinishRegistration = %+v with %v, want nothing with an error", made, err)
		}
		return err
	}
	if err := attempt(ada.PasskeyUser, nil); err != nil {
		t.Fatalf("an honest registration = %v", err)
	}
	for name, forge := range hostileReplies {
		if err := attempt(ada.PasskeyUser, forge); !errors.Is(err, ErrPasskeyRefused) {
			t.Errorf("registration with %s = %v, want %v", name, err, ErrPasskeyRefused)
		}
	}
	for name, forge := range map[string]func(*reply){
		"an assertion":          func(r *reply) { r.Type = "webauthn.get" },
		"another ID":            func(r *reply) { r.RawID = []byte("another credential") },
		"an unwanted kind":      func(r *reply) { r.COSE[3] = -35 }, // ES384
		"a point off the curve": func(r *reply) { r.COSE[-2] = make([]byte, 32) },
		"a huge key": func(r *reply) {
			r.COSE = map[int]any{1: 3, 3: -257, -1: []byte(strings.Repeat("\xff", maxPublicKey)), -2: []byte{1, 0, 1}}
		},
	} {
		if err := attempt(ada.PasskeyUser, forge); !errors.Is(err, ErrPasskeyRefused) {
			t.Errorf("registration with %s = %v, want %v", name, err, ErrPasskeyRefused)
		}
	}
	if err := attempt(bob.PasskeyUser, nil); !errors.Is(err, ErrPasskeyRefused) {
		t.Errorf("registration by another account = %v, want %v", err, ErrPasskeyRefused)
	}
}

func TestSignInRefuses(t *testing.T) {
	p, ada, bob := newPasskeys(t, testOrigin), newAccount("ada"), newAccount("bob")
	k, bobs := newSoftKey(t, testOrigin), newSoftKey(t, testOrigin)
	ada.add(t, p, k)
	bob.add(t, p, bobs)
	bobHandle, err := decode(bob.Handle)
	if err != nil {
		t.Fatal(err)
	}
	k.count = 0 // so that refused attempts don't matter
	attempt := func(forge func(*reply), find func(string) (PasskeyUser, error)) error {
		options, c := beginSignIn(t, p)
		use, err := p.FinishSignIn(c, k.assert(options, forge), find)
		if err != nil && use != (PasskeyUse{}) {
			t.Errorf("FinishSignIn = %+v with %v, want nothing with an error", use, err)
		}
		return err
	}
	if err := attempt(nil, ada.find); err != nil {
		t.Fatalf("an honest sign-in = %v", err)
	}
	for name, forge := range hostileReplies {
		if err := attempt(forge, ada.find); !errors.Is(err, ErrPasskeyRefused) {
			t.Errorf("sign-in with %s = %v, want %v", name, err, ErrPasskeyRefused)
		}
	}
	for name, forge := range map[string]func(*reply){
		"a registration":    func(r *reply) { r.Type = "webauthn.create" },
		"another key":       func(r *reply) { r.Signer = bobs.key },
		"the handle of bob": func(r *reply) { r.Handle = bobHandle },
		"no handle":         func(r *reply) { r.Handle = nil },
		"an extension that wasn't requested": func(r *reply) {
			r.Extra = map[string]any{"clientExtensionResults": map[string]any{"appid": true}}
		},
	} {
		if err := attempt(forge, ada.find); !errors.Is(err, ErrPasskeyRefused) {
			t.Errorf("sign-in with %s = %v, want %v", name, err, ErrPasskeyRefused)
		}
	}
	if err := attempt(func(r *reply) { r.RawID = []byte("unknown") }, ada.find); !errors.Is(err, ErrPasskeyUnknown) {
		t.Errorf("sign-in with an unknown passkey = %v, want %v", err, ErrPasskeyUnknown)
	}
	// An account that doesn't own the passkey doesn't get in with it, even if it's the one of the handle.
	asBob := func(string) (PasskeyUser, error) { return bob.PasskeyUser, nil }
	if err := attempt(func(r *reply) { r.Handle = bobHandle }, asBob); !errors.Is(err, ErrPasskeyUnknown) {
		t.Errorf("sign-in as the owner of another passkey = %v, want %v", err, ErrPasskeyUnknown)
	}
	down := errors.New("database is down")
	if err := attempt(nil, func(string) (PasskeyUser, error) { return PasskeyUser{}, down }); err != down {
		t.Errorf("sign-in while find fails = %v, want its error", err)
	}
}

// Each challenge is for one ceremony and, but for a sign-in, for one account.
func TestChallengesAreNotInterchangeable(t *testing.T) {
	p, ada, bob := newPasskeys(t, testOrigin), newAccount("ada"), newAccount("bob")
	k, bobs := newSoftKey(t, testOrigin), newSoftKey(t, testOrigin)
	ada.add(t, p, k)
	bob.add(t, p, bobs)
	stepUp, forStepUp, err := p.BeginStepUp(ada.PasskeyUser)
	if err != nil {
		t.Fatal(err)
	}
	signIn, forSignIn := beginSignIn(t, p)
	create, forCreate, err := p.BeginRegistration(ada.PasskeyUser)
	if err != nil {
		t.Fatal(err)
	}
	answering := func(options []byte) func(*reply) {
		return func(r *reply) { r.Challenge = challengeOf(t, options) }
	}
	results := map[string]error{}
	_, results["sign-in with the challenge of a step-up"] =
		p.FinishSignIn(forStepUp, k.assert(stepUp, nil), ada.find)
	_, results["step-up with the challenge of a sign-in"] =
		p.FinishStepUp(forSignIn, ada.PasskeyUser, k.assert(signIn, nil))
	_, results["registration with the challenge of a step-up"] =
		p.FinishRegistration(forStepUp, ada.PasskeyUser, newSoftKey(t, testOrigin).register(create, answering(stepUp)))
	_, results["step-up with the challenge of a registration"] =
		p.FinishStepUp(forCreate, ada.PasskeyUser, k.assert(stepUp, answering(create)))
	_, results["step-up of another account"] =
		p.FinishStepUp(forStepUp, bob.PasskeyUser, bobs.assert(stepUp, nil))
	for name, err := range results {
		if !errors.Is(err, ErrPasskeyRefused) {
			t.Errorf("%s = %v, want %v", name, err, ErrPasskeyRefused)
		}
	}
	if _, err := p.FinishStepUp(forStepUp, ada.PasskeyUser, bobs.assert(stepUp, nil)); !errors.Is(err, ErrPasskeyUnknown) {
		t.Errorf("step-up with a passkey of another account = %v, want %v", err, ErrPasskeyUnknown)
	}
	forSignIn.Session = []byte("{")
	_, err = p.FinishSignIn(forSignIn, k.assert(signIn, nil), ada.find)
	if err == nil || errors.Is(err, ErrPasskeyRefused) {
		t.Errorf("FinishSignIn with a broken challenge = %v, want an error that isn't the visitor's fault", err)
	}
}

func challengeOf(t *testing.T, options []byte) string {
	t.Helper()
	_, o := newSoftKey(t, testOrigin).begin("", options, nil)
	return o.PublicKey.Challenge
}

// A passkey that was made for another host is no way in.
func TestOtherHost(t *testing.T) {
	p, ada, k := newPasskeys(t, testOrigin), newAccount("ada"), newSoftKey(t, testOrigin)
	ada.add(t, p, k)
	ada.Passkeys[0].RPID = "old.example"
	options, c := beginSignIn(t, p)
	if _, err := p.FinishSignIn(c, k.assert(options, nil), ada.find); !errors.Is(err, ErrPasskeyUnknown) {
		t.Errorf("FinishSignIn with a passkey of another host = %v, want %v", err, ErrPasskeyUnknown)
	}
	if _, _, err := p.BeginStepUp(ada.PasskeyUser); !errors.Is(err, ErrPasskeyUnknown) {
		t.Errorf("BeginStepUp with a passkey of another host = %v, want %v", err, ErrPasskeyUnknown)
	}
}

// Some authenticators change a flag that must never change. Their people get in, and the change is reported.
func TestBackupFlagsChange(t *testing.T) {
	for _, tt := range []struct {
		registered, used  byte
		changed, eligible bool
		backedUp          bool
	}{
		{0, 0, false, false, false},
		{0, backupEligible, true, true, false},
		{0, backupEligible | backedUp, true, true, true},
		{backupEligible, 0, true, false, false},
		{backupEligible | backedUp, backupEligible, false, true, false},
	} {
		p, ada, k := newPasskeys(t, testOrigin), newAccount("ada"), newSoftKey(t, testOrigin)
		k.flags |= tt.registered
		ada.add(t, p, k)
		k.flags = k.flags&^(backupEligible|backedUp) | tt.used
		options, c := beginSignIn(t, p)
		use, err := p.FinishSignIn(c, k.assert(options, nil), ada.find)
		if err != nil || use.EligibleChanged != tt.changed || use.Eligible != tt.eligible || use.BackedUp != tt.backedUp {
			t.Errorf("sign-in with flags %#x after %#x = %+v, %v, want %+v", tt.used, tt.registered, use, err, tt)
		}
	}
}

// A counter that doesn't increase is reported and not stored, so that the next sign-in is judged by itself.
func TestCounter(t *testing.T) {
	for _, tt := range []struct {
		stored, used, want uint32
		warning            bool
	}{
		{0, 0, 0, false}, {0, 1, 1, false}, {5, 6, 6, false}, {5, 9, 9, false},
		{5, 5, 5, true}, {5, 4, 5, true}, {5, 0, 5, true},
	} {
		p, ada, k := newPasskeys(t, testOrigin), newAccount("ada"), newSoftKey(t, testOrigin)
		k.count = tt.stored
		ada.add(t, p, k)
		options, c := beginSignIn(t, p)
		use, err := p.FinishSignIn(c, k.assert(options, func(r *reply) { r.Count = tt.used }), ada.find)
		if err != nil || use.CloneWarning != tt.warning || use.SignCount != tt.want {
			t.Errorf("sign-in with count %d after %d = %+v, %v, want count %d, warning %t",
				tt.used, tt.stored, use, err, tt.want, tt.warning)
		}
		ada.Passkeys[0] = use.Passkey
		options, c = beginSignIn(t, p)
		use, err = p.FinishSignIn(c, k.assert(options, func(r *reply) { r.Count = 10 }), ada.find)
		if err != nil || use.CloneWarning {
			t.Errorf("sign-in with count 10 after that = %+v, %v, want no warning", use, err)
		}
	}
}

func TestMalformedResponses(t *testing.T) {
	p, ada, k := newPasskeys(t, testOrigin), newAccount("ada"), newSoftKey(t, testOrigin)
	ada.add(t, p, k)
	options, c := beginSignIn(t, p)
	create, forCreate, err := p.BeginRegistration(ada.PasskeyUser)
	if err != nil {
		t.Fatal(err)
	}
	good, goodCreate := string(k.assert(options, nil)), string(newSoftKey(t, testOrigin).register(create, nil))
	fat := strings.Repeat(" ", maxPasskeyBody)
	for name, spoil := range map[string]func(string) string{
		"empty":      func(string) string { return "" },
		"null":       func(string) string { return "null" },
		"an array":   func(string) string { return "[]" },
		"half":       func(body string) string { return body[:len(body)/2] },
		"too long":   func(body string) string { return fat + body },
		"trailing":   func(body string) string { return body + "{}" },
		"other type": func(body string) string { return strings.Replace(body, "public-key", "password", 1) },
	} {
		if _, err := p.FinishSignIn(c, []byte(spoil(good)), ada.find); !errors.Is(err, ErrPasskeyMalformed) {
			t.Errorf("FinishSignIn(%s) = %v, want %v", name, err, ErrPasskeyMalformed)
		}
		_, err := p.FinishRegistration(forCreate, ada.PasskeyUser, []byte(spoil(goodCreate)))
		if !errors.Is(err, ErrPasskeyMalformed) {
			t.Errorf("FinishRegistration(%s) = %v, want %v", name, err, ErrPasskeyMalformed)
		}
	}
	// Reasons are for logs, and a visitor can't fill those.
	options, c = beginSignIn(t, p)
	long := k.assert(options, func(r *reply) { r.Origin = strings.Repeat("x", 10_000) })
	if _, err := p.FinishSignIn(c, long, ada.find); err == nil || len(err.Error()) > 2*maxPasskeyReason {
		t.Errorf("FinishSignIn with a long origin = an error of %d bytes, want at most %d", len(err.Error()),
			2*maxPasskeyReason)
	}
}

func TestAccepted(t *testing.T) {
	p, ada := newPasskeys(t, testOrigin), newAccount("ada")
	if got := p.Accepted(ada.PasskeyUser); got != nil {
		t.Errorf("Accepted without passkeys = %s, want nil: an empty list deletes all", got)
	}
	ada.Passkeys = []Passkey{{Credential: "AQ", RPID: "old.example"}}
	if got := p.Accepted(ada.PasskeyUser); got != nil {
		t.Errorf("Accepted with passkeys of another host = %s, want nil", got)
	}
	ada.Passkeys = append(ada.Passkeys, Passkey{Credential: "Ag", RPID: "board.example"})
	want := `{"allAcceptedCredentialIds":["Ag"],"rpId":"board.example","userId":"` + ada.Handle + `"}`
	if got := string(p.Accepted(ada.PasskeyUser)); got != want {
		t.Errorf("Accepted = %s, want %s", got, want)
	}
}
