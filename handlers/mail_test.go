package handlers

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"rollcall/accounts"
	"rollcall/mailer"
)

// mailFixture is a fixture of a server that sends emails. They stay in the queue: package mailer has tests of its own,
// and package command one with an SMTP server.
func mailFixture(t *testing.T, changes ...func(*Config)) *fixture {
	t.Helper()
	store, err := accounts.Open(t.Context(), accounts.Config{Path: filepath.Join(t.TempDir(), "mail.db"), SendsMail: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return newFixture(t, append(changes, func(cfg *Config) {
		cfg.Accounts, cfg.Mailer = store, mailer.New(mailer.Config{})
	})...)
}

// mailed takes the email that was queued, which must be the only one.
func (f *fixture) mailed(what string, kind accounts.MailKind) accounts.Mail {
	f.t.Helper()
	m, ok, err := f.store.TakeMail(acting(f.t.Context()))
	if err != nil || !ok || m.Kind != kind {
		f.t.Fatalf("%s: TakeMail = %+v, %t, %v, want %s", what, m, ok, err, kind)
	}
	f.unmailed(what + ", more than one")
	if err := f.store.DropMail(acting(f.t.Context()), m.ID); err != nil {
		f.t.Fatal(err)
	}
	return m
}

// unmailed checks that no email was queued.
func (f *fixture) unmailed(what string) {
	f.t.Helper()
	if m, ok, err := f.store.TakeMail(acting(f.t.Context())); ok || err != nil {
		f.t.Fatalf("%s: TakeMail = %+v, %v, want nothing", what, m, err)
	}
}

// address gives somebody an email address.
func (f *fixture) address(name, email string) {
	f.t.Helper()
	if err := f.store.SetEmail(acting(f.t.Context()), f.uid(name), email); err != nil {
		f.t.Fatal(err)
	}
}

// email returns somebody's address.
func (f *fixture) email(name string) string {
	f.t.Helper()
	email, err := f.store.Email(f.t.Context(), f.uid(name))
	if err != nil {
		f.t.Fatal(err)
	}
	return email
}

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
	if lines := f.logs.lines("ada"); len(lines) > 0 {
		t.Errorf("the log has what was typed: %q", lines)
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

// A person's address changes when they open the link that was sent to the new one. The old one can undo that.
func TestChangeOfEmail(t *testing.T) {
	t.Parallel()
	f := mailFixture(t)
	f.person("ada")
	f.person("eve")
	f.address("eve", "eve@example.org")
	ada, eve, stranger := f.browser(), f.browser(), f.browser()
	ada.enter("ada")
	eve.enter("eve")
	change := func(to string) string { // returns the token of the link
		t.Helper()
		wantRedirect(t, "POST /settings/email", ada.do("POST", "/settings/email", url.Values{"email": {to}}), "/settings?saved=email")
		m := f.mailed(to, accounts.MailVerify)
		token, err := f.store.NewVerifyLink(acting(t.Context()), m.UserID, m.Details.To)
		if err != nil || m.UserID != f.uid("ada") || m.Details.To != to {
			t.Fatalf("the queue has %+v, %v, want a link to %s", m, err, to)
		}
		return token
	}
	a := ada.do("POST", "/settings/email", url.Values{"email": {"ada@nowhere"}})
	wantStatus(t, "an address without a domain", a, http.StatusUnprocessableEntity)
	if !strings.Contains(a.body, `id="email-error"`) || !strings.Contains(a.body, `value="ada@nowhere"`) {
		t.Errorf("the form doesn't show the error beside what was typed:\n%s", a.body)
	}
	token := change("ada@example.org")
	if a := ada.get("/settings?saved=email"); !strings.Contains(a.body, "Open the link") || f.email("ada") != "" {
		t.Errorf("the address is %q before the link was opened, and the page says\n%s", f.email("ada"), a.body)
	}
	for who, b := range map[string]*browser{"a stranger": stranger, "eve": eve} {
		if a := b.get("/verify/" + token); a.StatusCode != http.StatusOK || strings.Contains(a.body, `action="/verify/`) {
			t.Errorf("GET /verify for %s = %d, want a page without a form\n%s", who, a.StatusCode, a.body)
		}
		wantStatus(t, "POST /verify by "+who, b.do("POST", "/verify/"+token, url.Values{}), http.StatusForbidden)
	}
	if a := ada.get("/verify/" + token); !strings.Contains(a.body, `action="/verify/`) || f.email("ada") != "" {
		t.Errorf("GET /verify has no form, or changes something:\n%s", a.body)
	}
	wantRedirect(t, "POST /verify", ada.do("POST", "/verify/"+token, url.Values{}), "/settings?saved=email-changed")
	wantStatus(t, "POST /verify again", ada.do("POST", "/verify/"+token, url.Values{}), http.StatusNotFound)
	f.unmailed("there was no old address")
	token = change("eve@example.org") // somebody else's: nobody learns that before they have the mailbox
	a = ada.do("POST", "/verify/"+token, url.Values{})
	wantStatus(t, "POST /verify of a taken address", a, http.StatusUnprocessableEntity)
	if !strings.Contains(a.body, "Another account uses this address.") {
		t.Errorf("the page doesn't say that the address is taken:\n%s", a.body)
	}
	token = change("mallory@example.org")
	wantRedirect(t, "POST /verify", ada.do("POST", "/verify/"+token, url.Values{}), "/settings?saved=email-changed")
	undo, err := f.store.NewUndoLink(acting(t.Context()), f.mailed("a change", accounts.MailEmailChanged))
	if err != nil {
		t.Fatal(err)
	}
	if a := stranger.get("/undo/" + undo); !strings.Contains(a.body, "ada@example.org") || f.email("ada") != "mallory@example.org" ||
		a.Header.Get("Referrer-Policy") != "strict-origin" {
		t.Errorf("GET /undo doesn't show the old address, or changes something:\n%s", a.body)
	}
	wantRedirect(t, "POST /undo", stranger.do("POST", "/undo/"+undo, url.Values{}), "/login?restored=1")
	if f.email("ada") != "ada@example.org" || ada.signedIn() {
		t.Errorf("the address is %q, and ada is signed in: %t, want the old one, and no session", f.email("ada"), ada.signedIn())
	}
	if lines := append(f.logs.lines(undo), f.logs.lines(token)...); len(lines) > 0 {
		t.Errorf("the log has tokens: %q", lines)
	}
}

// Who changes an address has to prove who they are, and can't do it too often.
func TestChangeOfEmailNeedsProof(t *testing.T) {
	t.Parallel()
	f := mailFixture(t)
	f.person("ada")
	f.address("ada", "ada@example.org")
	ada := f.browser()
	token, _, err := f.store.StartSession(acting(t.Context()), accounts.SignIn{UserID: f.uid("ada"), Unproved: true})
	if err != nil {
		t.Fatal(err)
	}
	ada.cookies["rollcall"] = token
	for path, form := range map[string]url.Values{"/settings/email": {"email": {"a@example.com"}}, "/settings/email/remove": {}} {
		a := ada.do("POST", path, form)
		wantStatus(t, "POST "+path, a, http.StatusForbidden)
		if !strings.Contains(a.body, "confirm_password") {
			t.Errorf("POST %s doesn't ask for the password:\n%s", path, a.body)
		}
	}
	f.unmailed("without a proof")
	for range asksPerPerson {
		ada.enter("ada")
		wantRedirect(t, "POST", ada.do("POST", "/settings/email", url.Values{"email": {"a@example.com"}}), "/settings?saved=email")
	}
	wantStatus(t, "one more", ada.do("POST", "/settings/email", url.Values{"email": {"a@example.com"}}), http.StatusTooManyRequests)
	wantRedirect(t, "POST", ada.do("POST", "/settings/email/remove", url.Values{}), "/settings?saved=email-removed")
	if f.email("ada") != "" {
		t.Errorf("the address is %q, want none", f.email("ada"))
	}
}

// Administrators set addresses and send links. Nobody else sees an address.
func TestAdminEmail(t *testing.T) {
	t.Parallel()
	f := mailFixture(t)
	boss := f.boss("boss")
	f.person("ada")
	f.address("boss", "boss@example.org")
	a := boss.do("POST", "/admin/people/ada/email", url.Values{"email": {"BOSS@example.org"}})
	wantStatus(t, "a taken address", a, http.StatusUnprocessableEntity)
	if !strings.Contains(a.body, "Another account uses this address.") || !strings.Contains(a.body, `value="BOSS@example.org"`) {
		t.Errorf("the page doesn't show the error beside what was typed:\n%s", a.body)
	}
	if a := boss.get("/admin/people/ada"); strings.Contains(a.body, "Email a reset link") {
		t.Error("the page offers to send an email to somebody without an address")
	}
	wantStatus(t, "an email to nowhere", boss.do("POST", "/admin/people/ada/reset-link", url.Values{"send": {"mail"}}), http.StatusUnprocessableEntity)
	wantRedirect(t, "POST email", boss.do("POST", "/admin/people/ada/email", url.Values{"email": {"ada@example.org"}}), "/admin/people/ada?done=saved&n=1")
	wantRedirect(t, "POST reset-link", boss.do("POST", "/admin/people/ada/reset-link", url.Values{"send": {"mail"}}), "/admin/people/ada?done=mailed&n=1")
	if m := f.mailed("a link", accounts.MailReset); m.UserID != f.uid("ada") {
		t.Errorf("the queue has %+v, want a link for ada", m)
	}
	for action, want := range map[accounts.Action]int{accounts.EmailSet: 1, accounts.ResetLinkMade: 1} {
		entries := f.log(accounts.AuditQuery{Target: accounts.TargetUser(f.uid("ada"))})
		n := 0
		for _, e := range entries {
			if e.Action == action {
				n++
			}
			if strings.Contains(e.Detail["email"]+e.Target, "@") {
				t.Errorf("the log has an address: %+v", e)
			}
		}
		if n != want {
			t.Errorf("%d lines about %s, want %d", n, action, want)
		}
	}
	ada, eve := f.browser(), f.member("eve")
	ada.enter("ada")
	for _, path := range []string{"/settings", "/settings/stored", "/settings/my-data.json"} {
		if a := ada.get(path); !strings.Contains(a.body, "ada@example.org") {
			t.Errorf("GET %s doesn't have the person's own address:\n%s", path, a.body)
		}
	}
	for _, path := range []string{"/", "/u/ada", "/me", "/settings", "/?q=example"} {
		if a := eve.get(path); strings.Contains(a.body, "ada@example.org") {
			t.Errorf("GET %s shows somebody else's address", path)
		}
	}
	wantStatus(t, "an invitation to nowhere", boss.do("POST", "/admin/invitations", url.Values{"uses": {"1"}, "days": {"7"}, "email": {"zoe"}}), http.StatusUnprocessableEntity)
	a = boss.do("POST", "/admin/invitations", url.Values{"uses": {"1"}, "days": {"7"}, "email": {"zoe@example.org"}})
	wantRedirect(t, "an invitation by mail", a, "/admin/invitations?done=invited")
	if m := f.mailed("an invitation", accounts.MailInvitation); m.Details.To != "zoe@example.org" {
		t.Errorf("the queue has %+v, want an invitation for zoe", m)
	}
}

// A sign-in in a new browser is shown on the person's other pages until they confirm or end it, and nowhere else.
func TestNewDevice(t *testing.T) {
	t.Parallel()
	f := mailFixture(t)
	f.person("ada")
	f.address("ada", "ada@example.org")
	f.person("eve")
	const banner = "New sign-in to your account"
	first, second, third, eve := f.browser(), f.browser(), f.browser(), f.browser()
	wantRedirect(t, "the first sign-in", first.login("ada", goodPassword), "/")
	eve.enter("eve")
	if a := first.get("/"); strings.Contains(a.body, banner) {
		t.Error("the very first sign-in is news")
	}
	f.unmailed("the very first sign-in")
	second.header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	second.remote = "198.51.100.7:1"
	wantRedirect(t, "a sign-in elsewhere", second.login("ada", goodPassword), "/")
	if m := f.mailed("a new device", accounts.MailNewSignIn); m.Details.Browser != "Firefox on Linux" || m.Details.Address != "198.51.100.7" {
		t.Errorf("the email is %+v, want one about Firefox on Linux", m.Details)
	}
	for _, path := range []string{"/", "/settings", "/me"} {
		a := first.get(path)
		if !strings.Contains(a.body, banner) || !strings.Contains(a.body, "Firefox on Linux") || !strings.Contains(a.body, "198.51.100.7") {
			t.Errorf("GET %s doesn't show the new sign-in:\n%s", path, a.body)
		}
		if strings.Contains(second.get(path).body, banner) || strings.Contains(eve.get(path).body, banner) {
			t.Errorf("GET %s shows it in the new browser, or to somebody else", path)
		}
	}
	sessions, err := f.store.Unnoticed(t.Context(), f.uid("ada"))
	if err != nil || len(sessions) != 1 {
		t.Fatalf("Unnoticed = %+v, %v, want one", sessions, err)
	}
	form := url.Values{"session": {sessions[0].ID}}
	second.do("POST", "/settings/sessions/confirm", form)
	eve.do("POST", "/settings/sessions/confirm", form)
	if !strings.Contains(first.get("/").body, banner) {
		t.Error("the new browser or somebody else could confirm the sign-in")
	}
	wantRedirect(t, "POST confirm", first.do("POST", "/settings/sessions/confirm", form), "/settings#devices-h")
	if strings.Contains(first.get("/").body, banner) || !second.signedIn() {
		t.Error("a confirmed sign-in is still news, or has ended")
	}
	second.do("POST", "/logout", url.Values{})
	wantRedirect(t, "a known browser", second.login("ada", goodPassword), "/")
	f.unmailed("a known browser")
	wantRedirect(t, "a third browser", third.login("ada", goodPassword), "/")
	f.mailed("a third browser", accounts.MailNewSignIn)
	sessions, _ = f.store.Unnoticed(t.Context(), f.uid("ada"))
	first.do("POST", "/settings/sessions/end", url.Values{"session": {sessions[0].ID}})
	if strings.Contains(first.get("/").body, banner) || third.signedIn() {
		t.Error("a sign-in that was ended is still news, or works")
	}
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
