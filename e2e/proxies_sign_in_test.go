//go:build linux

package e2e_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// gatekeeper stands in for Authelia and oauth2-proxy. It names to the server the person in the cookie "who", or nobody
// if that is "-".
func gatekeeper(t *testing.T, header string) (addr string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, err := r.Cookie("who")
		switch {
		case r.URL.Path == "/oauth2/sign_in":
		case err != nil && r.URL.Path == "/api/authz/forward-auth":
			http.Redirect(w, r, "https://auth.example.org/", http.StatusFound)
		case err != nil:
			w.Header().Set("Location", "https://auth.example.org/")
			w.WriteHeader(http.StatusUnauthorized)
		case who.Value != "-":
			w.Header().Set(header, who.Value)
		}
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// TestSignInByProxy runs nginx and Caddy with the files from deploy/ that ask Authelia or oauth2-proxy who somebody is.
func TestSignInByProxy(t *testing.T) {
	t.Parallel()
	const host = "board.example.org"
	for _, tt := range []struct {
		name, header, from string // from: where the file expects the program
		start              func(*testing.T, string, string, *server, ...string) *tlsProxy
		signIn             string
	}{
		{"authelia.conf", "Remote-User", "127.0.0.1:9091", startNginx, "https://auth.example.org/"},
		{"oauth2-proxy.conf", "X-Auth-Request-Email", "127.0.0.1:4180", startNginx, "/oauth2/sign_in?rd="},
		{"authelia.Caddyfile", "Remote-User", "127.0.0.1:9091", startCaddy, "https://auth.example.org/"},
		{"oauth2-proxy.Caddyfile", "X-Auth-Request-Email", "127.0.0.1:4180", startCaddy, "/oauth2/sign_in?rd="},
	} {
		t.Run(tt.name, func(t *testing.T) {
			patient(t)
			s := startServer(t, "--public-url=https://"+host, "--trusted-proxies=127.0.0.1", "--auth-header="+tt.header,
				"--auth-proxies=127.0.0.1", "--auth-header-signup")
			s.addUser("first")
			g := tt.start(t, tt.name, host, s, tt.from, gatekeeper(t, tt.header))
			checkSignInByProxy(t, g, tt.header, tt.signIn)
		})
	}
}

// checkSignInByProxy checks whom Rollcall sees behind g.
func checkSignInByProxy(t *testing.T, g *tlsProxy, header, signIn string) {
	t.Helper()
	stranger := g.visitor(t, "127.0.0.1")
	stranger.client.Transport = forging{stranger.client.Transport, header}
	answer, _ := stranger.ask("GET", "/login", nil)
	if to := answer.Header.Get("Location"); answer.StatusCode != http.StatusFound || !strings.Contains(to, signIn) {
		t.Errorf("a stranger gets %d to %q, want 302 to %s", answer.StatusCode, to, signIn)
	}
	stranger.become("-")
	if answer, body := stranger.ask("GET", "/login", nil); answer.StatusCode != http.StatusOK || strings.Contains(body, "/continue") {
		t.Errorf("a forged header of somebody without a name counts: %d\n%s", answer.StatusCode, body)
	}
	stranger.become("ada")
	_, body := stranger.ask("GET", "/login", nil)
	if !strings.Contains(body, `name="as" value="ada"`) || strings.Contains(body, "mallory") {
		t.Errorf("a forged header isn't replaced:\n%s", body)
	}
	answer, body = stranger.ask("POST", "/continue", url.Values{"as": {"ada"}})
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/" {
		t.Fatalf("POST /continue = %d to %q, want 303 to /\n%s", answer.StatusCode, answer.Header.Get("Location"), body)
	}
	if answer, _ := stranger.ask("GET", "/", nil); answer.StatusCode != http.StatusOK {
		t.Errorf("GET / as ada = %d, want 200", answer.StatusCode)
	}
	if !stranger.socketOpens() {
		t.Error("the socket of ada doesn't open")
	}
	stranger.become("bob")
	if answer, _ := stranger.ask("GET", "/", nil); answer.StatusCode != http.StatusSeeOther {
		t.Errorf("GET / with the session of ada, as bob = %d, want 303", answer.StatusCode)
	}
	if stranger.socketOpens() {
		t.Error("the session of ada opens a socket for bob")
	}
}

// forging adds a header that only the proxy may set.
type forging struct {
	next   http.RoundTripper
	header string
}

func (f forging) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(f.header, "mallory")
	return f.next.RoundTrip(r)
}

// become changes whom the gatekeeper sees.
func (v *proxyClient) become(who string) {
	v.client.Jar.SetCookies(&url.URL{Scheme: "https", Host: v.g.host}, []*http.Cookie{{Name: "who", Value: who, Path: "/"}})
}

// socketOpens reports whether a live connection stays open.
func (v *proxyClient) socketOpens() bool {
	v.t.Helper()
	dialer := websocket.Dialer{NetDialContext: v.dial, Jar: v.client.Jar, TLSClientConfig: &tls.Config{RootCAs: v.g.pool}}
	conn, _, err := dialer.Dial("wss://"+v.g.host+"/ws?only=me&v=", http.Header{"Origin": {"https://" + v.g.host}})
	if err != nil {
		v.t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		v.t.Fatal(err)
	}
	_, _, err = conn.ReadMessage()
	return !websocket.IsCloseError(err, websocket.ClosePolicyViolation)
}
