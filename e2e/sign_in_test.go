package e2e_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

// startProvider starts an OpenID Connect provider with a sign-in form, which knows test-user and test-user2, and
// returns its issuer. It's another site than the board. Its clients are global, so only one test can use it.
func startProvider(t *testing.T, callback string) (issuer string) {
	t.Helper()
	var op http.Handler
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { op.ServeHTTP(w, r) }))
	t.Cleanup(provider.Close)
	issuer = strings.Replace(provider.URL, "127.0.0.1", "localhost", 1) + "/"
	storage.RegisterClients(storage.WebClient("rollcall", "secret", callback))
	op = exampleop.SetupServer(issuer, storage.NewStorage(storage.NewUserStore(issuer)), slog.New(slog.DiscardHandler), false)
	return issuer
}

// Somebody without an account signs in at a provider, and somebody else links an account there, with the pages,
// cookies, and policies of a real browser.
func TestSignInAtProvider(t *testing.T) {
	parallel(t)
	s := newServer(t, "--public-url=http://ADDR", "--oidc=zitadel")
	issuer := startProvider(t, s.url+"/auth/zitadel/callback")
	s.env = []string{
		"ROLLCALL_OIDC_ZITADEL_ISSUER=" + issuer, "ROLLCALL_OIDC_ZITADEL_NAME=Zitadel", "ROLLCALL_OIDC_ZITADEL_CLIENT_ID=rollcall",
		"ROLLCALL_OIDC_ZITADEL_CLIENT_SECRET=secret", "ROLLCALL_OIDC_ZITADEL_SIGNUP=create",
	}
	s.start()
	s.addUser("ada")
	atProvider := func(b *tab, username string) {
		t.Helper()
		b.until("the provider asks for a password", `location.origin + '/' === `+quote(issuer)+` && document.querySelector('#password')`, patience)
		b.fill("#username", username)
		b.fill("#password", "verysecure")
		b.clickThrough("form button")
	}

	anna := s.visitor(t).tab()
	anna.allow("favicon.ico") // of the provider
	anna.open("/settings")
	anna.untilAt("/login", patience)
	anna.clickThrough(".providers a")
	atProvider(anna, "test-user@localhost")
	anna.untilAt("/settings", patience)
	anna.allow(`status of 409`)
	anna.clickThrough(`form[action="/settings/linked/remove"] button`)
	anna.until("her only way to sign in stays", `document.body.innerText.includes('This is your only way to sign in.')`, patience)
	anna.open("/")
	anna.untilLive()
	anna.untilState("test-user", "online", patience)

	ada := s.visitor(t).tab()
	ada.allow("favicon.ico")
	ada.signInAs("ada", password)
	ada.open("/settings")
	ada.clickThrough(`form[action="/settings/linked/add"] button`)
	atProvider(ada, "test-user2")
	ada.until("the settings show the linked account",
		`location.pathname === '/settings' && document.querySelector('form[action="/settings/linked/remove"]')`, patience)
	wantAccessible(ada, "the settings")
	ada.clickThrough(`form[action="/settings/linked/remove"] button`)
	ada.until("the account isn't linked any more", `document.querySelector('form[action="/settings/linked/add"]')`, patience)
}
