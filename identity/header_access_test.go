package identity

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// team is a Cloudflare Access team: a server with the public keys, and a signer.
type team struct {
	t       *testing.T
	server  *httptest.Server
	key     *rsa.PrivateKey
	answer  http.HandlerFunc // answers requests for the keys
	fetches atomic.Int32
	now     time.Time
}

func newTeam(t *testing.T) *team {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	c := &team{t: t, key: key, now: time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)}
	c.answer = func(w http.ResponseWriter, _ *http.Request) {
		set := jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: c.key.Public(), KeyID: "1", Algorithm: "RS256", Use: "sig"}}}
		if err := json.NewEncoder(w).Encode(set); err != nil {
			t.Error(err)
		}
	}
	c.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/cdn-cgi/access/certs" {
			t.Errorf("request for %s, want the keys", r.URL)
		}
		c.fetches.Add(1)
		c.answer(w, r)
	}))
	t.Cleanup(c.server.Close)
	return c
}

func (c *team) header() *Header {
	c.t.Helper()
	return newHeader(c.t, HeaderConfig{Name: "Cf-Access-Jwt-Assertion", Team: c.server.URL, Audience: "board",
		Transport: c.server.Client().Transport, Now: func() time.Time { return c.now }})
}

// token signs the claims of an honest token, after change.
func (c *team) token(change func(claims map[string]any)) string {
	c.t.Helper()
	return c.sign(jose.RS256, c.key, change)
}

func (c *team) sign(alg jose.SignatureAlgorithm, key any, change func(claims map[string]any)) string {
	c.t.Helper()
	claims := map[string]any{
		"iss": c.server.URL, "aud": []string{"board"}, "sub": "7335d417-61da-459d-899c-0a01c76a2f94",
		"email": "ada@board.example", "type": "app",
		"iat": c.now.Unix(), "nbf": c.now.Unix(), "exp": c.now.Add(time.Minute).Unix(),
	}
	if change != nil {
		change(claims)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		c.t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: "1"}}, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		c.t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		c.t.Fatal(err)
	}
	return text
}

func identify(h *Header, tokens ...string) (HeaderUser, error) {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header[accessToken] = tokens
	return h.Identify(r, netip.MustParseAddr("127.0.0.1"))
}

func TestAccess(t *testing.T) {
	c := newTeam(t)
	h := c.header()
	want := HeaderUser{Value: "7335d417-61da-459d-899c-0a01c76a2f94", Email: "ada@board.example"}
	for range 3 {
		if user, err := identify(h, c.token(nil)); err != nil || user != want {
			t.Fatalf("Identify(an honest token) = %+v, %v, want %+v", user, err, want)
		}
	}
	if n := c.fetches.Load(); n != 1 {
		t.Errorf("%d fetches of the keys, want 1", n)
	}
	want.Email = ""
	for _, email := range []any{nil, "", "a b", "{x}", strings.Repeat("a", 300)} {
		if user, err := identify(h, c.token(func(m map[string]any) { m["email"] = email })); err != nil || user != want {
			t.Errorf("Identify(a token with email %v) = %+v, %v, want %+v", email, user, err, want)
		}
	}
	if _, err := identify(h); !errors.Is(err, ErrNoHeader) {
		t.Errorf("Identify without token = %v, want %v", err, ErrNoHeader)
	}
	if _, err := identify(h, c.token(nil), c.token(nil)); !errors.Is(err, ErrHeaderRepeated) {
		t.Errorf("Identify with two tokens = %v, want %v", err, ErrHeaderRepeated)
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set(accessToken, c.token(nil))
	if _, err := h.Identify(r, netip.MustParseAddr("192.0.2.1")); !errors.Is(err, ErrHeaderPeer) {
		t.Errorf("Identify with a peer that isn't listed = %v, want %v", err, ErrHeaderPeer)
	}
}

func TestAccessRefuses(t *testing.T) {
	c, other := newTeam(t), newTeam(t)
	h := c.header()
	if _, err := identify(h, c.token(nil)); err != nil {
		t.Fatal(err)
	}
	set := func(name string, value any) func(map[string]any) { return func(m map[string]any) { m[name] = value } }
	header, payload, _ := strings.Cut(c.token(nil), ".")
	payload, _, _ = strings.Cut(payload, ".")
	public, err := x509.MarshalPKIXPublicKey(c.key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"other team":       c.token(set("iss", other.server.URL)),
		"no team":          c.token(set("iss", nil)),
		"long team":        c.token(set("iss", strings.Repeat("x", 4000))),
		"other app":        c.token(set("aud", []string{"wiki"})),
		"no app":           c.token(set("aud", nil)),
		"expired":          c.token(set("exp", c.now.Add(-time.Second).Unix())),
		"no expiry":        c.token(set("exp", nil)),
		"not yet":          c.token(set("nbf", c.now.Add(time.Hour).Unix())),
		"service token":    c.token(set("sub", "")),
		"no subject":       c.token(set("sub", nil)),
		"odd subject":      c.token(set("sub", "a b")),
		"long subject":     c.token(set("sub", strings.Repeat("a", 255))),
		"email is a list":  c.token(set("email", []string{"ada@board.example"})),
		"other key":        c.sign(jose.RS256, other.key, nil),
		"other algorithm":  c.sign(jose.PS256, c.key, nil),
		"public as secret": c.sign(jose.HS256, public, nil),
		"unsigned":         encode([]byte(`{"alg":"none"}`)) + "." + payload + ".",
		"no signature":     header + "." + payload + ".",
		"text":             "ada",
		"too long":         c.token(set("pad", strings.Repeat("x", maxAccessToken))),
	} {
		user, err := identify(h, token)
		if !errors.Is(err, ErrHeaderToken) || user != (HeaderUser{}) {
			t.Errorf("Identify(%s) = %+v, %v, want %v", name, user, err, ErrHeaderToken)
		} else if len(err.Error()) > 2*maxAccessReason {
			t.Errorf("Identify(%s) = an error of %d bytes, want at most %d", name, len(err.Error()), 2*maxAccessReason)
		}
	}
}

// A new key is fetched when a token needs it, but tokens with made-up keys cause one fetch in ten seconds.
func TestAccessKeyRotation(t *testing.T) {
	c := newTeam(t)
	h := c.header()
	if _, err := identify(h, c.token(nil)); err != nil {
		t.Fatal(err)
	}
	fresh := newTeam(t).key
	for range 20 {
		if _, err := identify(h, c.sign(jose.RS256, fresh, nil)); !errors.Is(err, ErrHeaderToken) {
			t.Fatalf("Identify(a token of an unknown key) = %v, want %v", err, ErrHeaderToken)
		}
	}
	if n := c.fetches.Load(); n != 1 {
		t.Errorf("%d fetches of the keys within ten seconds, want 1", n)
	}
	c.key, c.now = fresh, c.now.Add(accessInterval)
	if _, err := identify(h, c.token(nil)); err != nil || c.fetches.Load() != 2 {
		t.Errorf("Identify(a token of the new key) = %v after %d fetches, want success after 2", err, c.fetches.Load())
	}
}

func TestAccessKeysAreBounded(t *testing.T) {
	for name, answer := range map[string]func(*team) http.HandlerFunc{
		"redirect": func(c *team) http.HandlerFunc {
			elsewhere := newTeam(t)
			elsewhere.key = c.key
			return func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, elsewhere.server.URL+r.URL.Path, http.StatusFound)
			}
		},
		"too large": func(c *team) http.HandlerFunc {
			honest := c.answer
			return func(w http.ResponseWriter, r *http.Request) {
				_, _ = w.Write([]byte(strings.Repeat(" ", maxAccessKeys))) // which JSON allows
				honest(w, r)
			}
		},
		"error": func(*team) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusBadGateway) }
		},
	} {
		c := newTeam(t)
		c.answer = answer(c)
		if _, err := identify(c.header(), c.token(nil)); !errors.Is(err, ErrHeaderToken) {
			t.Errorf("Identify with keys behind: %s = %v, want %v", name, err, ErrHeaderToken)
		}
	}
}

func TestNewAccess(t *testing.T) {
	const team = "https://a.cloudflareaccess.com"
	for _, tt := range []struct {
		name, team, audience string
		ok                   bool
	}{
		{accessToken, team, "x", true},
		{accessToken, team, "", false},
		{accessToken, "", "x", false},
		{accessToken, "http://a.cloudflareaccess.com", "x", false},
		{accessToken, "a.cloudflareaccess.com", "x", false},
		{accessToken, team + "/", "x", false},
		{accessToken, team + "?x", "x", false},
		{accessToken, "https://u@a.cloudflareaccess.com", "x", false},
		{accessToken, "https://", "x", false},
		{accessToken, "https://a b", "x", false},
		{"Remote-User", "", "", true},
		{"Remote-User", team, "", false},
		{"Remote-User", "", "x", false},
	} {
		cfg := HeaderConfig{Name: tt.name, Proxies: loopback, Team: tt.team, Audience: tt.audience}
		if _, err := NewHeader(cfg); (err == nil) != tt.ok {
			t.Errorf("NewHeader(%+v) = %v, want success %t", cfg, err, tt.ok)
		}
	}
}
