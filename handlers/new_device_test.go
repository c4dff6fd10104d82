package handlers

import (
	"net/url"
	"strings"
	"testing"

	"rollcall/accounts"
)

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

// Whoever has stolen a password can't hide a sign-in by signing in again, by signing out, or by signing in as somebody
// else.
func TestNewDeviceCannotHide(t *testing.T) {
	t.Parallel()
	for name, hide := range map[string]func(*browser, *fixture){
		"signs in again": func(thief *browser, f *fixture) {
			wantRedirect(t, "the second sign-in", thief.login("ada", goodPassword), "/")
		},
		"signs out and in": func(thief *browser, f *fixture) {
			thief.do("POST", "/logout", url.Values{})
			wantRedirect(t, "the second sign-in", thief.login("ada", goodPassword), "/")
		},
		"signs out": func(thief *browser, f *fixture) { thief.do("POST", "/logout", url.Values{}) },
		"signs in as somebody else": func(thief *browser, f *fixture) {
			wantRedirect(t, "their own sign-in", thief.login("eve", goodPassword), "/")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t)
			f.person("ada")
			f.person("eve")
			owner, thief := f.browser(), f.browser()
			wantRedirect(t, "the owner's sign-in", owner.login("ada", goodPassword), "/")
			thief.header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
			wantRedirect(t, "the thief's sign-in", thief.login("ada", goodPassword), "/")
			hide(thief, f)
			page := owner.get("/")
			if !strings.Contains(page.body, "New sign-in to your account") || !strings.Contains(page.body, "Firefox on Linux") {
				t.Fatalf("the owner's page doesn't show the sign-in:\n%s", page.body)
			}
			if devices, err := f.store.Sessions(t.Context(), f.uid("ada")); err != nil || name == "signs out" && len(devices) != 1 {
				t.Errorf("Sessions = %+v, %v, want only those that are signed in", devices, err)
			}
			sessions, err := f.store.Unnoticed(t.Context(), f.uid("ada"))
			if err != nil || len(sessions) == 0 {
				t.Fatalf("Unnoticed = %+v, %v, want some", sessions, err)
			}
			for _, x := range sessions {
				wantRedirect(t, "POST confirm", owner.do("POST", "/settings/sessions/confirm", url.Values{"session": {x.ID}}),
					"/settings#devices-h")
			}
			if strings.Contains(owner.get("/").body, "New sign-in to your account") {
				t.Error("a confirmed sign-in is still news")
			}
			wantRedirect(t, "a sign-in with the confirmed browser", thief.login("ada", goodPassword), "/")
			if strings.Contains(owner.get("/").body, "New sign-in to your account") {
				t.Error("a confirmed browser is still new")
			}
		})
	}
}

// A new password makes no browser known but the ones that were.
func TestNewDeviceChangesPassword(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.person("ada")
	owner, thief := f.browser(), f.browser()
	wantRedirect(t, "the owner's sign-in", owner.login("ada", goodPassword), "/")
	wantRedirect(t, "the thief's sign-in", thief.login("ada", goodPassword), "/")
	wantRedirect(t, "POST password", thief.do("POST", "/settings/password",
		url.Values{"old_password": {goodPassword}, "password": {"another phrase"}}), "/settings?saved=password")
	wantRedirect(t, "the thief's next sign-in", thief.login("ada", "another phrase"), "/")
	if sessions, err := f.store.Unnoticed(t.Context(), f.uid("ada")); err != nil || len(sessions) != 1 {
		t.Errorf("Unnoticed = %+v, %v, want the thief's session", sessions, err)
	}
}

// A new browser is mailed once, however often somebody signs in with it.
func TestNewDeviceIsMailedOnce(t *testing.T) {
	t.Parallel()
	f := mailFixture(t)
	f.person("ada")
	f.address("ada", "ada@example.org")
	first, second := f.browser(), f.browser()
	wantRedirect(t, "the first sign-in", first.login("ada", goodPassword), "/")
	wantRedirect(t, "a sign-in elsewhere", second.login("ada", goodPassword), "/")
	f.mailed("a new device", accounts.MailNewSignIn)
	second.do("POST", "/logout", url.Values{})
	wantRedirect(t, "another sign-in with it", second.login("ada", goodPassword), "/")
	f.unmailed("another sign-in with it")
	if !strings.Contains(first.get("/").body, "New sign-in to your account") {
		t.Error("it isn't shown on the page")
	}
}
