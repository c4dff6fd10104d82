package handlers

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"

	"rollcall/identity"
)

// TestHonestProvider signs in at a provider that others wrote, with its sign-in form. Its clients are global, so no
// other test can use it, and it replaces the default logger.
func TestHonestProvider(t *testing.T) {
	previous := slog.Default()
	t.Cleanup(func() { slog.SetDefault(previous) })
	var op http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { op.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	issuer := strings.Replace(server.URL, "127.0.0.1", "localhost", 1) + "/"
	at := URLsAtProvider(&url.URL{Scheme: "https", Host: "board.example"}, "zitadel")
	storage.RegisterClients(storage.WebClient("rollcall", "secret", at.Redirect))
	op = exampleop.SetupServer(issuer, storage.NewStorage(storage.NewUserStore(issuer)), slog.New(slog.DiscardHandler), false)
	config, err := identity.ParseProvider("zitadel", identity.ProviderOptions{Issuer: issuer, ClientID: "rollcall",
		ClientSecret: "secret", Domains: "zitadel.ch"})
	if err != nil {
		t.Fatal(err)
	}
	config.RedirectURL = at.Redirect
	p, err := identity.NewProvider(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	f := newFixture(t, publicURL(t, boardURL), func(cfg *Config) { cfg.Providers = []*identity.Provider{p} })
	f.person("first")

	for n := range 2 {
		b := f.browser()
		start := b.get("/auth/zitadel?next=/settings")
		wantStatus(t, "GET /auth/zitadel", start, http.StatusSeeOther)
		wantRedirect(t, "the callback", b.get(fillIn(t, start.location(), at.Redirect)), "/settings")
		if u := f.user("test-user"); u.DisplayName != "Test User" || !b.signedIn() {
			t.Errorf("sign-in %d: %+v, signed in %t", n+1, u, b.signedIn())
		}
		out := b.do("POST", "/logout", url.Values{})
		if page := b.get(out.location()).body; !strings.Contains(page, issuer+"end_session?client_id=rollcall") {
			t.Errorf("the page after signing out has no link to the provider:\n%s", page)
		}
	}
	if all := f.identities("test-user"); len(all) != 1 || all[0].Issuer != issuer || all[0].Subject != "id1" {
		t.Errorf("identities = %+v", all)
	}
}

// fillIn does what a person does at the provider, and returns the path and query of the callback.
func fillIn(t *testing.T, page, callback string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{}, CheckRedirect: func(req *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(req.URL.String(), callback) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	t.Cleanup(client.CloseIdleConnections)
	form, err := client.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	defer form.Body.Close()
	done, err := client.PostForm(form.Request.URL.String(), url.Values{
		"id": {form.Request.URL.Query().Get("authRequestID")}, "username": {"test-user@localhost"}, "password": {"verysecure"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer done.Body.Close()
	back, err := done.Location()
	if err != nil {
		text, _ := io.ReadAll(done.Body)
		t.Fatalf("after the form: %s: %s", done.Status, text)
	}
	return back.RequestURI()
}
