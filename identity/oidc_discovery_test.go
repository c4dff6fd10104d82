package identity

import (
	"compress/gzip"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const discoveryPath = "/.well-known/openid-configuration"

func TestDiscovery(t *testing.T) {
	tests := []struct {
		name   string
		change func(h *hostile)
		want   error
		says   string
	}{
		{"good", func(h *hostile) {}, nil, ""},
		{"issuer with a slash", func(h *hostile) { h.discovery = fields{"issuer": h.issuer + "/"} }, ErrIssuer, `/"`},
		{"another issuer", func(h *hostile) { h.discovery = fields{"issuer": "https://evil.example"} }, ErrIssuer,
			"https://evil.example"},
		{"tenant placeholder", func(h *hostile) { h.discovery = fields{"issuer": "https://a/{tenantid}"} }, ErrIssuer,
			"{tenantid}"},
		{"no authorization endpoint", func(h *hostile) {
			h.discovery = fields{"authorization_endpoint": absent{}}
		}, ErrProtocol, "authorization_endpoint"},
		{"script as authorization endpoint", func(h *hostile) {
			h.discovery = fields{"authorization_endpoint": "javascript:alert(1)"}
		}, ErrProtocol, "authorization_endpoint"},
		{"script with a host", func(h *hostile) {
			h.discovery = fields{"authorization_endpoint": "javascript://127.0.0.1/%0aalert(1)"}
		}, ErrProtocol, "authorization_endpoint"},
		{"authorization endpoint without a host", func(h *hostile) {
			h.discovery = fields{"authorization_endpoint": "https:login.example.com/auth"}
		}, ErrProtocol, "authorization_endpoint"},
		{"no token endpoint", func(h *hostile) {
			h.discovery = fields{"token_endpoint": ""}
		}, ErrProtocol, "token_endpoint"},
		{"token endpoint without TLS", func(h *hostile) {
			h.discovery = fields{"token_endpoint": "http://login.example.com/token"}
		}, ErrProtocol, "https"},
		{"no keys", func(h *hostile) { h.discovery = fields{"jwks_uri": absent{}} }, ErrProtocol, "jwks_uri"},
		{"keys in a file", func(h *hostile) {
			h.discovery = fields{"jwks_uri": "file:///etc/keys"}
		}, ErrProtocol, "jwks_uri"},
		{"userinfo without TLS", func(h *hostile) {
			h.discovery = fields{"userinfo_endpoint": "http://10.0.0.7/userinfo"}
		}, ErrProtocol, "userinfo_endpoint"},
		{"script as end of session", func(h *hostile) {
			h.discovery = fields{"end_session_endpoint": "javascript:alert(1)"}
		}, ErrProtocol, "end_session_endpoint"},
		{"field of another type", func(h *hostile) { h.discovery = fields{"end_session_endpoint": 1} }, ErrProtocol, ""},
		{"not found", func(h *hostile) { h.handle[discoveryPath] = http.NotFound }, ErrProtocol, "404"},
		{"server error", func(h *hostile) {
			h.handle[discoveryPath] = func(w http.ResponseWriter, r *http.Request) { http.Error(w, "555-0100", 500) }
		}, ErrUnavailable, "500"},
		{"HTML", func(h *hostile) {
			h.handle[discoveryPath] = func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "<p>555-0100") }
		}, ErrProtocol, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := startHostile(t)
			test.change(h)
			p := h.provider()
			_, _, err := p.Start(t.Context(), IntentSignIn, "", "")
			if !errors.Is(err, test.want) {
				t.Fatalf("Start() = %v, want %v", err, test.want)
			}
			if err == nil {
				return
			}
			if !strings.Contains(err.Error(), test.says) || strings.Contains(err.Error(), "555-0100") {
				t.Errorf("Start() = %v, want an error that says %q, without the page", err, test.says)
			}
			if _, checked := p.Check(t.Context()); !errors.Is(checked, test.want) {
				t.Errorf("Check() = %v, want %v", checked, test.want)
			}
			if page, ok := p.LogoutURL(t.Context()); ok {
				t.Errorf("LogoutURL() = %s, want none", page)
			}
		})
	}
}

// TestBothSpellings: the operator sees how the provider spells its issuer, and nothing is trimmed.
func TestBothSpellings(t *testing.T) {
	h := startHostile(t)
	h.discovery = fields{"issuer": h.issuer + "/"}
	_, _, err := h.provider().Start(t.Context(), IntentSignIn, "", "")
	if err == nil || !strings.Contains(err.Error(), `"`+h.issuer+`"`) ||
		!strings.Contains(err.Error(), `"`+h.issuer+`/"`) {
		t.Errorf("Start() = %v, want both spellings", err)
	}
}

// TestTLSIssuer: if the issuer isn't on this machine, no endpoint may be without TLS.
func TestTLSIssuer(t *testing.T) {
	m := metadata{AuthURL: "https://a/auth", TokenURL: "http://127.0.0.1/token", KeysURL: "https://a/keys"}
	if m.problem("https://login.example.com") == "" || m.problem("http://localhost") != "" {
		t.Errorf("problem() = %q for an issuer elsewhere, %q for one here, want a problem elsewhere only",
			m.problem("https://login.example.com"), m.problem("http://localhost"))
	}
}

// TestLargeResponses sends 200 MB as discovery document, plain and compressed.
func TestLargeResponses(t *testing.T) {
	const size = 200 << 20
	for _, compressed := range []bool{false, true} {
		h := startHostile(t)
		var sent atomic.Int64
		h.handle[discoveryPath] = func(w http.ResponseWriter, r *http.Request) {
			out := io.Writer(w)
			if compressed {
				w.Header().Set("Content-Encoding", "gzip")
				z := gzip.NewWriter(w)
				defer z.Close()
				out = z
			}
			chunk := make([]byte, 64<<10)
			for sent.Load() < size {
				n, err := out.Write(chunk)
				sent.Add(int64(n))
				if err != nil {
					return
				}
			}
		}
		_, _, err := h.provider().Start(t.Context(), IntentSignIn, "", "")
		if !errors.Is(err, ErrProtocol) || !errors.Is(err, errTooLarge) {
			t.Errorf("Start() with %d bytes (compressed: %t) = %v, want errTooLarge", size, compressed, err)
		}
		if n := sent.Load(); !compressed && n > 32<<20 {
			t.Errorf("%d bytes of the response were taken", n)
		}
	}
}

// TestLargeHeader: a header has a limit, too.
func TestLargeHeader(t *testing.T) {
	h := startHostile(t)
	h.handle[discoveryPath] = func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Large", strings.Repeat("a", 2*maxHeader))
	}
	_, _, err := h.provider().Start(t.Context(), IntentSignIn, "", "")
	if err == nil || !strings.Contains(err.Error(), "header") {
		t.Errorf("Start() with a large header = %v, want an error about the header", err)
	}
}

func TestRedirects(t *testing.T) {
	var strayed atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { strayed.Add(1) }))
	t.Cleanup(other.Close)
	to := func(status int, place string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, place, status) }
	}
	tests := []struct {
		name   string
		change func(h *hostile)
		want   error
	}{
		{"discovery to another origin", func(h *hostile) { h.handle[discoveryPath] = to(302, other.URL) }, ErrProtocol},
		{"discovery in a circle", func(h *hostile) { h.handle[discoveryPath] = to(302, discoveryPath) }, ErrProtocol},
		{"discovery on the same origin", func(h *hostile) {
			document := httptest.NewRecorder()
			h.ServeHTTP(document, httptest.NewRequest("GET", discoveryPath, nil))
			h.handle[discoveryPath] = to(302, "/elsewhere")
			h.handle["/elsewhere"] = func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write(document.Body.Bytes()) }
		}, nil},
		{"keys to another origin", func(h *hostile) { h.handle["/keys"] = to(307, other.URL) }, ErrProtocol},
		{"userinfo to another origin", func(h *hostile) { h.handle["/userinfo"] = to(302, other.URL) }, ErrProtocol},
		{"code and secret to another origin", func(h *hostile) { h.handle["/token"] = to(307, other.URL) }, ErrProtocol},
		{"code and secret on the same origin", func(h *hostile) { h.handle["/token"] = to(307, "/elsewhere") }, ErrProtocol},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := startHostile(t)
			test.change(h)
			if _, err := h.signIn(h.provider()); !errors.Is(err, test.want) {
				t.Errorf("sign-in = %v, want %v", err, test.want)
			}
			if strayed.Load() != 0 || h.count("/elsewhere") > 0 && test.want != nil {
				t.Error("a redirect was followed")
			}
		})
	}
}

func TestOrigin(t *testing.T) {
	same := map[string]string{
		"https://login.example.com/a":    "https://login.example.com:443",
		"http://127.0.0.1":               "http://127.0.0.1:80/b",
		"https://login.example.com:8443": "https://login.example.com:8443/",
	}
	for a, b := range same {
		if origin(parseURL(t, a)) != origin(parseURL(t, b)) {
			t.Errorf("%s and %s have different origins", a, b)
		}
	}
	first := parseURL(t, "https://login.example.com")
	for _, other := range []string{"http://login.example.com", "https://login.example.com:8443", "https://example.com"} {
		if origin(first) == origin(parseURL(t, other)) {
			t.Errorf("%s and %s have the same origin", first, other)
		}
	}
}

func parseURL(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestLogoutURL(t *testing.T) {
	h := startHostile(t)
	want := h.issuer + "/logout?client_id=rollcall&post_logout_redirect_uri=" + url.QueryEscape(signedOutURL) + "&ui=en"
	if got, ok := h.provider().LogoutURL(t.Context()); got != want || !ok {
		t.Errorf("LogoutURL() = %s, %t, want %s", got, ok, want)
	}
	h.discovery = fields{"end_session_endpoint": absent{}}
	if got, ok := h.provider().LogoutURL(t.Context()); ok {
		t.Errorf("LogoutURL() = %s, want none, because the provider has none", got)
	}
}

func TestCheck(t *testing.T) {
	h := startHostile(t)
	p := h.provider()
	want := ProviderReport{Keys: 1, UserInfo: true, PKCE: true, EndSession: true, BackChannelLogout: true}
	if got, err := p.Check(t.Context()); got != want || err != nil {
		t.Errorf("Check() = %+v, %v, want %+v", got, err, want)
	}
	h.change(func() {
		h.discovery = fields{"userinfo_endpoint": absent{}, "code_challenge_methods_supported": absent{},
			"end_session_endpoint": absent{}, "backchannel_logout_supported": false}
	})
	if got, err := p.Check(t.Context()); got != (ProviderReport{Keys: 1}) || err != nil {
		t.Errorf("Check() = %+v, %v, want one key and nothing else: it must ask each time", got, err)
	}
	h.change(func() { h.published = nil })
	if _, err := p.Check(t.Context()); !errors.Is(err, ErrProtocol) {
		t.Errorf("Check() without keys = %v, want ErrProtocol", err)
	}
	h.change(func() { h.handle["/keys"] = func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(503) } })
	if _, err := p.Check(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Check() with keys that can't be fetched = %v, want ErrUnavailable", err)
	}
}

// TestNobodyListens: a refused connection is an unavailable provider.
func TestNobodyListens(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	p := newHostile(t, server.URL).provider()
	before := time.Now()
	if _, _, err := p.Start(t.Context(), IntentSignIn, "", ""); !errors.Is(err, ErrUnavailable) {
		t.Errorf("Start() = %v, want ErrUnavailable", err)
	}
	if since, err := p.Down(); since.Before(before) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("Down() = %v, %v, want since now", since, err)
	}
}
