package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
)

const boardOrigin = "https://board.example"

// wantNext fails the test unless the answer sends the page there.
func wantNext(t *testing.T, what string, a answer, next string) {
	t.Helper()
	wantStatus(t, what, a, http.StatusOK)
	if strings.TrimSpace(a.body) != `{"next":"`+next+`"}` {
		t.Fatalf("%s = %s, want next %s", what, a.body, next)
	}
}

// wantProblem fails the test unless the answer is a problem that says so.
func wantProblem(t *testing.T, what string, a answer, status int, says string) {
	t.Helper()
	wantStatus(t, what, a, status)
	if !strings.Contains(a.body, says) || a.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s = %s %s, want a problem that says %q", what, a.Header.Get("Content-Type"), a.body, says)
	}
}

// A passkey is added, named, used to sign in and removed.
func TestPasskey(t *testing.T) {
	t.Parallel()
	f := newFixture(t, publicURL(t, boardOrigin), withSecretKey)
	ada, k := f.member("ada"), newSoftPasskey(t, boardOrigin)
	wantRedirect(t, "POST with a fresh proof", ada.do("POST", registerPath, url.Values{}), registerPath)
	if a := ada.get(registerPath); !strings.Contains(a.body, `data-passkey="register"`) || !strings.Contains(a.body, "/a/passkey.") {
		t.Fatalf("the page has no button or no script:\n%s", a.body)
	}
	o := ada.begin(registerPath + "/begin")
	if o.PublicKey.RP.ID != "board.example" || o.PublicKey.User.Name != "ada" {
		t.Errorf("the options = %+v, want those of ada at board.example", o)
	}
	response := k.respond(o, map[string]string{"label": "Phone"})
	wantNext(t, "registration", ada.json(registerPath+"/finish", response), "/settings/sign-in?saved=passkey-added")
	wantProblem(t, "the same registration", ada.json(registerPath+"/finish", response), http.StatusForbidden, "didn't work")
	if o = ada.begin(registerPath + "/begin"); len(o.PublicKey.ExcludeCredentials) != 1 || o.PublicKey.User.ID != k.handle {
		t.Errorf("the next options = %+v, want the same handle and one exclusion", o)
	}
	page := ada.get("/settings/sign-in?saved=passkey-added").body
	for _, want := range []string{"<bdi>Phone</bdi>", "synced to your other devices", "never used", "Passkey added.", "data-accepted="} {
		if !strings.Contains(page, want) {
			t.Errorf("the page doesn't hold %q:\n%s", want, page)
		}
	}

	f.app("ada") // a passkey needs no code
	b := f.browser()
	if a := b.get("/login"); !strings.Contains(a.body, `autocomplete="username webauthn"`) || !strings.Contains(a.body, `data-passkey="sign-in"`) {
		t.Fatalf("the sign-in page doesn't offer passkeys:\n%s", a.body)
	}
	response = k.respond(b.begin(passkeyPath+"/begin"), map[string]string{"next": "/settings?x=1"})
	wantNext(t, "sign-in", b.json(passkeyPath, response), "/settings?x=1")
	if x := f.session(b); x.Method != accounts.ByPasskey || !x.TwoFactors() || b.cookie(f.server.site.known) == nil {
		t.Errorf("the session = %+v with %v, want one by a passkey in a known browser", x, b.set)
	}
	thief := f.browser()
	wantProblem(t, "the same response", thief.json(passkeyPath, response), http.StatusForbidden, "didn't work")
	if w, err := f.store.OwnWays(t.Context(), f.uid("ada")); err != nil || w.Passkeys[0].SignCount != k.count || w.Passkeys[0].UsedAt.IsZero() {
		t.Errorf("stored = %+v, %v, want the count %d and a time", w.Passkeys, err, k.count)
	}
	wantRedirect(t, "another name", b.do("POST", registerPath+"/rename", url.Values{"passkey": {k.credential()}, "label": {"Tablet"}}),
		"/settings/sign-in?saved=passkey-renamed")
	a := b.do("POST", registerPath+"/rename", url.Values{"passkey": {k.credential()}, "label": {"a\u202eb"}})
	if wantStatus(t, "a wrong name", a, http.StatusUnprocessableEntity); !strings.Contains(a.body, "Remove invisible") || !strings.Contains(a.body, "Tablet") {
		t.Errorf("the page doesn't say what is wrong:\n%s", a.body)
	}
	wantRedirect(t, "removal", b.do("POST", registerPath+"/remove", url.Values{"passkey": {k.credential()}}),
		"/settings/sign-in?saved=passkey-removed")
	wantProblem(t, "a removed passkey", f.browser().loginWith(k), http.StatusForbidden, "isn't known here any more")
}

// With a passkey, people confirm that it's them. The page then posts its form.
func TestPasskeyProof(t *testing.T) {
	t.Parallel()
	f := newFixture(t, publicURL(t, boardOrigin), func(cfg *Config) { cfg.SecondFactor = true })
	got := f.gate(policy{})
	boss, k := f.boss("boss"), newSoftPasskey(t, boardOrigin)
	wantProblem(t, "a proof without passkeys", boss.json(stepUpPath+"/begin", struct{}{}), http.StatusForbidden, "isn't known")
	wantStatus(t, "registration", boss.register(k, "Phone"), http.StatusOK)
	f.age(boss)
	ask := boss.do("POST", "/room", url.Values{"team": {"Ops"}})
	wantStatus(t, "POST with an old proof", ask, http.StatusForbidden)
	if !strings.Contains(ask.body, `data-passkey="step-up"`) || strings.Contains(ask.body, `name="confirm_password"`) {
		t.Fatalf("the page doesn't ask for a passkey alone:\n%s", ask.body)
	}
	o, old := boss.begin(stepUpPath+"/begin"), boss.cookies[f.server.site.cookie]
	if len(o.PublicKey.AllowCredentials) != 1 {
		t.Errorf("the options = %+v, want boss's passkey alone", o)
	}
	response := k.respond(o, nil)
	other := f.browser()
	wantNext(t, "sign-in in another browser", other.loginWith(k), "/settings")
	wantProblem(t, "the response in another session", other.json(stepUpPath, response), http.StatusForbidden, "didn't work")
	wantNext(t, "the response", boss.json(stepUpPath, response), "/")
	wantProblem(t, "the same response", boss.json(stepUpPath, response), http.StatusForbidden, "didn't work")
	if boss.cookies[f.server.site.cookie] == old {
		t.Error("the session has the same token as before the proof")
	}
	if x := f.session(boss); x.Factors != accounts.FactorPasskey {
		t.Errorf("the session's factors = %q, want a passkey", x.Factors)
	}
	wantStatus(t, "the form", boss.do("POST", "/room", kept(ask)), http.StatusOK)
	if fields := got(); fields.Encode() != "team=Ops" {
		t.Errorf("the form = %v, want what it had", fields)
	}
	for range failuresPerName { // one was refused before
		boss.json(stepUpPath, k.respond(o, nil))
	}
	wantProblem(t, "one too many", boss.json(stepUpPath, k.respond(boss.begin(stepUpPath+"/begin"), nil)),
		http.StatusTooManyRequests, "Too many attempts to confirm that it's you.")
}

// Challenges belong to one ceremony and one session. Registration needs a fresh proof, and all of it needs JSON from
// our own pages.
func TestPasskeyRefusals(t *testing.T) {
	t.Parallel()
	f := newFixture(t, publicURL(t, boardOrigin))
	ada, k := f.member("ada"), newSoftPasskey(t, boardOrigin)
	wantProblem(t, "a name of blanks", ada.register(k, " "), http.StatusUnprocessableEntity, "Type a name for the passkey.")
	begun := ada.begin(registerPath + "/begin")
	eve := f.member("eve")
	response := k.respond(begun, map[string]string{"label": "Phone"})
	wantProblem(t, "a registration for another session", eve.json(registerPath+"/finish", response), http.StatusForbidden, "didn't work")
	wantStatus(t, "registration", ada.json(registerPath+"/finish", response), http.StatusOK)
	copied := *k
	wantProblem(t, "a passkey that ada has", eve.register(&copied, "Mine"), http.StatusConflict, "already registered")
	wantProblem(t, "a sign-in with the state of a proof",
		f.browser().json(passkeyPath, k.respond(ada.begin(stepUpPath+"/begin"), nil)), http.StatusForbidden, "didn't work")
	elsewhere := *k
	elsewhere.origin = "https://evil.example"
	wantProblem(t, "a response from another origin", f.browser().loginWith(&elsewhere), http.StatusForbidden, "didn't work")
	wantProblem(t, "a made-up passkey", f.browser().loginWith(newSoftPasskey(t, boardOrigin)), http.StatusForbidden, "isn't known here")
	late, err := f.server.cfg.Keys.SealUntil(time.Now().Add(-time.Second), passkeyPurpose, "", struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	o := f.browser().begin(passkeyPath + "/begin")
	o.State = late
	wantProblem(t, "a late response", f.browser().json(passkeyPath, k.respond(o, nil)), http.StatusForbidden, "took too long")
	wantStatus(t, "a form", f.browser().do("POST", passkeyPath, url.Values{"state": {"x"}}), http.StatusUnsupportedMediaType)
	other := f.browser()
	other.header.Set("Sec-Fetch-Site", "cross-site")
	wantProblem(t, "another site", other.json(passkeyPath+"/begin", struct{}{}), http.StatusForbidden, "another site")

	f.age(ada)
	wantProblem(t, "a registration with an old proof", ada.json(registerPath+"/begin", struct{}{}), http.StatusForbidden, "Add a passkey")
	if a := ada.do("POST", registerPath+"/remove", url.Values{"passkey": {k.credential()}}); !strings.Contains(a.body, "<h1>Confirm it&#39;s you</h1>") &&
		!strings.Contains(a.body, "<h1>Confirm it's you</h1>") {
		t.Errorf("removing with an old proof = %d, want a page that asks for one\n%s", a.StatusCode, a.body)
	}
	if err := f.store.SetDisabled(acting(t.Context()), f.uid("ada"), true); err != nil {
		t.Fatal(err)
	}
	disabled := f.browser()
	wantProblem(t, "a disabled account", disabled.loginWith(k), http.StatusForbidden, "This account is disabled.")
	if disabled.cookie(f.server.site.cookie) != nil {
		t.Error("a disabled account got a session")
	}
}

// Refused passkeys count by address. Those that work don't.
func TestPasskeyLimits(t *testing.T) {
	t.Parallel()
	f := newFixture(t, publicURL(t, boardOrigin), func(cfg *Config) { cfg.Limits.Logins = 2 })
	ada, k := f.member("ada"), newSoftPasskey(t, boardOrigin)
	wantStatus(t, "registration", ada.register(k, "Phone"), http.StatusOK)
	for range 3 {
		wantNext(t, "sign-in", f.browser().loginWith(k), "/settings")
	}
	unknown := newSoftPasskey(t, boardOrigin)
	for range 2 {
		wantStatus(t, "an unknown passkey", f.browser().loginWith(unknown), http.StatusForbidden)
	}
	wantProblem(t, "one too many", f.browser().loginWith(k), http.StatusTooManyRequests, "Too many attempts to sign in.")
}

// Somebody without a password keeps their last passkey, and proves with it who they are.
func TestLastPasskeyStays(t *testing.T) {
	t.Parallel()
	f := newFixture(t, publicURL(t, boardOrigin))
	if _, err := f.store.Import(acting(t.Context()), []accounts.NewUser{{Username: "ada", NoPassword: true}}); err != nil {
		t.Fatal(err)
	}
	ada, k := f.browser(), newSoftPasskey(t, boardOrigin)
	ada.enter("ada")
	wantStatus(t, "registration", ada.register(k, "Phone"), http.StatusOK)
	form := url.Values{"passkey": {k.credential()}}
	a := ada.do("POST", registerPath+"/remove", form)
	if wantStatus(t, "removing the last way in", a, http.StatusConflict); !strings.Contains(a.body, "This is your last way to sign in.") {
		t.Errorf("the page doesn't say so:\n%s", a.body)
	}
	f.age(ada)
	ask := ada.do("POST", registerPath+"/remove", form)
	if wantStatus(t, "an old proof", ask, http.StatusForbidden); strings.Contains(ask.body, "confirm_password") ||
		!strings.Contains(ask.body, `data-passkey="step-up"`) {
		t.Errorf("the page doesn't ask for a passkey alone:\n%s", ask.body)
	}
	wantNext(t, "the proof", ada.json(stepUpPath, k.respond(ada.begin(stepUpPath+"/begin"), nil)), "/")
	second := newSoftPasskey(t, boardOrigin)
	wantStatus(t, "another passkey", ada.register(second, "Laptop"), http.StatusOK)
	wantRedirect(t, "removing one of two", ada.do("POST", registerPath+"/remove", form), "/settings/sign-in?saved=passkey-removed")
	wantNext(t, "the other one", f.browser().loginWith(second), "/settings")
}

// Browsers allow passkeys only at names with https, and at localhost. Elsewhere nothing offers them.
func TestWithoutPasskeys(t *testing.T) {
	t.Parallel()
	for address, works := range map[string]bool{"": false, "http://board.example": false, "https://192.0.2.1": false,
		"http://localhost:8080": true, "https://board.example/here": true} {
		var changes []func(*Config)
		if address != "" {
			changes = append(changes, publicURL(t, address))
		}
		f := newFixture(t, changes...)
		ada, at := f.member("ada"), f.server.site.path
		if got := strings.Contains(f.browser().get(at("/login")).body, "passkey"); got != works {
			t.Errorf("%q: the sign-in page offers passkeys: %t, want %t", address, got, works)
		}
		if got := strings.Contains(ada.get(at("/settings/sign-in")).body, "Add a passkey"); got != works {
			t.Errorf("%q: the settings offer passkeys: %t, want %t", address, got, works)
		}
		for _, path := range []string{passkeyPath + "/begin", registerPath + "/begin"} {
			if a := ada.json(path, struct{}{}); (a.StatusCode == http.StatusOK) != works {
				t.Errorf("%q: POST %s = %d, want success: %t", address, path, a.StatusCode, works)
			}
		}
	}
}

// Somebody without a password chooses one, or deletes their account, with a passkey.
func TestWithoutPassword(t *testing.T) {
	t.Parallel()
	f := newFixture(t, publicURL(t, boardOrigin))
	people := []accounts.NewUser{{Username: "ada", NoPassword: true}, {Username: "bob", NoPassword: true}}
	if _, err := f.store.Import(acting(t.Context()), people); err != nil {
		t.Fatal(err)
	}
	ada, bob, k := f.browser(), f.browser(), newSoftPasskey(t, boardOrigin)
	ada.enter("ada")
	if a := ada.get("/settings"); strings.Contains(a.body, "Current password") || strings.Contains(a.body, "confirm_password") {
		t.Errorf("the settings ask for a password that doesn't exist:\n%s", a.body)
	}
	a := ada.do("POST", "/settings/sign-in/password", url.Values{"password": {"short"}})
	if wantStatus(t, "a short password", a, http.StatusUnprocessableEntity); !strings.Contains(a.body, "Use 8 characters or more.") {
		t.Errorf("the page doesn't say what is wrong:\n%s", a.body)
	}
	choose := url.Values{"password": {"an entirely new one"}}
	wantRedirect(t, "a password", ada.do("POST", "/settings/sign-in/password", choose), "/settings/sign-in?saved=password")
	wantStatus(t, "another password without the first", ada.do("POST", "/settings/sign-in/password", choose), http.StatusConflict)
	wantRedirect(t, "a sign-in with it", f.browser().login("ada", "an entirely new one"), "/")

	bob.enter("bob")
	wantStatus(t, "registration", bob.register(k, "Phone"), http.StatusOK)
	f.age(bob)
	ask := bob.do("POST", "/settings/delete", url.Values{"username": {"bob"}})
	if wantStatus(t, "an old proof", ask, http.StatusForbidden); !strings.Contains(ask.body, `data-passkey="step-up"`) {
		t.Fatalf("the page doesn't ask for a passkey:\n%s", ask.body)
	}
	wantNext(t, "the proof", bob.json(stepUpPath, k.respond(bob.begin(stepUpPath+"/begin"), nil)), "/")
	wantStatus(t, "another username", bob.do("POST", "/settings/delete", url.Values{"username": {"ada"}}), http.StatusUnprocessableEntity)
	wantRedirect(t, "the form again", bob.do("POST", "/settings/delete", kept(ask)), "/login?deleted=1")
}
