package handlers

import (
	"net/url"
	"strings"
	"testing"
)

func TestPublicURL(t *testing.T) {
	tests := []struct {
		raw, origin, base string
		exposed           bool
	}{
		{"https://board.example", "https://board.example", "", false},
		{"https://Board.Example:443/", "https://board.example", "", false},
		{"https://board.example:8443/team/rollcall/", "https://board.example:8443", "/team/rollcall", false},
		{"http://board.example:80", "http://board.example", "", true},
		{"http://192.0.2.1:8080", "http://192.0.2.1:8080", "", true},
		{"http://localhost:8080", "http://localhost:8080", "", false},
		{"http://rollcall.localhost", "http://rollcall.localhost", "", false},
		{"http://127.1.2.3", "http://127.1.2.3", "", false},
		{"http://[::1]:8080", "http://[::1]:8080", "", false},
		{"http://[2001:DB8::1]", "http://[2001:db8::1]", "", true},
	}
	for _, tt := range tests {
		u, err := url.Parse(tt.raw)
		if err != nil {
			t.Fatal(err)
		}
		got, err := newSite(u)
		if err != nil || got.origin != tt.origin || got.base != tt.base || got.exposed() != tt.exposed {
			t.Errorf("newSite(%q) = origin %q, base %q, exposed %t, %v, want %q, %q, %t",
				tt.raw, got.origin, got.base, got.exposed(), err, tt.origin, tt.base, tt.exposed)
		}
	}
}

func TestPublicURLRefused(t *testing.T) {
	for _, raw := range []string{
		"board.example", "//board.example", "ftp://board.example", "ws://board.example", "https://", "https:///x",
		"https://user@board.example",
		"https://board.example?x=y", "https://board.example/?", "https://board.example#x", "https://board.example/a//b",
		"https://board.example/../x",
		"https://board.example/./x", "https://board.example/a%2Fb", "https://board.example/:id", "https://board.example/*",
		"https://board.example/a b", "https://bücher.example",
	} {
		u, err := url.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := newSite(u); err == nil {
			t.Errorf("newSite(%q) = %+v, want an error", raw, got)
		} else if strings.Contains(raw, "user@") && strings.Contains(err.Error(), "pw") {
			t.Errorf("newSite(%q) = %v shows the password", raw, err)
		}
	}
}

func TestPlainHTTPWarning(t *testing.T) {
	for public, want := range map[string]int{"http://board.example": 1, "http://localhost:8080": 0,
		"https://board.example": 0} {
		f := newFixture(t, publicURL(t, public))
		if n := len(f.logs.lines("level=WARN", "--public-url")); n != want {
			t.Errorf("%s: %d warnings, want %d\n%s", public, n, want, f.logs)
		}
	}
}

func TestBasePath(t *testing.T) {
	f := newFixture(t, publicURL(t, "https://example.org/rollcall"))
	f.person("ada")
	b := f.browser()
	wantRedirect(t, "GET /rollcall", b.get("/rollcall"), "/rollcall/")
	wantRedirect(t, "GET /rollcall/", b.get("/rollcall/"), "/rollcall/login")
	wantRedirect(t, "GET /rollcall/?q=x", b.get("/rollcall/?q=x"), "/rollcall/login?next=%2Frollcall%2F%3Fq%3Dx")
	wantRedirect(t, "POST /rollcall/login", b.login("ada", goodPassword), "/rollcall/")
	wantStatus(t, "GET /rollcall/", b.get("/rollcall/"), 200)
	for path, want := range map[string]int{
		"/healthz": 200, "/rollcall/healthz": 200, "/readyz": 200, "/rollcall/readyz": 200,
		"/": 404, "/login": 404, "/rollcallx": 404, "/rollcall/rollcall/": 404, "/a/x": 404,
	} {
		wantStatus(t, "GET "+path, b.get(path), want)
	}
}

// Under a base path, forms redirect to paths below it, and signing out deletes the right cookie.
func TestFormsUnderABasePath(t *testing.T) {
	f := newFixture(t, publicURL(t, "https://example.org/rollcall"))
	f.person("ada")
	b := f.browser()
	wantRedirect(t, "POST /rollcall/login", b.login("ada", goodPassword), "/rollcall/")
	for path, form := range map[string]url.Values{
		"/rollcall/me/status":         {"state": {"away"}},
		"/rollcall/me/invisible":      {"invisible": {"on"}},
		"/rollcall/settings/profile":  {"display_name": {"Ada"}},
		"/rollcall/settings/password": {"old_password": {goodPassword}, "password": {"another good password"}},
	} {
		if a := b.do("POST", path, form); a.StatusCode != 303 || !strings.HasPrefix(a.location(), "/rollcall/") {
			t.Errorf("POST %s = %d to %q, want 303 to a path below /rollcall/\n%s", path, a.StatusCode, a.location(), a.body)
		}
	}
	wantRedirect(t, "POST /rollcall/logout", b.do("POST", "/rollcall/logout", url.Values{}), "/rollcall/login")
	if c := b.cookie("__Secure-rollcall"); c == nil || c.Path != "/rollcall" || c.MaxAge >= 0 || !c.Secure {
		t.Errorf("the cookie after sign-out = %v, want it deleted at /rollcall", c)
	}
	if a := b.byMenu().get("/rollcall/me/panel"); a.Header.Get("HX-Redirect") != "/rollcall/login" {
		t.Errorf("HX-Redirect of the panel without a session = %q, want /rollcall/login", a.Header.Get("HX-Redirect"))
	}
}
