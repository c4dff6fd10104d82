package handlers

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"rollcall/ui"
)

func TestManifest(t *testing.T) {
	f := newFixture(t, publicURL(t, "https://board.example/here"))
	f.server.cfg.UI.Configure(ui.Options{Name: "Harbor Works"})
	a := f.browser().get("/here/manifest.webmanifest")
	wantStatus(t, "GET /manifest.webmanifest", a, http.StatusOK)
	var m struct {
		Name     string `json:"name"`
		StartURL string `json:"start_url"`
	}
	if err := json.Unmarshal([]byte(a.body), &m); err != nil || m.Name != "Harbor Works" || m.StartURL != "/here/" {
		t.Errorf("manifest = %s (%v)", a.body, err)
	}
	if got := a.Header.Get("Content-Type"); got != "application/manifest+json" {
		t.Errorf("Content-Type = %q, want application/manifest+json", got)
	}
	f.person("ada")
	if page := f.browser().get("/here/login"); !strings.Contains(page.body,
		`<link rel="manifest" href="/here/manifest.webmanifest">`) {
		t.Errorf("the page doesn't link to the manifest:\n%s", page.body)
	}
}

func TestRobots(t *testing.T) {
	f := newFixture(t)
	a := f.browser().get("/robots.txt")
	wantStatus(t, "GET /robots.txt", a, http.StatusOK)
	if a.body != "User-agent: *\nDisallow: /\nAllow: /login\nAllow: /$\n" ||
		!strings.HasPrefix(a.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("robots.txt = %s %q", a.Header.Get("Content-Type"), a.body)
	}
	if got := a.Header.Get("X-Robots-Tag"); got != "noindex, nofollow" {
		t.Errorf("X-Robots-Tag = %q, want noindex, nofollow", got)
	}
	f.server.cfg.UI.Configure(ui.Options{Robots: true})
	cfg := f.server.cfg
	open, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.handler = open.Handler()
	if a = f.browser().get("/robots.txt"); a.body != "User-agent: *\nDisallow:\n" || a.Header.Get("X-Robots-Tag") != "" {
		t.Errorf("robots.txt with --allow-robots = %q, X-Robots-Tag %q, want everything allowed", a.body,
			a.Header.Get("X-Robots-Tag"))
	}
}

func TestChangePasswordAddress(t *testing.T) {
	f := newFixture(t, publicURL(t, "https://board.example/here"))
	for _, path := range []string{"/.well-known/change-password", "/here/.well-known/change-password"} {
		wantRedirect(t, "GET "+path, f.browser().get(path), "/here/settings#password-h")
	}
	if page := f.member("ada").get("/here/settings"); !strings.Contains(page.body, `id="password-h"`) {
		t.Error("the settings have no element password-h")
	}
	wantStatus(t, "an address that no site has",
		f.browser().get("/.well-known/resource-that-should-not-exist-whose-status-code-should-not-be-200"),
		http.StatusNotFound)
}

// The logo may hold styles and nothing else, however it's opened.
func TestLogo(t *testing.T) {
	logo, err := ui.ReadLogo([]byte(`<svg xmlns="http://www.w3.org/2000/svg"><circle r="3"/></svg>`))
	if err != nil {
		t.Fatal(err)
	}
	f := newFixture(t, publicURL(t, "https://board.example/here"))
	f.server.cfg.UI.Configure(ui.Options{Logo: logo})
	url := f.server.cfg.UI.LogoURL()
	a := f.browser().get(url)
	wantStatus(t, "GET "+url, a, http.StatusOK)
	for name, want := range map[string]string{
		"Content-Security-Policy":      "default-src 'none'; style-src 'unsafe-inline'",
		"X-Content-Type-Options":       "nosniff",
		"Content-Type":                 "image/svg+xml",
		"Cache-Control":                "public, max-age=31536000, immutable",
		"Cross-Origin-Resource-Policy": "same-origin",
		"X-Frame-Options":              "DENY",
	} {
		if got := a.Header.Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	wantStatus(t, "a logo that isn't there", f.browser().get("/here/logo/logo.000000000000.svg"), http.StatusNotFound)
}

func TestSignInSaysWhatToDoAboutAForgottenPassword(t *testing.T) {
	f := newFixture(t)
	f.person("ada")
	const want = "Forgot your password? Ask an administrator of this board for a link to choose a new one."
	if page := f.browser().get("/login"); !strings.Contains(page.body, want) {
		t.Errorf("the sign-in page doesn't say %q:\n%s", want, page.body)
	}
}
