package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"
)

const (
	clientID     = "rollcall"
	clientSecret = "s3cret/+&"
	redirectURL  = "https://board.example/auth/corp/callback"
	signedOutURL = "https://board.example/login"
	logoutEvent  = "http://schemas.openid.net/event/backchannel-logout"
)

// fields are members of a JSON object. A value of type absent removes the member.
type fields map[string]any

type absent struct{}

// theNonce stands for the right nonce in the claims of an ID token.
const theNonce = "THE NONCE"

// hostile is a provider that does what a test tells it to. Without further instructions, it's correct.
type hostile struct {
	t      *testing.T
	issuer string

	mu        sync.Mutex // guards everything below
	key       jose.JSONWebKey
	published []jose.JSONWebKey
	discovery fields // changes to the discovery document
	token     fields // changes to the claims of ID tokens
	info      fields // changes to userinfo
	typ       string // header typ of ID tokens
	sign      func(claims any) string
	handle    map[string]http.HandlerFunc // replaces the handler of a path
	pause     map[string]time.Duration    // before the handler of a path
	hits      map[string]int              // requests by path
	codes     map[string]url.Values       // parameters of the authorization request, by code
	posted    []*http.Request             // to the token endpoint
}

func newHostile(t *testing.T, issuer string) *hostile {
	h := &hostile{
		t: t, issuer: issuer, typ: "JWT",
		handle: map[string]http.HandlerFunc{}, pause: map[string]time.Duration{},
		hits: map[string]int{}, codes: map[string]url.Values{},
	}
	h.rotate("first")
	return h
}

// startHostile serves a provider on a port of this machine.
func startHostile(t *testing.T) *hostile {
	h := newHostile(t, "")
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	h.issuer = server.URL
	return h
}

// change calls f while no request is handled.
func (h *hostile) change(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// rotate replaces the key. The old one is no longer published.
func (h *hostile) rotate(id string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		h.t.Fatal(err)
	}
	h.change(func() {
		h.key = jose.JSONWebKey{Key: private, KeyID: id, Algorithm: "ES256", Use: "sig"}
		h.published = []jose.JSONWebKey{h.key.Public()}
	})
}

func (h *hostile) count(path string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.hits[path]
}

func (h *hostile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	h.hits[r.URL.Path]++
	replaced, pause := h.handle[r.URL.Path], h.pause[r.URL.Path]
	h.mu.Unlock()
	if pause > 0 { // only in tests with a simulated clock
		select {
		case <-time.After(pause):
		case <-r.Context().Done():
			return
		}
	}
	if replaced != nil {
		replaced(w, r)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		sendJSON(w, changed(fields{
			"issuer":                                h.issuer,
			"authorization_endpoint":                h.issuer + "/auth",
			"token_endpoint":                        h.issuer + "/token",
			"userinfo_endpoint":                     h.issuer + "/userinfo",
			"jwks_uri":                              h.issuer + "/keys",
			"end_session_endpoint":                  h.issuer + "/logout?ui=en",
			"id_token_signing_alg_values_supported": []string{"ES256", "HS256", "none"},
			"code_challenge_methods_supported":      []string{"S256"},
			"backchannel_logout_supported":          true,
		}, h.discovery))
	case "/auth":
		h.authorize(w, r)
	case "/token":
		h.exchange(w, r)
	case "/userinfo":
		if r.Header.Get("Authorization") != "Bearer access" {
			http.Error(w, "who?", http.StatusUnauthorized)
			return
		}
		sendJSON(w, changed(fields{"sub": "ada-1"}, h.info))
	case "/keys", "/other-keys":
		sendJSON(w, jose.JSONWebKeySet{Keys: h.published})
	default:
		http.NotFound(w, r)
	}
}

// authorize signs everybody in at once.
func (h *hostile) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	code := rand.Text()
	h.codes[code] = query
	back := url.Values{"code": {code}, "state": {query.Get("state")}}
	http.Redirect(w, r, query.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

func (h *hostile) exchange(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	h.posted = append(h.posted, r)
	asked, ok := h.codes[r.PostForm.Get("code")]
	delete(h.codes, r.PostForm.Get("code"))
	if !ok || oauth2.S256ChallengeFromVerifier(r.PostForm.Get("code_verifier")) != asked.Get("code_challenge") ||
		r.PostForm.Get("redirect_uri") != asked.Get("redirect_uri") {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		sendJSON(w, fields{"error": "invalid_grant", "error_description": "call 555-0100"})
		return
	}
	said := changed(h.idToken(), fields{"nonce": asked.Get("nonce")})
	said = changed(said, h.token)
	for name, value := range said {
		if value == theNonce {
			said[name] = asked.Get("nonce")
		}
	}
	raw := ""
	if h.sign != nil {
		raw = h.sign(said)
	} else {
		raw = signed(h.t, h.key, h.typ, said)
	}
	sendJSON(w, fields{"access_token": "access", "token_type": "Bearer", "expires_in": 60, "id_token": raw})
}

// idToken returns the claims of a good ID token but for its nonce.
func (h *hostile) idToken() fields {
	now := time.Now().Unix()
	return fields{"iss": h.issuer, "sub": "ada-1", "aud": clientID, "iat": now, "exp": now + 300}
}

// logoutToken returns the claims of a good logout token.
func (h *hostile) logoutToken(changes fields) fields {
	now := time.Now().Unix()
	return changed(fields{
		"iss": h.issuer, "sub": "ada-1", "sid": "session-1", "aud": clientID, "iat": now, "exp": now + 120, "jti": "once",
		"events": fields{logoutEvent: fields{}},
	}, changes)
}

// signed returns a token with these claims.
func signed(t *testing.T, key jose.JSONWebKey, typ string, said any) string {
	t.Helper()
	options := &jose.SignerOptions{}
	if typ != "" {
		options = options.WithType(jose.ContentType(typ))
	}
	algorithm := jose.SignatureAlgorithm(key.Algorithm)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(said)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signer.Sign(text)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := token.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// changed returns a copy of object with some members changed.
func changed(object, changes fields) fields {
	object = maps.Clone(object)
	for name, value := range changes {
		if _, gone := value.(absent); gone {
			delete(object, name)
		} else {
			object[name] = value
		}
	}
	return object
}

func sendJSON(w http.ResponseWriter, v any) {
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	_ = json.NewEncoder(w).Encode(v)
}
