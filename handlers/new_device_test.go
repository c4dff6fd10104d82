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
