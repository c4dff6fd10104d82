package identity

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// TestLogout: one logout token per row, with one thing changed.
func TestLogout(t *testing.T) {
	unix := func(after time.Duration) int64 { return time.Now().Add(after).Unix() }
	tests := []struct {
		name   string
		typ    string
		change fields
		want   error
	}{
		{"good", "logout+jwt", nil, nil},
		{"no typ", "", nil, nil},
		{"typ JWT", "JWT", nil, nil},
		{"typ in capitals with a prefix", "application/Logout+JWT", nil, nil},
		{"access token", "at+jwt", nil, ErrToken},
		{"other typ", "secevent+jwt", nil, ErrToken},
		{"only a session", "", fields{"sub": absent{}}, nil},
		{"only a subject", "", fields{"sid": absent{}}, nil},
		{"neither", "", fields{"sub": absent{}, "sid": absent{}}, ErrToken},
		{"blank session, no subject", "", fields{"sub": absent{}, "sid": " "}, ErrSubject},
		{"blank subject, no session", "", fields{"sid": absent{}, "sub": " "}, ErrSubject},
		{"subject under another name", "", fields{"sid": absent{}, "sub": absent{}, "Sub": "ada-1"}, ErrSubject},
		{"session with NUL", "", fields{"sid": "a\x00"}, ErrSubject},
		{"empty session and a subject", "", fields{"sid": ""}, ErrSubject},
		{"long session", "", fields{"sid": strings.Repeat("a", 256)}, ErrSubject},
		{"no jti", "", fields{"jti": absent{}}, ErrToken},
		{"jti under another name", "", fields{"jti": absent{}, "JTI": "once"}, ErrToken},
		{"long jti", "", fields{"jti": strings.Repeat("a", 256)}, ErrToken},
		{"no events", "", fields{"events": absent{}}, ErrToken},
		{"other event", "", fields{"events": fields{"https://example.com/hello": fields{}}}, ErrToken},
		{"nonce", "", fields{"nonce": "a"}, ErrToken},
		{"another audience", "", fields{"aud": "other"}, ErrToken},
		{"another issuer", "", fields{"iss": "https://evil.example"}, ErrToken},
		{"expired", "", fields{"exp": unix(-time.Second)}, ErrTokenExpired},
		{"no exp", "", fields{"exp": absent{}}, ErrToken},
		{"iat of 1970", "", fields{"iat": 0}, ErrIssuedAt},
		{"no iat", "", fields{"iat": absent{}}, ErrIssuedAt},
		{"11 minutes old", "", fields{"iat": unix(-11 * time.Minute)}, ErrIssuedAt},
		{"9 minutes old", "", fields{"iat": unix(-9 * time.Minute)}, nil},
		{"iat an hour ahead", "", fields{"iat": unix(time.Hour)}, ErrIssuedAt},
		{"iat 4 minutes ahead", "", fields{"iat": unix(4 * time.Minute)}, nil},
	}
	h := startHostile(t)
	p := h.provider()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := p.Logout(t.Context(), signed(t, h.key, test.typ, h.logoutToken(test.change)))
			if !errors.Is(err, test.want) {
				t.Fatalf("Logout() = %v, want %v", err, test.want)
			}
			if err != nil && got != (LoggedOut{}) {
				t.Errorf("Logout() = %+v with an error", got)
			}
		})
	}
	long := signed(t, h.key, "", h.logoutToken(fields{"more": strings.Repeat("a", maxToken)}))
	for _, raw := range []string{"", "a.b.c", "..", long} {
		if _, err := p.Logout(t.Context(), raw); !errors.Is(err, ErrToken) {
			t.Errorf("Logout(%.10q…) = %v, want ErrToken", raw, err)
		}
	}
}

// TestLogoutResult: the caller learns what to end, and until when to remember the token. A second use isn't refused
// here, because other replicas must know of it, too.
func TestLogoutResult(t *testing.T) {
	simulate(t, func(t *testing.T, h *hostile, p *Provider) {
		now := time.Now().Truncate(time.Second)
		want := LoggedOut{Issuer: h.issuer, Subject: "ada-1", SessionID: "session-1", TokenID: "once",
			Expires: now.Add(2 * time.Minute)}
		raw := signed(t, h.key, "logout+jwt", h.logoutToken(nil))
		for range 2 {
			if got, err := p.Logout(t.Context(), raw); err != nil || got != want {
				t.Errorf("Logout() = %+v, %v, want %+v", got, err, want)
			}
		}
		time.Sleep(2*time.Minute + time.Second)
		if _, err := p.Logout(t.Context(), raw); !errors.Is(err, ErrTokenExpired) {
			t.Errorf("Logout() after Expires = %v, want ErrTokenExpired", err)
		}

		now = time.Now().Truncate(time.Second)
		raw = signed(t, h.key, "", h.logoutToken(fields{"exp": now.Add(time.Hour).Unix(), "sub": absent{}}))
		got, err := p.Logout(t.Context(), raw)
		if err != nil || !got.Expires.Equal(now.Add(10*time.Minute)) || got.Subject != "" {
			t.Errorf("Logout() = %+v, %v, want Expires 10 minutes from now, and no subject", got, err)
		}
		time.Sleep(10*time.Minute + time.Second)
		if _, err := p.Logout(t.Context(), raw); !errors.Is(err, ErrIssuedAt) {
			t.Errorf("Logout() after Expires = %v, want ErrIssuedAt", err)
		}
	})
}

// TestIDTokenAsLogoutToken: somebody who saw an ID token can't sign its person out with it.
func TestIDTokenAsLogoutToken(t *testing.T) {
	h := startHostile(t)
	p := h.provider()
	for _, nonce := range []any{"n", absent{}} {
		raw := signed(t, h.key, "JWT", changed(h.idToken(), fields{"nonce": nonce, "sid": "s", "jti": "j"}))
		if _, err := p.Logout(t.Context(), raw); !errors.Is(err, ErrToken) {
			t.Errorf("Logout() of an ID token = %v, want ErrToken", err)
		}
	}
}

// TestLogoutFlood: strangers can make us fetch the keys once per 10 seconds, however many bad tokens they send.
// Meanwhile, good tokens and sign-ins work.
func TestLogoutFlood(t *testing.T) {
	simulate(t, func(t *testing.T, h *hostile, p *Provider) {
		good := func() string { return signed(t, h.key, "", h.logoutToken(nil)) }
		if _, err := p.Logout(t.Context(), good()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		fetched := h.count("/keys")
		stranger := newHostile(t, h.issuer).key
		unknown := stranger
		unknown.KeyID = "unknown"
		flood := func() {
			for range 50 {
				for _, key := range []jose.JSONWebKey{stranger, unknown} {
					_, err := p.Logout(t.Context(), signed(t, key, "", h.logoutToken(nil)))
					if !errors.Is(err, ErrSignature) && !errors.Is(err, ErrUnavailable) {
						t.Fatalf("Logout() of a forged token = %v", err)
					}
				}
			}
			synctest.Wait()
		}
		flood()
		if n := h.count("/keys") - fetched; n != 1 {
			t.Errorf("100 forged tokens caused %d fetches, want 1", n)
		}
		if _, err := p.Logout(t.Context(), good()); err != nil {
			t.Errorf("Logout() of a good token = %v during a flood", err)
		}

		h.rotate("second")
		if _, err := p.Logout(t.Context(), good()); !errors.Is(err, ErrUnavailable) {
			t.Errorf("Logout() with a new key during a flood = %v, want ErrUnavailable", err)
		}
		if _, err := h.signIn(p); err != nil {
			t.Errorf("Finish() with a new key during a flood = %v", err)
		}
		time.Sleep(10 * time.Second)
		flood()
		if _, err := p.Logout(t.Context(), good()); err != nil {
			t.Errorf("Logout() with a new key, 10 seconds later = %v", err)
		}
	})
}

// TestLogoutKeys: failed fetches count, too.
func TestLogoutKeys(t *testing.T) {
	simulate(t, func(t *testing.T, h *hostile, p *Provider) {
		h.handle["/keys"] = func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusBadGateway) }
		for range 5 {
			_, err := p.Logout(t.Context(), signed(t, h.key, "", h.logoutToken(nil)))
			if !errors.Is(err, ErrUnavailable) {
				t.Errorf("Logout() without keys = %v, want ErrUnavailable", err)
			}
		}
		if n := h.count("/keys"); n != 1 {
			t.Errorf("%d fetches, want 1", n)
		}
	})
}

// TestLogoutKeysRedirect: a redirect of the keys isn't a second fetch.
func TestLogoutKeysRedirect(t *testing.T) {
	h := startHostile(t)
	h.handle["/keys"] = func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/other-keys", http.StatusFound)
	}
	if _, err := h.provider().Logout(t.Context(), signed(t, h.key, "", h.logoutToken(nil))); err != nil {
		t.Errorf("Logout() with redirected keys = %v", err)
	}
}
