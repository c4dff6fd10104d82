package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rollcall/accounts"
)

// People with an authenticator app prove who they are with their password and a code.
func TestProofWithCode(t *testing.T) {
	t.Parallel()
	f, back := proofFixture(t, withSecretKey)
	got := f.gate(policy{})
	boss := f.oldBoss(back, "boss")
	secret, recovery := f.app("boss")
	ask := boss.do("POST", "/room", url.Values{"team": {"Ops"}})
	wantStatus(t, "POST with an old proof", ask, http.StatusForbidden)
	if !strings.Contains(ask.body, `name="confirm_code"`) {
		t.Fatalf("the page doesn't ask for a code:\n%s", ask.body)
	}
	try := func(password, code string) answer {
		fields := kept(ask)
		fields.Set(confirmField, password)
		fields.Set(confirmCodeField, code)
		return boss.do("POST", "/room", fields)
	}
	for _, c := range []struct{ password, code, says string }{
		{goodPassword, "", "Type a code."}, {goodPassword, "000000", "Wrong code, or it was used before."},
		{"wrong password", codeNow(secret, 0), "Wrong password."}, {"", codeNow(secret, 0), "Type your password."},
	} {
		a := try(c.password, c.code)
		if wantStatus(t, c.says, a, http.StatusForbidden); !strings.Contains(a.body, c.says) || strings.Count(a.body, "autofocus") != 1 {
			t.Errorf("the page for %q and %q doesn't say %q, or has more than one autofocus:\n%s", c.password, c.code, c.says, a.body)
		}
	}
	if fields := got(); fields != nil {
		t.Fatalf("a form without a proof reached its handler: %v", fields)
	}
	code := codeNow(secret, 0)
	wantStatus(t, "both", try(goodPassword, code), http.StatusOK)
	if fields := got(); fields.Encode() != "team=Ops" {
		t.Errorf("the form after the proof = %v, want only what it had", fields)
	}
	if x := f.session(boss); x.Factors != accounts.FactorPasswordAndTOTP {
		t.Errorf("the session's factors = %q, want %q", x.Factors, accounts.FactorPasswordAndTOTP)
	}
	f.age(boss)
	wantStatus(t, "the same code", try(goodPassword, code), http.StatusForbidden)
	wantStatus(t, "a recovery code", try(goodPassword, recovery[0]), http.StatusOK)
	f.age(boss)
	for range wrongCodes - 2 { // two were wrong before
		try(goodPassword, "000000")
	}
	a := try(goodPassword, codeNow(secret, 1))
	if wantStatus(t, "a code after too many wrong ones", a, http.StatusTooManyRequests); !strings.Contains(a.body, "Too many attempts to use a code.") {
		t.Errorf("the page doesn't say so:\n%s", a.body)
	}
}

// age makes the proof of b's session old, by a session that has none.
func (f *fixture) age(b *browser) {
	f.t.Helper()
	x := f.session(b)
	token, _, err := f.store.StartSession(acting(f.t.Context()), accounts.SignIn{UserID: x.UserID, Method: accounts.ByPasskey,
		Factors: "passkey", Unproved: true, Replaces: b.cookies[f.server.site.cookie]})
	if err != nil {
		f.t.Fatal(err)
	}
	b.cookies[f.server.site.cookie] = token
}

// If the operator requires a second factor, administrators with a password alone can look, but change nothing. They can
// still set a second factor up, and nothing changes for members.
func TestRequiredSecondFactor(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withSecretKey, func(cfg *Config) { cfg.SecondFactor = true })
	got := f.gate(policy{})
	boss, member := f.boss("boss"), f.member("ada")
	wantStatus(t, "a page of the administration", boss.get("/admin/people"), http.StatusOK)
	form := url.Values{"team": {"Ops"}}
	a := boss.do("POST", "/room", form)
	if wantStatus(t, "a change", a, http.StatusForbidden); !strings.Contains(a.body, "<h1>Set up a second factor first</h1>") {
		t.Errorf("the page doesn't say what is needed:\n%s", a.body)
	}
	form.Set(confirmField, goodPassword)
	wantStatus(t, "a change with the password", boss.do("POST", "/room", form), http.StatusForbidden)
	if fields := got(); fields != nil {
		t.Fatalf("a form reached its handler with a password alone: %v", fields)
	}
	if a := boss.get("/settings/sign-in"); !strings.Contains(a.body, "administrators need a passkey or an authenticator app") {
		t.Errorf("the settings don't tell an administrator:\n%s", a.body)
	}
	if a := member.get("/settings/sign-in"); strings.Contains(a.body, "administrators need") {
		t.Error("the settings tell a member what administrators need")
	}
	for _, b := range []*browser{boss, member} {
		wantStatus(t, "setting up an app", b.do("POST", "/settings/sign-in/app", url.Values{}), http.StatusOK)
	}
	secret, _ := f.app("boss")
	if a := boss.do("POST", "/room", url.Values{}); !strings.Contains(a.body, `name="confirm_code"`) {
		t.Errorf("with an app, the page doesn't ask for a code:\n%s", a.body)
	}
	form.Set(confirmCodeField, codeNow(secret, 0))
	wantStatus(t, "a change with both", boss.do("POST", "/room", form), http.StatusOK)
	wantStatus(t, "the next change", boss.do("POST", "/room", url.Values{}), http.StatusOK)
}

// A provider doesn't say how many factors it asked for, so where two are required, it's no proof for administrators. It
// still is one for their own settings, where they can add a passkey.
func TestRequiredSecondFactorAtProvider(t *testing.T) {
	t.Parallel()
	p := newCorp(t)
	f := newFixture(t, publicURL(t, boardURL), p.options("corp", create), func(cfg *Config) { cfg.SecondFactor = true })
	got := f.gate(policy{})
	f.boss("boss")
	if err := f.store.Link(acting(t.Context()), f.uid("boss"), accounts.Identity{Issuer: p.server.URL, Subject: "boss-1",
		Provider: "corp"}); err != nil {
		t.Fatal(err)
	}
	p.says("boss-1", nil)
	b := f.browser()
	wantRedirect(t, "signing in", b.at(p, "/auth/corp"), "/")
	wantRedirect(t, "a proof", b.at(p, "/auth/corp?prove=1"), "/")
	a := b.do("POST", "/room", url.Values{"team": {"Ops"}})
	if wantStatus(t, "a change", a, http.StatusForbidden); !strings.Contains(a.body, "<h1>Set up a second factor first</h1>") ||
		strings.Contains(a.body, "/auth/corp") {
		t.Errorf("the page doesn't say what is needed, or offers the provider:\n%s", a.body)
	}
	if got() != nil {
		t.Error("a form reached its handler with a provider's proof")
	}
	k := newSoftPasskey(t, boardURL)
	wantStatus(t, "adding a passkey", b.register(k, "Phone"), http.StatusOK)
	wantStatus(t, "a change without using it", b.do("POST", "/room", url.Values{}), http.StatusForbidden)
	wantNext(t, "the proof", b.json(stepUpPath, k.respond(b.begin(stepUpPath+"/begin"), nil)), "/")
	wantStatus(t, "a change with it", b.do("POST", "/room", url.Values{}), http.StatusOK)
}

// An administrator removes the second factors of somebody else. What they see is the same whether there were any.
func TestResetFactors(t *testing.T) {
	t.Parallel()
	f := newFixture(t, withSecretKey)
	boss := f.boss("boss")
	f.person("ada")
	f.person("bob")
	f.app("ada")
	pages := map[string]string{}
	for _, name := range []string{"ada", "bob"} {
		before := boss.get("/admin/people/" + name).body
		if !strings.Contains(before, `action="/admin/people/`+name+`/reset-factors"`) {
			t.Fatalf("the page has no button:\n%s", before)
		}
		a := boss.do("POST", "/admin/people/"+name+"/reset-factors", url.Values{})
		if a.StatusCode != http.StatusSeeOther {
			t.Fatalf("POST = %d, want 303\n%s", a.StatusCode, a.body)
		}
		after := boss.get(a.location()).body
		if !strings.Contains(after, "if there were any.") || !strings.Contains(after, "removed the passkeys, the authenticator app, and the recovery codes of") {
			t.Errorf("the page doesn't say what was done:\n%s", after)
		}
		pages[name] = strings.NewReplacer(f.uid(name), "ID", name, "NAME", strings.ToUpper(name[:1]), "N").Replace(before)
	}
	if w, err := f.store.OwnWays(t.Context(), f.uid("ada")); err != nil || w.TOTP != nil || w.CodesLeft != 0 {
		t.Errorf("ada has %+v, %v, want a password alone", w, err)
	}
	entries, err := f.store.Audit(t.Context(), accounts.AuditQuery{Action: accounts.FactorsReset})
	if err != nil || len(entries) != 2 || entries[0].Actor != accounts.ByUser(f.uid("boss")) {
		t.Errorf("the audit log has %+v, %v, want two lines by boss", entries, err)
	}
	if strings.Contains(pages["ada"], "app is on") || strings.Contains(pages["ada"], "recovery codes left") {
		t.Error("the page tells which factors ada has")
	}
	wantStatus(t, "one's own", boss.do("POST", "/admin/people/boss/reset-factors", url.Values{}), http.StatusForbidden)
}
