package handlers

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"rollcall/accounts"
)

// Whoever asks for a new password gets the same answer, and the server does the same: it stores what was typed, and
// neither looks for the person nor hashes anything.
func TestForgotSaysNothing(t *testing.T) {
	t.Parallel()
	f := mailFixture(t)
	for _, name := range []string{"ada", "bob", "off"} {
		f.person(name)
	}
	f.address("ada", "ada@example.org")
	f.address("off", "off@example.org")
	if err := f.store.SetDisabled(acting(t.Context()), f.uid("off"), true); err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.store.SignUp(acting(t.Context()), accounts.NewUser{Username: "wanda", Password: goodPassword},
		accounts.Joining{Approval: true}); err != nil {
		t.Fatal(err)
	}
	before := f.store.Stats()
	want := f.browser().do("POST", "/forgot", url.Values{"who": {"nobody"}})
	wantStatus(t, "POST /forgot", want, http.StatusOK)
	first := f.mailed("nobody", accounts.MailForgot)
	for i, who := range []string{"ada", "ADA@example.org", "bob", "off", "off@example.org", "wanda", "zoe@example.org", "no spaces",
		strings.Repeat("x", 5000), "\x00'\"<"} {
		b := f.browser()
		b.remote = "198.51.100." + strconv.Itoa(i) + ":1000"
		a := b.do("POST", "/forgot", url.Values{"who": {who}})
		if a.StatusCode != want.StatusCode || a.body != want.body || len(a.Cookies()) != 0 {
			t.Errorf("POST /forgot for %.20q = %d\n%s\nwant %d\n%s", who, a.StatusCode, a.body, want.StatusCode, want.body)
		}
		m := f.mailed(who, accounts.MailForgot)
		if m.UserID != first.UserID || m.Details.To != "" || m.ExpiresAt.Sub(m.QueuedAt) != first.ExpiresAt.Sub(first.QueuedAt) {
			t.Errorf("the queue has %+v for %.20q, want what it has for nobody, %+v", m, who, first)
		}
	}
	if after := f.store.Stats(); after.Hash.Done != before.Hash.Done {
		t.Errorf("%d passwords were hashed, want none", after.Hash.Done-before.Hash.Done)
	}
	a := f.browser().do("POST", "/forgot", url.Values{"who": {" "}})
	wantStatus(t, "POST /forgot without a name", a, http.StatusUnprocessableEntity)
	f.unmailed("without a name")
	for _, typed := range []string{"=ada", `"ada"`, "example.org", "wanda", "no spaces", "xxxx"} {
		if lines := f.logs.lines(typed); len(lines) > 0 {
			t.Errorf("the log has what was typed, %q: %q", typed, lines)
		}
	}
}

// One address can ask a few times an hour, for whomever.
func TestForgotIsLimited(t *testing.T) {
	t.Parallel()
	f := mailFixture(t)
	b := f.browser()
	for i := range asksPerAddress {
		wantStatus(t, "POST /forgot", b.do("POST", "/forgot", url.Values{"who": {"name" + strconv.Itoa(i)}}), http.StatusOK)
	}
	a := b.do("POST", "/forgot", url.Values{"who": {"ada"}})
	wantStatus(t, "one more", a, http.StatusTooManyRequests)
	if a.Header.Get("Retry-After") == "" || !strings.Contains(a.body, `value="ada"`) {
		t.Errorf("the answer has no Retry-After or not what was typed:\n%s", a.body)
	}
	b.remote = "198.51.100.1:1"
	wantStatus(t, "from elsewhere", b.do("POST", "/forgot", url.Values{"who": {"ada"}}), http.StatusOK)
	b.header.Set("Sec-Fetch-Site", "cross-site")
	wantStatus(t, "from another site", b.do("POST", "/forgot", url.Values{"who": {"ada"}}), http.StatusForbidden)
}

// Without emails, people are told to ask an administrator, and the forms don't exist.
func TestWithoutMail(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Fixed.SignUp, cfg.Fixed.Domains = accounts.SignUpDomains, "example.org" })
	f.person("ada")
	ada := f.browser()
	ada.enter("ada")
	if a := f.browser().get("/login"); !strings.Contains(a.body, "Ask an administrator of this board") || strings.Contains(a.body, "/forgot") {
		t.Errorf("the sign-in page offers a form:\n%s", a.body)
	}
	wantStatus(t, "GET /forgot", f.browser().get("/forgot"), http.StatusNotFound)
	wantStatus(t, "POST /forgot", f.browser().do("POST", "/forgot", url.Values{"who": {"ada"}}), http.StatusNotFound)
	wantStatus(t, "GET /signup", f.browser().get("/signup"), http.StatusNotFound)
	wantStatus(t, "POST /settings/email", ada.do("POST", "/settings/email", url.Values{"email": {"a@example.org"}}), http.StatusNotFound)
	if a := ada.get("/settings"); strings.Contains(a.body, `id="email-h"`) {
		t.Error("the settings have a section about email")
	}
	f.unmailed("a server that sends no emails")
}

// People with an address at a domain of the board make an account by a link to it. The form answers all of them alike.
func TestSignUpByDomain(t *testing.T) {
	t.Parallel()
	f := mailFixture(t, func(cfg *Config) {
		cfg.Fixed.SignUp, cfg.Fixed.Domains = accounts.SignUpDomains, "example.com example.org"
	})
	f.person("ada")
	f.address("ada", "ada@example.org")
	f.person("off")
	f.address("off", "off@example.org")
	if err := f.store.SetDisabled(acting(t.Context()), f.uid("off"), true); err != nil {
		t.Fatal(err)
	}
	if a := f.browser().get("/signup"); !strings.Contains(a.body, "example.com or example.org") || strings.Contains(a.body, "password") {
		t.Errorf("GET /signup doesn't ask for an address:\n%s", a.body)
	}
	for _, email := range []string{"", "zoe", "zoe@example.net", "zoe@sub.example.org"} {
		a := f.browser().do("POST", "/signup", url.Values{"email": {email}, "username": {"zoe"}, "password": {goodPassword}})
		if a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.body, `id="email-error"`) {
			t.Errorf("POST /signup for %q = %d, want an error beside the address\n%s", email, a.StatusCode, a.body)
		}
	}
	f.unmailed("refused addresses")
	before := f.store.Stats()
	var want answer
	for i, email := range []string{"zoe@example.org", "ada@example.org", "off@example.org", "Zoe@EXAMPLE.com"} {
		b := f.browser()
		b.remote = "198.51.100." + strconv.Itoa(i) + ":1"
		a := b.do("POST", "/signup", url.Values{"email": {email}})
		if i == 0 {
			want = a
		}
		if a.StatusCode != http.StatusOK || a.body != want.body || len(a.Cookies()) != 0 {
			t.Errorf("POST /signup for %s = %d\n%s\nwant 200\n%s", email, a.StatusCode, a.body, want.body)
		}
		if m := f.mailed(email, accounts.MailSignUp); m.Details != (accounts.MailDetails{To: email}) || m.UserID != "" {
			t.Errorf("the queue has %+v, want only the address", m)
		}
	}
	if after := f.store.Stats(); after.Hash.Done != before.Hash.Done {
		t.Errorf("%d passwords were hashed, want none", after.Hash.Done-before.Hash.Done)
	}
	token, err := f.store.NewSignUpLink(acting(t.Context()), "zoe@example.org")
	if err != nil {
		t.Fatal(err)
	}
	zoe := f.browser()
	if a := zoe.get("/signup/" + token); !strings.Contains(a.body, "zoe@example.org") || a.StatusCode != http.StatusOK {
		t.Errorf("GET /signup/TOKEN = %d, want a form for the address\n%s", a.StatusCode, a.body)
	}
	form := url.Values{"username": {"zoe"}, "password": {"short"}}
	wantStatus(t, "a short password", zoe.do("POST", "/signup/"+token, form), http.StatusUnprocessableEntity)
	form.Set("password", goodPassword)
	wantRedirect(t, "POST /signup/TOKEN", zoe.do("POST", "/signup/"+token, form), "/")
	if f.email("zoe") != "zoe@example.org" || !zoe.signedIn() {
		t.Errorf("the address is %q, and zoe is signed in: %t", f.email("zoe"), zoe.signedIn())
	}
	form.Set("username", "zoe2")
	wantStatus(t, "the link again", f.browser().do("POST", "/signup/"+token, form), http.StatusNotFound)
	for name, settings := range map[string]accounts.Settings{
		"another mode": {SignUp: accounts.SignUpOpen}, "another domain": {SignUp: accounts.SignUpDomains, Domains: "example.net"},
	} {
		token, err := f.store.NewSignUpLink(acting(t.Context()), "yan@example.org")
		if err != nil {
			t.Fatal(err)
		}
		f.server.cfg.Fixed = settings
		f.server.useSettings(accounts.Settings{})
		wantStatus(t, "a link after a change to "+name, f.browser().get("/signup/"+token), http.StatusNotFound)
	}
}

// Administrators can choose sign-up by address only if it can work.
func TestChooseDomains(t *testing.T) {
	t.Parallel()
	none := func(cfg *Config) { cfg.Fixed.SignUp = "" }
	with, without := mailFixture(t, none), newFixture(t, none)
	boss := without.boss("boss")
	if a := boss.get("/admin/settings"); strings.Contains(a.body, `value="domains"`) || strings.Contains(a.body, "signup_domains") {
		t.Error("a server that sends no emails offers sign-up by address")
	}
	a := boss.do("POST", "/admin/settings", url.Values{"signup": {"domains"}, "signup_domains": {"example.org"}})
	wantStatus(t, "sign-up by address without emails", a, http.StatusUnprocessableEntity)
	boss = with.boss("boss")
	for _, domains := range []string{"", "nowhere"} {
		a := boss.do("POST", "/admin/settings", url.Values{"signup": {"domains"}, "signup_domains": {domains}})
		if a.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(a.body, `id="signup_domains-error"`) {
			t.Errorf("sign-up by address at %q = %d, want an error beside the domains\n%s", domains, a.StatusCode, a.body)
		}
	}
	a = boss.do("POST", "/admin/settings", url.Values{"signup": {"domains"}, "signup_domains": {"Example.org, example.com"}})
	wantRedirect(t, "POST /admin/settings", a, "/admin/settings?done=saved")
	stored, err := with.store.Settings(t.Context())
	if err != nil || stored.SignUp != accounts.SignUpDomains || stored.Domains != "example.com example.org" {
		t.Errorf("Settings = %+v, %v, want both domains", stored, err)
	}
}
