package handlers

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/labstack/echo/v4"

	"rollcall/ui"
)

// everyAnswer makes requests that lead to every kind of response, and calls check with each response.
func everyAnswer(t *testing.T, f *fixture, check func(what string, a answer)) {
	t.Helper()
	f.person("ada")
	at := f.server.site.path
	stranger, member := f.browser(), f.browser()
	member.login("ada", goodPassword)
	ask := func(b *browser, method, path string, form url.Values, want int) {
		t.Helper()
		a := b.do(method, path, form)
		wantStatus(t, method+" "+path, a, want)
		check(method+" "+path, a)
	}
	none := url.Values{}
	ask(stranger, "GET", "/healthz", nil, 200)
	ask(stranger, "GET", "/readyz", nil, 200)
	ask(stranger, "GET", at("/login"), nil, 200)
	ask(stranger, "HEAD", at("/login"), nil, 200)
	ask(stranger, "GET", at("/signup"), nil, 200)
	ask(stranger, "GET", at("/"), nil, 303)
	ask(stranger, "GET", at("/setup"), nil, 200)
	ask(stranger, "POST", at("/setup"), none, 422)
	ask(stranger, "GET", at("/manifest.webmanifest"), nil, 200)
	ask(stranger, "GET", at("/robots.txt"), nil, 200)
	ask(stranger, "GET", at("/.well-known/change-password"), nil, 303)
	ask(stranger, "GET", at("/me.css"), nil, 303)
	ask(member, "GET", at("/"), nil, 200)
	ask(member, "HEAD", at("/"), nil, 200)
	ask(member, "GET", at("/me.css"), nil, 200)
	ask(stranger, "GET", at("/me"), nil, 303)
	ask(member, "GET", at("/me"), nil, 200)
	ask(member, "GET", at("/me/panel"), nil, 200)
	ask(member, "POST", at("/me/status"), url.Values{"text": {"Lunch"}}, 303)
	ask(member, "POST", at("/me/status"), url.Values{"state": {"x"}}, 422)
	ask(member, "POST", at("/me/status"), url.Values{"preset": {"x"}}, 404)
	ask(member, "POST", at("/me/invisible"), url.Values{"invisible": {"off"}}, 303)
	ask(member, "POST", at("/me/presets/forget"), none, 303)
	ask(member, "POST", at("/me/claims/remove"), none, 303)
	ask(member, "POST", at("/me/zone"), none, 204)
	ask(stranger, "GET", at("/u/ada"), nil, 303)
	ask(member, "GET", at("/u/ada"), nil, 200)
	ask(member, "GET", at("/u/nobody"), nil, 404)
	for _, path := range []string{"/favorites/add", "/favorites/remove", "/alerts/add", "/alerts/remove"} {
		ask(stranger, "POST", at(path), none, 303)
		ask(member, "POST", at(path), none, 404)
	}
	ask(member, "GET", at("/login"), nil, 303)
	for _, path := range settingsPages {
		ask(stranger, "GET", at(path), nil, 303)
		ask(member, "GET", at(path), nil, 200)
		ask(member, "HEAD", at(path), nil, 200)
	}
	for _, form := range settingsForms {
		ask(stranger, "POST", at(form.path), none, 303)
		ask(member, "POST", at(form.path), none, form.empty)
	}
	ask(stranger, "GET", f.server.cfg.UI.AssetURL("app.css"), nil, 200)
	ask(stranger, "GET", at("/a/app.000000000000.css"), nil, 404)
	ask(stranger, "GET", at("/favicon.ico"), nil, 302)
	ask(stranger, "GET", at("/favicon.svg"), nil, 302)
	ask(stranger, "GET", at("/apple-touch-icon.png"), nil, 302)
	ask(stranger, "GET", at("/nowhere"), nil, 404)
	ask(stranger, "GET", at("//login"), nil, 404)
	ask(stranger, "POST", at("/nowhere"), none, 404)
	ask(stranger, "POST", at("/"), none, 405)
	ask(stranger, "DELETE", at("/login"), nil, 405)
	ask(stranger, "TRACE", at("/"), nil, 405)
	ask(stranger, "OPTIONS", at("/login"), nil, 204)
	ask(stranger, "BREW", at("/login"), nil, 405)
	ask(stranger, "POST", at("/login"), none, 422)
	ask(stranger, "POST", at("/login"), url.Values{"username": {"ada"}, "password": {"wrong"}}, 422)
	ask(stranger, "POST", at("/signup"), none, 422)
	ask(stranger, "POST", at("/signup"), url.Values{"username": {"ada"}, "password": {goodPassword}}, 409)
	ask(stranger, "POST", at("/login"), url.Values{"x": {strings.Repeat("x", maxBody)}}, 413)
	ask(stranger, "GET", at("/login?next="+strings.Repeat("x", maxQuery)), nil, 414)
	for range 10 {
		stranger.login("eve", "guess")
	}
	ask(stranger, "POST", at("/login"), url.Values{"username": {"eve"}, "password": {"guess"}}, 429)
	cross := f.browser()
	cross.header.Set("Sec-Fetch-Site", "cross-site")
	ask(cross, "POST", at("/login"), none, 403)
	cross.header = http.Header{"Content-Type": {"multipart/form-data; boundary=x"}}
	ask(cross, "POST", at("/login"), none, 415)
	f.server.draining.Store(true)
	ask(stranger, "GET", "/readyz", nil, 503)
	ask(stranger, "GET", at("/panic"), nil, 500)
	ask(member, "POST", at("/logout"), none, 303)
}

// addPanic adds a route that panics.
func addPanic(f *fixture) {
	f.server.echo.GET(f.server.site.path("/panic"), func(echo.Context) error { panic("secret of the bug") })
}

func TestHeadersOfEveryAnswer(t *testing.T) {
	t.Parallel()
	tests := []struct{ public, connect, hsts string }{
		{"", "connect-src 'self';", ""},
		{"http://localhost:8080", "connect-src 'self' ws://localhost:8080;", ""},
		{"https://board.example", "connect-src 'self' wss://board.example;", "max-age=31536000"},
		{"https://board.example:8443/rollcall", "connect-src 'self' wss://board.example:8443;", "max-age=31536000"},
	}
	for _, tt := range tests {
		t.Run(tt.public, func(t *testing.T) {
			var changes []func(*Config)
			if tt.public != "" {
				changes = append(changes, publicURL(t, tt.public))
			}
			f := newFixture(t, changes...)
			addPanic(f)
			want := map[string]string{
				"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; manifest-src 'self'; " + tt.connect +
					" form-action 'self'; base-uri 'none'; frame-ancestors 'none'; worker-src 'self'",
				"X-Content-Type-Options":       "nosniff",
				"X-Robots-Tag":                 "noindex, nofollow",
				"X-Frame-Options":              "DENY",
				"Referrer-Policy":              "same-origin",
				"Cross-Origin-Opener-Policy":   "same-origin",
				"Cross-Origin-Resource-Policy": "same-origin",
				"Permissions-Policy":           "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
				"Strict-Transport-Security":    tt.hsts,
				"Access-Control-Allow-Origin":  "",
				"Server":                       "",
				"X-Powered-By":                 "",
			}
			everyAnswer(t, f, func(what string, a answer) {
				for name, value := range want {
					if got := strings.Join(a.Header.Values(name), " | "); got != value {
						t.Errorf("%s (%d): %s = %q, want %q", what, a.StatusCode, name, got, value)
					}
				}
				if a.Header.Get("X-Request-Id") == "" {
					t.Errorf("%s (%d): no X-Request-Id", what, a.StatusCode)
				}
				kept := strings.Contains(what, "/a/app.") && a.StatusCode == 200 || strings.Contains(what, "/favicon") ||
					strings.Contains(what, "/apple-touch-icon")
				if got := a.Header.Get("Cache-Control"); !kept && got != "no-store" {
					t.Errorf("%s (%d): Cache-Control = %q, want no-store", what, a.StatusCode, got)
				}
				for _, internal := range []string{"goroutine ", "secret of the bug", ".go:", "SQL", "panic"} {
					if a.StatusCode >= 400 && strings.Contains(a.body, internal) {
						t.Errorf("%s (%d) shows %q:\n%s", what, a.StatusCode, internal, a.body)
					}
				}
			})
		})
	}
}

// Changing one response's headers must not change another's.
func TestHeadersAreNotShared(t *testing.T) {
	f := newFixture(t)
	h := http.Header{}
	setHeaders(h, f.server.rules.headers)
	h.Add("Referrer-Policy", "unsafe-url")
	h.Set("X-Frame-Options", "SAMEORIGIN")
	other := http.Header{}
	setHeaders(other, f.server.rules.headers)
	if got := other.Values("Referrer-Policy"); len(got) != 1 {
		t.Errorf("Referrer-Policy of the next response = %q, want one value", got)
	}
	if got := other.Get("X-Frame-Options"); got != "DENY" {
		t.Errorf("X-Frame-Options of the next response = %q, want DENY", got)
	}
}

func TestOwnStylesheetIsCachedPrivately(t *testing.T) {
	f := newFixture(t)
	ada := f.person("ada")
	b := f.browser()
	b.login("ada", goodPassword)
	address := "/me.css?u=" + ada.ID + "&t=" + ui.TeamID(ada.TeamKey()) + "&f=0"
	if got := b.get(address).Header.Get("Cache-Control"); got != "private, max-age=86400" {
		t.Errorf("own address: Cache-Control = %q, want private, max-age=86400", got)
	}
	for _, path := range []string{"/me.css", "/me.css?u=somebody"} {
		a := b.get(path)
		if got := a.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("GET %s: Cache-Control = %q, want no-store", path, got)
		}
		if !strings.Contains(a.body, ada.ID) || strings.Contains(a.body, "somebody") {
			t.Errorf("GET %s = %q, want the viewer's own id", path, a.body)
		}
	}
}

func TestPagesAreCompressed(t *testing.T) {
	f := newFixture(t)
	f.person("ada")
	for path, want := range map[string]string{"/login": "gzip", "/signup": "gzip", "/healthz": "", "/nowhere": "",
		f.server.cfg.UI.AssetURL("app.css"): ""} {
		r := httptest.NewRequest("GET", path, nil)
		r.Host = "board.local"
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		f.handler.ServeHTTP(w, r)
		if got := w.Header().Get("Content-Encoding"); got != want {
			t.Errorf("GET %s: Content-Encoding = %q, want %q", path, got, want)
		}
	}
}
