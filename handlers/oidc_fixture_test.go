package handlers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"rollcall/accounts"
	"rollcall/identity"
)

// corp is a provider that signs everybody in at once, as whom the test says.
type corp struct {
	t      *testing.T
	server *httptest.Server
	public string // URL of the board
	key    jose.JSONWebKey

	mu     sync.Mutex
	claims map[string]any        // of the next ID token, besides the usual ones
	info   map[string]any        // of userinfo, besides sub
	codes  map[string]url.Values // parameters of the authorization request, by code
	down   bool                  // it answers only discovery
}

func newCorp(t *testing.T) *corp {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &corp{t: t, codes: map[string]url.Values{}, claims: map[string]any{"sub": "ada-1"}, info: map[string]any{}, public: boardURL,
		key: jose.JSONWebKey{Key: private, KeyID: "one", Algorithm: "ES256", Use: "sig"}}
	p.server = httptest.NewServer(p)
	t.Cleanup(p.server.Close)
	return p
}

// says sets what the provider says about the next person.
func (p *corp) says(subject string, info map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claims, p.info = map[string]any{"sub": subject, "sid": "sid of " + subject, "auth_time": time.Now().Unix()}, info
}

// claim changes a claim of the next ID token; nil removes it.
func (p *corp) claim(name string, value any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.claims[name] = value
}

func (p *corp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	send := func(v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	at := p.server.URL
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		send(map[string]any{"issuer": at, "authorization_endpoint": at + "/auth", "token_endpoint": at + "/token",
			"userinfo_endpoint": at + "/userinfo", "jwks_uri": at + "/keys", "end_session_endpoint": at + "/logout",
			"id_token_signing_alg_values_supported": []string{"ES256"}})
	case "/keys":
		send(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{p.key.Public()}})
	case "/token":
		if p.down {
			http.Error(w, "down", http.StatusInternalServerError)
			return
		}
		asked := p.codes[r.FormValue("code")]
		delete(p.codes, r.FormValue("code"))
		now := time.Now().Unix()
		said := map[string]any{"iss": at, "aud": "rollcall", "iat": now, "exp": now + 300, "nonce": asked.Get("nonce")}
		maps.Copy(said, p.claims)
		send(map[string]any{"access_token": "access", "token_type": "Bearer", "id_token": p.sign(said)})
	case "/userinfo":
		said := map[string]any{"sub": p.claims["sub"]}
		maps.Copy(said, p.info)
		send(said)
	}
}

// sign returns a token.
func (p *corp) sign(said map[string]any) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: p.key}, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	maps.DeleteFunc(said, func(_ string, v any) bool { return v == nil })
	text, _ := json.Marshal(said)
	token, err := signer.Sign(text)
	if err != nil {
		p.t.Fatal(err)
	}
	raw, _ := token.CompactSerialize()
	return raw
}

// logoutToken returns a token that ends sessions.
func (p *corp) logoutToken(changes map[string]any) string {
	now := time.Now().Unix()
	said := map[string]any{"iss": p.server.URL, "aud": "rollcall", "iat": now, "exp": now + 120, "jti": rand.Text(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}}
	maps.Copy(said, changes)
	return p.sign(said)
}

// authorize does what the provider's page does, and returns the path and query to which it sends the browser.
func (p *corp) authorize(page string) string {
	p.t.Helper()
	u, err := url.Parse(page)
	if err != nil || !strings.HasPrefix(page, p.server.URL+"/auth?") {
		p.t.Fatalf("%q isn't the page of the provider", page)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	code := rand.Text()
	p.codes[code] = u.Query()
	back, err := url.Parse(u.Query().Get("redirect_uri"))
	if err != nil {
		p.t.Fatal(err)
	}
	back.RawQuery = url.Values{"code": {code}, "state": {u.Query().Get("state")}}.Encode()
	return back.RequestURI()
}

const boardURL = "https://board.example"

// options returns a change that configures the provider under a key.
func (p *corp) options(key string, o identity.ProviderOptions) func(*Config) {
	p.t.Helper()
	o.Issuer, o.ClientID, o.ClientSecret = p.server.URL, "rollcall", "secret"
	config, err := identity.ParseProvider(key, o)
	if err != nil {
		p.t.Fatal(err)
	}
	public, _ := url.Parse(p.public)
	at := URLsAtProvider(public, key)
	config.RedirectURL, config.SignedOutURL = at.Redirect, at.SignedOut
	made, err := identity.NewProvider(config)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(made.Close)
	return func(cfg *Config) { cfg.Providers = append(cfg.Providers, made) }
}

// corpFixture is a board with one provider and an administrator.
func corpFixture(t *testing.T, o identity.ProviderOptions, changes ...func(*Config)) (*fixture, *corp) {
	t.Helper()
	p := newCorp(t)
	f := newFixture(t, append([]func(*Config){publicURL(t, boardURL), p.options("corp", o)}, changes...)...)
	f.person("first")
	return f, p
}

// at starts at the provider and comes back.
func (b *browser) at(p *corp, from string) answer {
	b.f.t.Helper()
	a := b.get(from)
	if a.StatusCode != http.StatusSeeOther {
		b.f.t.Fatalf("GET %s = %d, want 303 to the provider\n%s", from, a.StatusCode, a.body)
	}
	return b.get(p.authorize(a.location()))
}

func (f *fixture) identities(name string) []accounts.Identity {
	f.t.Helper()
	all, err := f.store.Identities(f.t.Context(), f.uid(name))
	if err != nil {
		f.t.Fatal(err)
	}
	return all
}
