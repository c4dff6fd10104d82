package handlers

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"rollcall/accounts"
)

// everyKind adds one account of each kind, named for it.
func (f *fixture) everyKind() (names []string) {
	f.t.Helper()
	ctx := acting(f.t.Context())
	must := func(err error) {
		f.t.Helper()
		if err != nil {
			f.t.Fatal(err)
		}
	}
	for _, name := range []string{"member", "disabled", "app", "linked", "waiting"} {
		f.person(name)
	}
	must(f.store.SetDisabled(ctx, f.uid("disabled"), true))
	f.app("app")
	corp := accounts.Identity{Issuer: "https://corp.example", Subject: "1", Provider: "corp"}
	must(f.store.Link(ctx, f.uid("linked"), corp))
	must(f.store.Delete(ctx, f.uid("waiting")))
	_, _, err := f.store.SignUp(ctx, accounts.NewUser{Username: "waiting", PasswordHash: goodHash}, accounts.Joining{Approval: true})
	must(err)
	_, err = f.store.Import(ctx, []accounts.NewUser{{Username: "passwordless", NoPassword: true}})
	must(err)
	return []string{"member", "disabled", "app", "linked", "waiting", "passwordless"}
}

// ask answers a POST from an address of its own, with the name replaced, and says how many passwords were hashed.
func (f *fixture) ask(n int, path, name string, form url.Values) (status int, said string, hashed int64) {
	f.t.Helper()
	b := f.browser()
	b.remote = "198.51.100." + strconv.Itoa(n) + ":1000"
	before := f.store.Stats().Hash.Done
	a := b.do("POST", path, form)
	if len(a.Cookies()) > 0 {
		f.t.Errorf("POST %s for %s sets the cookies %v, want none", path, name, a.Cookies())
	}
	return a.StatusCode, strings.ReplaceAll(requestIDs.ReplaceAllString(a.body, ""), `"`+name+`"`, `"NAME"`),
		f.store.Stats().Hash.Done - before
}

// A wrong password gets the same answer after the same work, whatever kind of account has the name, or none.
func TestSignInTellsNothing(t *testing.T) {
	f := newFixture(t, withSecretKey)
	names := f.everyKind()
	wantCode, want, cost := f.ask(0, "/login", "nobody", url.Values{"username": {"nobody"}, "password": {"wrong password"}})
	if wantCode != http.StatusUnprocessableEntity || cost == 0 {
		t.Fatalf("POST /login for nobody = %d after %d hashes, want 422 after some", wantCode, cost)
	}
	for n, name := range names {
		code, said, hashed := f.ask(n+1, "/login", name, url.Values{"username": {name}, "password": {"wrong password"}})
		if code != wantCode || said != want || hashed != cost {
			t.Errorf("POST /login for %s = %d after %d hashes\n%s\nwant %d after %d\n%s", name, code, hashed, said, wantCode, cost, want)
		}
	}
}

// While administrators approve, a name that is taken gets the same answer after the same work, whether its account is a
// member's, waits, or is disabled. A link for a new password or an invitation that isn't valid says the same, whatever
// it was.
func TestApprovalAndLinksTellNothing(t *testing.T) {
	f := newFixture(t, withSecretKey, func(cfg *Config) { cfg.Fixed.SignUp = accounts.SignUpApprove })
	wantCode, want := 0, ""
	for n, name := range f.everyKind() {
		code, said, hashed := f.ask(n, "/signup", name, url.Values{"username": {name}, "password": {goodPassword}})
		if n == 0 {
			wantCode, want = code, said
		}
		if code != wantCode || code != http.StatusConflict || said != want || hashed != 0 {
			t.Errorf("POST /signup for %s = %d after %d hashes\n%s\nwant %d after none\n%s", name, code, hashed, said, wantCode, want)
		}
	}

	ctx := acting(t.Context())
	used, err := f.store.MakeResetLink(ctx, f.uid("member"))
	if err == nil {
		err = f.store.ResetPassword(ctx, used, "another phrase")
	}
	if err != nil {
		t.Fatal(err)
	}
	ended, err := f.store.MakeResetLink(ctx, f.uid("linked"))
	if err == nil {
		err = f.store.SetDisabled(ctx, f.uid("linked"), true)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/reset/", "/join/"} {
		madeUp := strings.Repeat("A", 43)
		want := f.browser().get(path + madeUp)
		wantStatus(t, "GET "+path+" of a made-up link", want, http.StatusNotFound)
		for what, token := range map[string]string{"used": used, "ended": ended, "short": "x"} {
			a := f.browser().get(path + token)
			if a.StatusCode != want.StatusCode || requestIDs.ReplaceAllString(a.body, "") != requestIDs.ReplaceAllString(want.body, "") {
				t.Errorf("GET %s of a link that is %s = %d\n%s\nwant\n%s", path, what, a.StatusCode, a.body, want.body)
			}
		}
	}
}
