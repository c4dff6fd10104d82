package e2e_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// pictures is a folder for pictures of the pages that wantEverywhere checks, for people who change how they look.
var pictures = flag.String("pictures", "", "folder for pictures of pages, in three widths and three looks")

// lookForced shows the page as with a high-contrast theme of the operating system.
func lookForced(b *tab) {
	b.t.Helper()
	b.run(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
		{Name: "forced-colors", Value: "active"}, {Name: "prefers-color-scheme", Value: "dark"},
		{Name: "prefers-reduced-motion", Value: "reduce"},
	}))
}

// wantEverywhere fails the test unless a page is accessible in light, dark, and forced colors, and fits on every
// screen.
func wantEverywhere(b *tab, what string) {
	b.t.Helper()
	wantAccessible(b, what)
	lookForced(b)
	for _, found := range ask[[]string](b, axeColors) {
		b.t.Errorf("%s, forced colors: %s", what, strings.ReplaceAll(found, "\n", " "))
	}
	usual := ask[int](b, `innerWidth`)
	for _, width := range []int64{320, 390, 1280} {
		b.run(emulation.SetDeviceMetricsOverride(width, 800, 1, false))
		if ask[bool](b, `document.documentElement.scrollWidth > document.documentElement.clientWidth`) {
			b.t.Errorf("%s scrolls sideways at %d px", what, width)
		}
		if *pictures == "" {
			continue
		}
		for scheme, set := range map[string]func(){"light": func() { look(b, "light") }, "dark": func() { look(b, "dark") },
			"forced": func() { lookForced(b) }} {
			set()
			picture(b, fmt.Sprintf("%s-%d-%s.png", what, width, scheme))
		}
	}
	b.run(emulation.ClearDeviceMetricsOverride())
	b.until("the page has its width again", fmt.Sprintf(`innerWidth === %d`, usual), patience)
	look(b, "light")
}

func picture(b *tab, name string) {
	b.t.Helper()
	var image []byte
	b.run(chromedp.FullScreenshot(&image, 100))
	if err := os.WriteFile(filepath.Join(*pictures, name), image, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

// startEmptyProvider starts a provider whose sign-in page has no content, so that browsers stay on the page before.
func startEmptyProvider(t *testing.T) (issuer string) {
	t.Helper()
	mux := http.NewServeMux()
	provider := httptest.NewServer(mux)
	t.Cleanup(provider.Close)
	at := func(path string) string { return provider.URL + path }
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": provider.URL, "authorization_endpoint": at("/auth"), "token_endpoint": at("/token"), "jwks_uri": at("/keys"),
			"response_types_supported": []string{"code"}, "id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("/auth", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return provider.URL
}

// newIdentityServer returns a server, not yet started, that offers all ways to sign in.
func newIdentityServer(t *testing.T) (*server, postbox) {
	t.Helper()
	box, smtpURL := newPostbox(t)
	s := newServer(t)
	s.addr = strings.Replace(s.addr, "127.0.0.1", "localhost", 1) // browsers allow no passkeys at IP addresses
	s.url = "http://" + s.addr
	s.flags = []string{"--public-url", s.url, "--signup", "approve", "--oidc", "corp", "--auth-header", "Remote-User",
		"--auth-proxies", "127.0.0.1,::1", "--mail-from", "rollcall@example.org", "--require-second-factor"}
	s.env = []string{
		"ROLLCALL_SMTP_URL=" + smtpURL, "ROLLCALL_OIDC_CORP_ISSUER=" + startEmptyProvider(t), "ROLLCALL_OIDC_CORP_NAME=Example Corp",
		"ROLLCALL_OIDC_CORP_CLIENT_ID=rollcall", "ROLLCALL_OIDC_CORP_CLIENT_SECRET=secret",
	}
	return s, box
}

// All pages with which people sign in, join, and prove who they are can be used by everyone, on every screen.
func TestPagesBeforeSigningIn(t *testing.T) {
	parallel(t)
	s, box := newIdentityServer(t)
	s.start()
	s.addUser("clara", "--admin", "--team", "Harbor")
	s.cli("email", "clara", "clara@example.org")
	<-box
	stranger := s.visitor(t).tab()
	stranger.allow(`status of (403|404|409|422)`)
	look(stranger, "light")

	stranger.open("/nothing")
	wantAccessible(stranger, "an error")
	stranger.open("/login")
	wantEverywhere(stranger, "login")
	stranger.signInAs("clara", "wrong password")
	wantAccessible(stranger, "login with an error")
	stranger.run(network.SetExtraHTTPHeaders(network.Headers{"Remote-User": "clara@corp.example"}))
	stranger.open("/login")
	stranger.until("the proxy's name is offered", `document.body.innerText.includes('Continue as')`, patience)
	wantEverywhere(stranger, "login-proxy")
	stranger.run(network.SetExtraHTTPHeaders(network.Headers{}))

	stranger.open("/signup")
	wantEverywhere(stranger, "signup")
	stranger.join("clara")
	wantAccessible(stranger, "signup with an error")
	stranger.join("zoe")
	wantEverywhere(stranger, "waiting")
	stranger.open("/forgot")
	wantEverywhere(stranger, "forgot")
	stranger.fill("#account", "clara")
	stranger.clickThrough("#main form button.main")
	wantEverywhere(stranger, "forgot-sent")
	stranger.open(box.path(t, "/admin/people")) // zoe waits
	stranger.open(box.path(t, "/reset/"))
	wantEverywhere(stranger, "reset")
	link := s.command("invite", "create", "--team", "Harbor", "--public-url", s.url)
	stranger.open(link[strings.Index(link, "/join/"):])
	wantEverywhere(stranger, "join")

	empty := startServer(t, "--public-url=http://ADDR").visitor(t).tab()
	empty.open("/setup")
	empty.until("it asks for the code", `document.querySelector('#code')`, patience)
	wantEverywhere(empty, "setup")
}

// The same for the pages of people who are signed in.
func TestPagesOfIdentity(t *testing.T) {
	parallel(t)
	s, _ := newIdentityServer(t)
	s.flags = append(s.flags, "--visibility", "teams")
	s.start()
	s.addUser("clara", "--admin", "--team", "Harbor")
	s.addUser("ada", "--display-name", "Ada Okafor", "--team", "Night Desk")
	s.command("team", "pair", "Harbor", "Night Desk")
	clara := s.member(t, "clara").tab()
	clara.authenticator()
	clara.allow(`status of (403|404|409|422)`)
	look(clara, "light")

	clara.open("/u/ada")
	wantEverywhere(clara, "person")
	clara.open("/admin/teams")
	clara.untilLive()
	wantEverywhere(clara, "teams")
	clara.open("/admin/people/ada")
	clara.clickThrough(`form[action$="/role"] button`)
	clara.until("a second factor is missing", `document.querySelector('h1').innerText.startsWith('Set up a second factor')`, patience)
	wantEverywhere(clara, "prove-missing")

	clara.open("/settings/sign-in")
	clara.clickThrough(`form[action$="/sign-in/app"] button`)
	wantEverywhere(clara, "add-app")
	clara.fill("#one_time_code", totp(t, clara.text(".key"), 0))
	clara.clickThrough("#main form button.main")
	wantEverywhere(clara, "recovery-codes")
	clara.open("/settings/sign-in")
	clara.clickThrough(`form[action$="/sign-in/passkey"] button`)
	wantEverywhere(clara, "add-passkey")
	clara.clickThrough(`[data-passkey=register]`)
	clara.untilAt("/settings/sign-in", patience)
	wantEverywhere(clara, "ways")
	clara.open("/admin/people/ada")
	clara.clickThrough(`form[action$="/role"] button`)
	wantEverywhere(clara, "prove")

	clara.open("/settings")
	clara.click(`form[action$="/settings/linked/add"] button`)
	clara.until("the page leads to the provider", `document.querySelector('h1').innerText.startsWith('Continue at')`, patience)
	wantEverywhere(clara, "continue")

	again := s.visitor(t).tab()
	again.allow(`status of (403|422)`)
	look(again, "light")
	again.signInAs("clara", password)
	again.until("it asks for a code", `document.querySelector('#one_time_code')`, patience)
	wantEverywhere(again, "login-code")
	again.open("/login/code?recovery=yes")
	wantEverywhere(again, "login-recovery")
}
