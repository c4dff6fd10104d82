package handlers

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// unfixed leaves the settings to administrators.
func unfixed(cfg *Config) { cfg.Fixed = accounts.Settings{} }

// choose changes the settings as an administrator.
func (f *fixture) choose(change func(*accounts.Settings)) {
	f.t.Helper()
	err := f.store.ChangeSettings(acting(f.t.Context()), func(x *accounts.Settings) error { change(x); return nil })
	if err != nil {
		f.t.Fatal(err)
	}
	if err := f.server.live.CatchUp(f.t.Context()); err != nil {
		f.t.Fatal(err)
	}
}

// withSignUp returns a fixture in whose board an administrator chose a mode.
func withSignUp(t *testing.T, mode string) *fixture {
	t.Helper()
	f := newFixture(t, unfixed)
	f.choose(func(s *accounts.Settings) { s.SignUp = mode })
	return f
}

func newAccount(username string) url.Values {
	return url.Values{"username": {username}, "password": {goodPassword}}
}

// invitation returns the path of an invitation for one person.
func (f *fixture) invitation(team string) string {
	f.t.Helper()
	token, _, err := f.store.Invite(acting(f.t.Context()), accounts.NewInvitation{Team: team, Uses: 1, Age: time.Hour})
	if err != nil {
		f.t.Fatal(err)
	}
	return "/join/" + token
}

// Who may sign up depends on the mode, which takes effect when it changes.
func TestSignUpModes(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mode       string
		page, post int
		says, link string
	}{
		{"open", 200, 303, "Create an account", `href="/signup"`},
		{"approve", 200, 202, "An administrator has to approve your account", `href="/signup"`},
		{"invite", 403, 403, "You need an invitation", ""},
		{"off", 403, 403, "Sign-up is closed", ""},
	} {
		t.Run(tt.mode, func(t *testing.T) {
			f := withSignUp(t, tt.mode)
			f.person("boss")
			b := f.browser()
			page := b.get("/signup")
			wantStatus(t, "GET /signup", page, tt.page)
			if !strings.Contains(page.body, tt.says) {
				t.Errorf("GET /signup doesn't say %q:\n%s", tt.says, page.body)
			}
			if login := b.get("/login").body; strings.Contains(login, `href="/signup"`) != (tt.link != "") {
				t.Errorf("the sign-in page links to sign-up: %t", tt.link == "")
			}
			wantStatus(t, "POST /signup", b.do("POST", "/signup", newAccount("ada")), tt.post)
			if b.signedIn() != (tt.mode == "open") {
				t.Errorf("signed in: %t", b.signedIn())
			}
			_, err := f.store.UserByName(t.Context(), "ada")
			if (err == nil) != (tt.post < 400) {
				t.Errorf("the account: %v", err)
			}
		})
	}
}

// A change of the settings takes effect on every server.
func TestSignUpModeFollows(t *testing.T) {
	f := newFixture(t, unfixed)
	f.person("boss")
	wantStatus(t, "GET /signup", f.browser().get("/signup"), http.StatusForbidden)
	f.choose(func(s *accounts.Settings) { s.SignUp, s.BoardName = "open", "Harbor" })
	page := f.browser().get("/signup")
	wantStatus(t, "GET /signup after the change", page, http.StatusOK)
	if !strings.Contains(page.body, "Harbor") {
		t.Errorf("the page isn't called Harbor:\n%s", page.body)
	}
}

// On a board that only this machine can open, the first account becomes an administrator's, by any form. Elsewhere
// nobody becomes one by signing up.
func TestFirstSignUpRules(t *testing.T) {
	t.Parallel()
	f := newFixture(t, local)
	wantRedirect(t, "POST /signup", f.localBrowser().do("POST", "/signup", newAccount("ada")), "/")
	wantRedirect(t, "POST /signup", f.localBrowser().do("POST", "/signup", newAccount("eve")), "/")
	if ada, eve := f.user("ada"), f.user("eve"); !ada.Admin || eve.Admin {
		t.Errorf("administrators: ada %t, eve %t, want only ada", ada.Admin, eve.Admin)
	}
	reachable := newFixture(t)
	reachable.browser().do("POST", "/signup", newAccount("ada"))
	if reachable.user("ada").Admin {
		t.Error("a stranger became the administrator of a board that others can reach")
	}
}

// Somebody who waits can't sign in and isn't listed. Only the right password gets the reason.
func TestWaitingForApproval(t *testing.T) {
	t.Parallel()
	f := withSignUp(t, "approve")
	boss := f.member("boss")
	b := f.browser()
	form := newAccount("ada")
	form.Set("note", "New at the <workshop>")
	a := b.do("POST", "/signup", form)
	wantStatus(t, "POST /signup", a, http.StatusAccepted)
	if !strings.Contains(a.body, "Almost there") {
		t.Errorf("the page after signing up:\n%s", a.body)
	}
	if page := boss.get("/").body; strings.Contains(page, `data-user="ada"`) {
		t.Error("somebody who waits is on the board")
	}
	if got := f.server.cfg.Presence.View(f.uid("ada")).State; got != presence.Offline {
		t.Errorf("somebody who waits is %v", got)
	}
	right, wrong, unknown := b.login("ada", goodPassword), b.login("ada", "wrong horse"), b.login("nobody", "wrong horse")
	wantStatus(t, "the right password", right, http.StatusForbidden)
	if !strings.Contains(right.body, "An administrator still has to approve your account") {
		t.Errorf("the right password gets\n%s", right.body)
	}
	if strings.ReplaceAll(wrong.body, "ada", "nobody") != unknown.body || wrong.StatusCode != unknown.StatusCode {
		t.Errorf("a wrong password gets\n%s\nan unknown name\n%s", wrong.body, unknown.body)
	}
	waiting, err := f.store.WaitingPeople(t.Context())
	if err != nil || len(waiting) != 1 || waiting[0].Note != "New at the <workshop>" {
		t.Errorf("WaitingPeople = %+v, %v, want ada and her note", waiting, err)
	}
	if err := f.store.Approve(acting(t.Context()), f.uid("ada")); err != nil {
		t.Fatal(err)
	}
	wantRedirect(t, "sign-in after approval", b.login("ada", goodPassword), "/")
	if err := f.store.SetDisabled(acting(t.Context()), f.uid("ada"), true); err != nil {
		t.Fatal(err)
	}
	if a := b.login("ada", goodPassword); !strings.Contains(a.body, "This account is disabled") {
		t.Errorf("a disabled account gets\n%s", a.body)
	}
	refused := b.do("POST", "/signup", url.Values{"username": {"eve"}, "password": {"short"}, "note": {"Hi <you>"}})
	wantStatus(t, "a refused form", refused, http.StatusUnprocessableEntity)
	if !strings.Contains(refused.body, `value="Hi &lt;you&gt;"`) {
		t.Errorf("the note is lost:\n%s", refused.body)
	}
}

// An invitation works when others can't sign up, puts people into its team, and isn't used by looking at it.
func TestJoin(t *testing.T) {
	t.Parallel()
	for _, mode := range accounts.SignUpModes {
		f := withSignUp(t, mode)
		f.person("boss")
		path, b := f.invitation("Night Desk"), f.browser()
		for range 3 {
			page := b.get(path)
			wantStatus(t, "GET /join", page, http.StatusOK)
			if !strings.Contains(page.body, "Night Desk") || page.Header.Get("Referrer-Policy") != "strict-origin" ||
				page.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("GET /join: %v\n%s", page.Header, page.body)
			}
		}
		refused := b.do("POST", path, url.Values{"username": {"boss"}, "display_name": {"Ada <b>"}, "password": {"short"}})
		wantStatus(t, "a taken name", refused, http.StatusUnprocessableEntity)
		if !strings.Contains(refused.body, `value="Ada &lt;b&gt;"`) || !strings.Contains(refused.body, "is taken") {
			t.Errorf("the refused form:\n%s", refused.body)
		}
		wantRedirect(t, "POST /join", b.do("POST", path, newAccount("ada")), "/")
		if u := f.user("ada"); !b.signedIn() || u.Team != "Night Desk" || u.Admin || u.Disabled {
			t.Errorf("in mode %s, ada is %+v, signed in %t", mode, u, b.signedIn())
		}
		for _, a := range []answer{f.browser().get(path), f.browser().do("POST", path, newAccount("eve")), b.get("/join/x")} {
			wantStatus(t, "a used or made-up invitation", a, http.StatusNotFound)
			if !strings.Contains(a.body, "This invitation isn&#39;t valid") {
				t.Errorf("it says\n%s", a.body)
			}
		}
		if token := strings.TrimPrefix(path, "/join/"); strings.Contains(f.logs.String(), token) {
			t.Error("the log has the token of an invitation")
		}
	}
}

// A link sets a new password once, signs the person out everywhere, and signs nobody in.
func TestReset(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.member("ada")
	token, err := f.store.MakeResetLink(acting(t.Context()), f.uid("ada"))
	if err != nil {
		t.Fatal(err)
	}
	path, b := "/reset/"+token, f.browser()
	page := b.get(path)
	wantStatus(t, "GET /reset", page, http.StatusOK)
	if !strings.Contains(page.body, ">ada</b>") || page.Header.Get("Referrer-Policy") != "strict-origin" {
		t.Errorf("GET /reset: %v\n%s", page.Header, page.body)
	}
	refused := b.do("POST", path, url.Values{"password": {"short"}})
	wantStatus(t, "a short password", refused, http.StatusUnprocessableEntity)
	if !strings.Contains(refused.body, `value="short"`) || !strings.Contains(refused.body, "Use 8 characters or more.") {
		t.Errorf("the refused form:\n%s", refused.body)
	}
	if !ada.signedIn() {
		t.Error("ada was signed out before the link was used")
	}
	const fresh = "a new horse battery"
	wantRedirect(t, "POST /reset", b.do("POST", path, url.Values{"password": {fresh}}), "/login?reset=1")
	if b.signedIn() || ada.signedIn() {
		t.Errorf("signed in: by the link %t, before it %t, want neither", b.signedIn(), ada.signedIn())
	}
	if page := b.get("/login?reset=1"); !strings.Contains(page.body, "Your password has been changed") {
		t.Errorf("the sign-in page afterwards:\n%s", page.body)
	}
	wantRedirect(t, "the new password", b.login("ada", fresh), "/")
	for _, a := range []answer{f.browser().get(path), f.browser().do("POST", path, url.Values{"password": {fresh}})} {
		wantStatus(t, "a used link", a, http.StatusNotFound)
	}
	if strings.Contains(f.logs.String(), token) {
		t.Error("the log has the token of a link")
	}
}

// Other sites can't send the forms of links.
func TestLinksRefuseOtherSites(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.person("ada")
	token, err := f.store.MakeResetLink(acting(t.Context()), f.uid("ada"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{f.invitation(""), "/reset/" + token} {
		b := f.browser()
		b.header.Set("Sec-Fetch-Site", "cross-site")
		b.header.Set("Origin", "https://evil.example")
		wantStatus(t, "POST from another site", b.do("POST", path, newAccount("eve")), http.StatusForbidden)
	}
}

// If too many people wait for approval, the next one is told, and what they typed isn't lost.
func TestTooManyWait(t *testing.T) {
	t.Parallel()
	f := newFixture(t, unfixed)
	f.boss("boss")
	f.choose(func(x *accounts.Settings) { x.SignUp = accounts.SignUpApprove })
	for i := 0; ; i++ {
		_, _, err := f.store.SignUp(acting(t.Context()), accounts.NewUser{Username: fmt.Sprint("w", i), PasswordHash: goodHash},
			accounts.Joining{Approval: true})
		if errors.Is(err, accounts.ErrFull) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	a := f.browser().do("POST", "/signup", url.Values{"username": {"late"}, "display_name": {"Late L"}, "password": {goodPassword}, "note": {"Hello"}})
	wantStatus(t, "one more", a, http.StatusServiceUnavailable)
	for _, want := range []string{"Try again tomorrow.", `value="late"`, `value="Late L"`, `value="Hello"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page doesn't hold %q:\n%s", want, a.body)
		}
	}
}

// The page of a reset link says whom somebody else in this browser is signed in as, and offers to sign out. A new
// password ends that session, and not only its cookie.
func TestResetInAnotherSession(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, boss := f.member("ada"), f.boss("boss")
	f.person("eve")
	link := func() string {
		token, err := f.store.MakeResetLink(acting(t.Context()), f.uid("eve"))
		if err != nil {
			t.Fatal(err)
		}
		return "/reset/" + token
	}
	path := link()
	page := ada.get(path)
	if !strings.Contains(page.body, "signed in as <b><bdi>ada</bdi>") || kept(page).Get("next") != path {
		t.Errorf("the page doesn't say who is signed in, or doesn't offer to sign out:\n%s", page.body)
	}
	if body := f.browser().get(path).body; strings.Contains(body, "signed in as") {
		t.Errorf("the page tells a stranger that somebody is signed in:\n%s", body)
	}
	copied := f.browser() // of the cookie, which the answer can't take away
	maps.Copy(copied.cookies, ada.cookies)
	wantRedirect(t, "POST "+path, ada.do("POST", path, url.Values{"password": {"a new password"}}), "/login?reset=1")
	if copied.signedIn() || ada.signedIn() {
		t.Error("after a new password for somebody else, the session goes on")
	}
	path = link()
	wantRedirect(t, "sign-out", boss.do("POST", "/logout", kept(boss.get(path))), path)
	if boss.signedIn() {
		t.Error("after a sign-out on the page of a link, the session goes on")
	}
	wantRedirect(t, "sign-out to elsewhere", boss.do("POST", "/logout", url.Values{"next": {"/reset/../settings"}}), "/login")
}
