package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"rollcall/accounts"
)

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
	f.mailed("a new address", accounts.MailAddressGiven)
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
