//go:build linux

package e2e_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// TestProxies runs nginx and Caddy with the files from deploy/, in front of a real server.
func TestProxies(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, host, base string
		start            func(*testing.T, *server) *tlsProxy
	}{
		{"nginx", "board.example.org", "",
			func(t *testing.T, s *server) *tlsProxy { return startNginx(t, "root.conf", "board.example.org", s) }},
		{"nginx under a path", "www.example.org", "/rollcall",
			func(t *testing.T, s *server) *tlsProxy { return startNginx(t, "path.conf", "www.example.org", s) }},
		{"caddy", "board.example.org", "", func(t *testing.T, s *server) *tlsProxy {
			return startCaddy(t, "root.Caddyfile", "board.example.org", s)
		}},
		{"caddy under a path", "www.example.org", "/rollcall", func(t *testing.T, s *server) *tlsProxy {
			return startCaddy(t, "path.Caddyfile", "www.example.org", s)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			patient(t)
			s := startServer(t, "--public-url=https://"+tt.host+tt.base+"/", "--trusted-proxies=127.0.0.1",
				"--signup=open", "--limit-signups=2", "--limit-sockets-user=0", "--limit-sockets-address=0")
			g := tt.start(t, s)
			anna := g.visitor(t, "127.0.0.1")
			anna.base = tt.base
			anna.checkSignUp("anna")
			anna.checkLinks()
			checkSignUpLimit(t, g, tt.base)
			anna.checkRequestID(s)
			streams := anna.openStreams(s)
			anna.checkSockets(s)
			for _, x := range streams {
				x.until(patience, `"restart"`)
			}
			if strings.HasPrefix(tt.name, "caddy") {
				anna.checkRestart(s)
			}
		})
	}
}

// proxyClient is a client of a tlsProxy with its own IP address.
type proxyClient struct {
	t      *testing.T
	g      *tlsProxy
	base   string
	from   string
	client *http.Client
}

func (g *tlsProxy) visitor(t *testing.T, from string) *proxyClient {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &proxyClient{t: t, g: g, from: from}
	transport := &http.Transport{DialContext: v.dial, TLSClientConfig: &tls.Config{RootCAs: g.pool},
		ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	v.client = &http.Client{
		Transport: transport, Jar: jar, Timeout: startWait,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return v
}

// dial connects to the proxy from the client's address, whatever the host name.
func (v *proxyClient) dial(ctx context.Context, network, _ string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(v.from)}}
	return d.DialContext(ctx, network, v.g.addr)
}

// ask sends one request and returns the response and its body.
func (v *proxyClient) ask(method, path string, form url.Values) (*http.Response, string) {
	v.t.Helper()
	r, err := http.NewRequest(method, "https://"+v.g.host+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "https://"+v.g.host)
		r.Header.Set("X-Forwarded-For", "203.0.113.7") // forged
		r.Header.Set("X-Real-Ip", "203.0.113.7")
	}
	answer, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return answer, string(body)
}

func (v *proxyClient) signUp(username string) *http.Response {
	v.t.Helper()
	answer, _ := v.ask("POST", v.base+"/signup", url.Values{"username": {username}, "password": {password}})
	return answer
}

// checkSignUp follows the redirects to the sign-in page, signs up, and checks the cookies.
func (v *proxyClient) checkSignUp(username string) {
	v.t.Helper()
	if v.base != "" {
		v.wantRedirect(v.base, v.base+"/")
	}
	v.wantRedirect(v.base+"/", v.base+"/login")
	answer := v.signUp(username)
	if got := answer.Header.Get("Location"); answer.StatusCode != http.StatusSeeOther || got != v.base+"/" {
		v.t.Fatalf("POST %s/signup = %d to %q, want 303 to %s/", v.base, answer.StatusCode, got, v.base)
	}
	name, path := "__Host-rollcall", "/"
	if v.base != "" {
		name, path = "__Secure-rollcall", v.base
	}
	var names []string
	for _, c := range answer.Cookies() {
		names = append(names, c.Name)
		if c.Path != path || !c.Secure || !c.HttpOnly {
			v.t.Errorf("cookie %s: path %q, secure %t, http only %t, want %q and both flags",
				c.Name, c.Path, c.Secure, c.HttpOnly, path)
		}
		if !strings.HasPrefix(c.Name, name) {
			v.t.Errorf("cookie %s, want one that begins with %s", c.Name, name)
		}
	}
	if len(names) == 0 || answer.Header.Get("Strict-Transport-Security") == "" {
		v.t.Errorf("cookies %q and header %v, want a session and Strict-Transport-Security", names, answer.Header)
	}
}

func (v *proxyClient) wantRedirect(from, to string) {
	v.t.Helper()
	answer, _ := v.ask("GET", from, nil)
	if got := answer.Header.Get("Location"); answer.StatusCode/100 != 3 || got != to {
		v.t.Errorf("GET %s = %d to %q, want a redirect to %s", from, answer.StatusCode, got, to)
	}
}

// link matches every attribute that refers to another URL.
var link = regexp.MustCompile(`(?:href|src|action|data-login|data-zone|hx-(?:get|post|ws:connect))="([^"#][^"]*)"`)

// checkLinks opens all pages and checks that every URL in them is under the base path and exists.
func (v *proxyClient) checkLinks() {
	v.t.Helper()
	seen := map[string]bool{v.base + "/logout": true}
	for _, page := range []string{"/", "/me", "/settings", "/settings/stored", "/login", "/signup", "/nothing"} {
		_, body := v.ask("GET", v.base+page, nil)
		for _, m := range link.FindAllStringSubmatch(body, -1) {
			to := html.UnescapeString(m[1])
			if to[0] == '?' {
				to = v.base + page + to
			}
			if !strings.HasPrefix(to, v.base+"/") || strings.HasPrefix(to, "//") {
				v.t.Errorf("%s links to %q, want it under %s/", page, to, v.base)
			}
			if seen[to] {
				continue
			}
			seen[to] = true
			if answer, _ := v.ask("GET", to, nil); answer.StatusCode == http.StatusNotFound || answer.StatusCode >= 500 {
				v.t.Errorf("GET %s, which %s links to, = %d", to, page, answer.StatusCode)
			}
		}
	}
	if len(seen) < 12 {
		v.t.Errorf("the pages link to %d URLs, want 12 or more", len(seen))
	}
}

// checkSignUpLimit checks that sign-ups are limited by the client's real address, not by the proxy's, and not by the
// one that the client claims.
func checkSignUpLimit(t *testing.T, g *tlsProxy, base string) {
	t.Helper()
	for i, tt := range []struct {
		from string
		want int
	}{
		{"127.0.0.1", http.StatusSeeOther}, {"127.0.0.1", http.StatusTooManyRequests}, {"127.0.0.2", http.StatusSeeOther},
	} {
		v := g.visitor(t, tt.from)
		v.base = base
		if got := v.signUp(fmt.Sprintf("guest%d", i)).StatusCode; got != tt.want {
			t.Errorf("sign-up %d, from %s, = %d, want %d", i+1, tt.from, got, tt.want)
		}
	}
}

// checkRequestID checks that the proxy sets the ID of a request, which the server logs too, and ignores the client's.
func (v *proxyClient) checkRequestID(s *server) {
	v.t.Helper()
	r, err := http.NewRequest(http.MethodGet, "https://"+v.g.host+v.base+"/login", nil)
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("X-Request-Id", "mine")
	answer, err := v.client.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	answer.Body.Close()
	id := answer.Header.Get("X-Request-Id")
	if len(id) < 32 { // the server's own IDs have 16 characters
		v.t.Errorf("X-Request-Id through the proxy = %q, want one set by the proxy", id)
	}
	err = within(patience, func() (bool, string) { // the line is written after the response
		return strings.Contains(s.log.String(), "request="+id), "no line of the log has this ID"
	})
	if err != nil || strings.Contains(s.log.String(), "request=mine") {
		v.t.Errorf("the request %s: %v; or the log has the client's ID", id, err)
	}
}

// checkRestart checks that a request during a restart of the server waits for it and gets no error.
func (v *proxyClient) checkRestart(s *server) {
	v.t.Helper()
	asked, answered := make(chan struct{}), make(chan int, 1)
	go func() {
		r, err := http.NewRequest(http.MethodGet, "https://"+v.g.host+v.base+"/signup", nil)
		if err != nil {
			panic(err) // the address is a constant
		}
		close(asked)
		answer, err := v.client.Do(r)
		if err != nil {
			v.t.Error(err)
			answered <- 0
			return
		}
		answer.Body.Close()
		answered <- answer.StatusCode
	}()
	<-asked
	s.start()
	if got := <-answered; got != http.StatusOK && got != http.StatusSeeOther {
		v.t.Errorf("GET %s/signup while the server was down = %d, want 200 or 303 once it is back", v.base, got)
	}
}
