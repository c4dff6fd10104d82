package identity

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// TestIDToken: one sign-in per row, with one thing changed in an otherwise good ID token.
func TestIDToken(t *testing.T) {
	unix := func(after time.Duration) int64 { return time.Now().Add(after).Unix() }
	tests := []struct {
		name   string
		change fields
		want   error
	}{
		{"good", nil, nil},
		{"nonce of another flow", fields{"nonce": "other"}, ErrNonce},
		{"no nonce", fields{"nonce": absent{}}, ErrNonce},
		{"empty nonce", fields{"nonce": ""}, ErrNonce},
		{"nonce under another name", fields{"nonce": absent{}, "Nonce": theNonce}, ErrNonce},

		{"no subject", fields{"sub": absent{}}, ErrSubject},
		{"empty subject", fields{"sub": ""}, ErrSubject},
		{"blank subject", fields{"sub": " \t"}, ErrSubject},
		{"null subject", fields{"sub": nil}, ErrSubject},
		{"subject under another name", fields{"sub": absent{}, "SUB": "ada-1"}, ErrSubject},
		{"subject with NUL", fields{"sub": "ada\x00"}, ErrSubject},
		{"subject that isn't UTF-8", fields{"sub": "ada\ufffd"}, ErrSubject},
		{"subject of 255 bytes", fields{"sub": strings.Repeat("a", 255)}, ErrUserInfo}, // accepted until then
		{"subject of 256 bytes", fields{"sub": strings.Repeat("a", 256)}, ErrSubject},
		{"number as subject", fields{"sub": 7}, ErrToken},

		{"another audience", fields{"aud": "other"}, ErrToken},
		{"no audience", fields{"aud": absent{}}, ErrToken},
		{"list with our audience", fields{"aud": []string{clientID}}, nil},
		{"two audiences, no azp", fields{"aud": []string{clientID, "other"}}, ErrParty},
		{"two audiences, azp of another", fields{"aud": []string{clientID, "other"}, "azp": "other"}, ErrParty},
		{"two audiences, our azp", fields{"aud": []string{clientID, "other"}, "azp": clientID}, nil},
		{"one audience, azp of another", fields{"azp": "other"}, ErrParty},
		{"two audiences, azp under another name", fields{"aud": []string{clientID, "other"}, "AZP": clientID}, ErrParty},
		{"one audience, our azp", fields{"azp": clientID}, nil},
		{"one audience, empty azp", fields{"azp": ""}, ErrParty},
		{"one audience, null azp", fields{"azp": nil}, ErrParty},

		{"expired", fields{"exp": unix(-time.Second)}, ErrTokenExpired},
		{"no exp", fields{"exp": absent{}}, ErrTokenExpired},
		{"iat an hour ahead", fields{"iat": unix(time.Hour)}, ErrIssuedAt},
		{"iat 5.5 minutes ahead", fields{"iat": unix(330 * time.Second)}, ErrIssuedAt},
		{"iat 4.5 minutes ahead", fields{"iat": unix(270 * time.Second)}, nil},
		{"iat in the far future", fields{"iat": 1e15}, ErrIssuedAt},
		{"no iat", fields{"iat": absent{}}, ErrIssuedAt},
		{"nbf an hour ahead", fields{"nbf": unix(time.Hour)}, ErrToken},

		{"issuer with a slash", fields{"iss": "ISSUER/"}, ErrToken},
		{"another issuer", fields{"iss": "https://evil.example"}, ErrToken},
		{"no issuer", fields{"iss": absent{}}, ErrToken},

		{"logout token", fields{"events": fields{logoutEvent: fields{}}, "nonce": absent{}}, ErrLogoutToken},
		{"logout token with our nonce", fields{"events": fields{logoutEvent: fields{}}}, ErrLogoutToken},
	}
	h := startHostile(t)
	p := h.provider()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if iss, ok := test.change["iss"].(string); ok {
				test.change["iss"] = strings.Replace(iss, "ISSUER", h.issuer, 1)
			}
			h.change(func() { h.token = test.change })
			if _, err := h.signIn(p); !errors.Is(err, test.want) {
				t.Errorf("Finish() = %v, want %v", err, test.want)
			}
		})
	}
}

// TestNoNonceAtAll: a flow without a nonce doesn't match a token without one.
func TestNoNonceAtAll(t *testing.T) {
	h := startHostile(t)
	p := h.provider()
	flow, page, err := p.Start(t.Context(), IntentSignIn, "", "")
	if err != nil {
		t.Fatal(err)
	}
	flow.Nonce = ""
	for _, nonce := range []any{absent{}, "", nil} {
		h.change(func() { h.token = fields{"nonce": nonce} })
		if _, err := p.Finish(t.Context(), flow, h.visit(page)); !errors.Is(err, ErrNonce) {
			t.Errorf("Finish() with the nonce %v in the token and none in the flow = %v, want ErrNonce", nonce, err)
		}
	}
}

// TestClocksInTheError: operators can't guess that a clock is wrong, and which one.
func TestClocksInTheError(t *testing.T) {
	h := startHostile(t)
	p := h.provider()
	ahead := time.Now().Add(time.Hour)
	h.change(func() { h.token = fields{"iat": ahead.Unix(), "exp": ahead.Unix() + 60} })
	_, err := h.signIn(p)
	if !errors.Is(err, ErrIssuedAt) || !strings.Contains(err.Error(), ahead.UTC().Format(time.RFC3339)) ||
		!strings.Contains(err.Error(), time.Now().UTC().Format("2006-01-02T15:")) {
		t.Errorf("Finish() = %v, want ErrIssuedAt with both times", err)
	}
}

// TestSignature: the provider publishes one ES256 key, and says that it also signs with HS256 and none.
func TestSignature(t *testing.T) {
	h := startHostile(t)
	p := h.provider()
	stranger := newHostile(t, h.issuer).key
	public, err := json.Marshal(h.published[0])
	if err != nil {
		t.Fatal(err)
	}
	hmac := func(secret []byte) jose.JSONWebKey {
		return jose.JSONWebKey{Key: secret, KeyID: "first", Algorithm: "HS256"}
	}
	tests := []struct {
		name string
		sign func(said any) string
		want error
	}{
		{"our key", func(said any) string { return signed(t, h.key, "", said) }, nil},
		{"another key with the same ID", func(said any) string { return signed(t, stranger, "", said) }, ErrSignature},
		{"client secret", func(said any) string {
			return signed(t, hmac([]byte(strings.Repeat(clientSecret, 4))), "", said)
		}, ErrToken},
		{"public key as a secret", func(said any) string { return signed(t, hmac(public), "", said) }, ErrToken},
		{"none", func(said any) string {
			_, payload, _ := strings.Cut(signed(t, h.key, "", said), ".")
			payload, _, _ = strings.Cut(payload, ".")
			return "eyJhbGciOiJub25lIn0." + payload + "."
		}, ErrToken},
		{"not a token", func(any) string { return "a.b.c" }, ErrToken},
		{"no token", func(any) string { return "" }, ErrProtocol},
		{"too long", func(said any) string { return strings.Repeat("a", maxToken+1) }, ErrProtocol},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h.change(func() { h.sign = test.sign })
			if _, err := h.signIn(p); !errors.Is(err, test.want) {
				t.Errorf("Finish() = %v, want %v", err, test.want)
			}
		})
	}
}

// TestRotation: a new key costs one fetch, at the first token that it signed.
func TestRotation(t *testing.T) {
	h := startHostile(t)
	p := h.provider()
	for range 2 {
		if _, err := h.signIn(p); err != nil {
			t.Fatal(err)
		}
	}
	h.rotate("second")
	for range 2 {
		if _, err := h.signIn(p); err != nil {
			t.Errorf("Finish() after a rotation = %v", err)
		}
	}
	if n := h.count("/keys"); n != 2 {
		t.Errorf("keys were fetched %d times, want 2", n)
	}
}

// TestStepUp: auth_time must show that the person signed in at the provider after the flow began.
func TestStepUp(t *testing.T) {
	tests := []struct {
		name                  string
		issued, authenticated time.Duration // after the flow began, by the provider's clock
		change                fields
		want                  error
	}{
		{"during the flow", 30 * time.Second, 20 * time.Second, nil, nil},
		{"just before the flow", 30 * time.Second, -5 * time.Second, nil, nil},
		{"before the flow", 30 * time.Second, -6 * time.Second, nil, ErrAuthTime},
		{"a session of an hour ago", 30 * time.Second, -time.Hour, nil, ErrAuthTime},
		{"after the token", 30 * time.Second, 36 * time.Second, nil, ErrAuthTime},
		{"a clock that is 4 minutes slow", -210 * time.Second, -220 * time.Second, nil, nil},
		{"a clock that is 4 minutes fast", 270 * time.Second, 260 * time.Second, nil, nil},
		{"before the flow by a slow clock", -210 * time.Second, -250 * time.Second, nil, ErrAuthTime},
		{"a token as old as the session", -time.Hour, -time.Hour, nil, ErrAuthTime},
		{"no auth_time", 30 * time.Second, 0, fields{"auth_time": absent{}}, ErrAuthTime},
		{"text", 30 * time.Second, 0, fields{"auth_time": "now"}, ErrAuthTime},
		{"negative", 30 * time.Second, 0, fields{"auth_time": -1}, ErrAuthTime},
	}
	simulate(t, func(t *testing.T, h *hostile, p *Provider) {
		for _, test := range tests {
			for _, intent := range []Intent{IntentStepUp, IntentSignIn} {
				session, want := "", error(nil) // auth_time doesn't matter for a sign-in
				if intent == IntentStepUp {
					session, want = "session", test.want
				}
				flow, page, err := p.Start(t.Context(), intent, session, "")
				if err != nil {
					t.Fatal(err)
				}
				h.change(func() {
					h.token = changed(fields{
						"iat":       flow.Created.Add(test.issued).Unix(),
						"auth_time": flow.Created.Add(test.authenticated).Unix(),
					}, test.change)
				})
				time.Sleep(30 * time.Second) // the person signs in
				if _, err := p.Finish(t.Context(), flow, h.visit(page)); !errors.Is(err, want) {
					t.Errorf("%s: Finish() of %s = %v, want %v", test.name, intent, err, want)
				}
			}
		}
	})
}
