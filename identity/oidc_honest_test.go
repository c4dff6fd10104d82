package identity

import (
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

// startHonest starts a provider that others wrote, with a sign-in form. Its clients are global, so only one test can
// use it. Its issuer ends with a slash.
func startHonest(t *testing.T) (issuer string) {
	previous := slog.Default() // SetupServer replaces it
	t.Cleanup(func() { slog.SetDefault(previous) })
	var provider http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		provider.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	issuer = strings.Replace(server.URL, "127.0.0.1", "localhost", 1) + "/"
	storage.RegisterClients(storage.WebClient(clientID, clientSecret, redirectURL))
	store := storage.NewStorage(storage.NewUserStore(issuer))
	provider = exampleop.SetupServer(issuer, store, slog.New(slog.DiscardHandler), false)
	return issuer
}

// fillIn does what a person does at the provider, and returns the callback.
func fillIn(t *testing.T, page string) Callback {
	t.Helper()
	browser := &http.Client{CheckRedirect: func(req *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(req.URL.String(), redirectURL) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	t.Cleanup(browser.CloseIdleConnections)
	form, err := browser.Get(page)
	if err != nil {
		t.Fatal(err)
	}
	defer form.Body.Close()
	if form.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s", page, form.Status)
	}
	id := form.Request.URL.Query().Get("authRequestID")
	done, err := browser.PostForm(form.Request.URL.String(), url.Values{
		"id": {id}, "username": {"test-user@localhost"}, "password": {"verysecure"},
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
	query := back.Query()
	return Callback{
		Code: query.Get("code"), State: query.Get("state"), Issuer: query.Get("iss"), Error: query.Get("error"),
	}
}

// TestHonestProvider: whole visits to an implementation that checks what we send.
func TestHonestProvider(t *testing.T) {
	issuer := startHonest(t)
	config := newHostile(t, issuer).config()
	config.SignedOutURL = ""
	p, err := NewProvider(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	if report, err := p.Check(t.Context()); err != nil || !report.UserInfo || !report.PKCE || !report.EndSession {
		t.Errorf("Check() = %+v, %v", report, err)
	}

	for _, intent := range []Intent{IntentSignIn, IntentStepUp} {
		session := ""
		if intent == IntentStepUp {
			session = "session"
		}
		flow, page, err := p.Start(t.Context(), intent, session, "")
		if err != nil {
			t.Fatal(err)
		}
		person, err := p.Finish(t.Context(), flow, fillIn(t, page))
		if err != nil {
			t.Fatalf("Finish() of %s = %v", intent, err)
		}
		if age := time.Since(person.AuthTime); age < -time.Second || age > time.Minute {
			t.Errorf("Finish() of %s: AuthTime is %v ago", intent, age)
		}
		person.AuthTime = time.Time{}
		want := Person{
			Issuer: issuer, Subject: "id1", Email: "test-user@zitadel.ch", EmailVerified: Yes, Name: "Test User",
			Usernames: []string{"test-user", "Test User"},
		}
		if !reflect.DeepEqual(person, want) {
			t.Errorf("Finish() of %s = %+v, want %+v", intent, person, want)
		}
	}

	flow, page, err := p.Start(t.Context(), IntentSignIn, "", "")
	if err != nil {
		t.Fatal(err)
	}
	flow.Verifier += "x"
	if _, err := p.Finish(t.Context(), flow, fillIn(t, page)); !errors.Is(err, ErrRefused) {
		t.Errorf("Finish() with another verifier = %v, want ErrRefused", err)
	}

	end, ok := p.LogoutURL(t.Context())
	resp, err := http.Get(end)
	if err != nil || !ok {
		t.Fatalf("LogoutURL() = %s, %t: %v", end, ok, err)
	}
	defer resp.Body.Close()
	if text, err := io.ReadAll(resp.Body); err != nil || string(text) != "signed out successfully" {
		t.Errorf("GET %s = %q, %v", end, text, err)
	}
}
