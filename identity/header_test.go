package identity

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}

func newHeader(t *testing.T, cfg HeaderConfig) *Header {
	t.Helper()
	if cfg.Proxies == nil {
		cfg.Proxies = loopback
	}
	h, err := NewHeader(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestNewHeader(t *testing.T) {
	prefixes := func(texts ...string) (all []netip.Prefix) {
		for _, text := range texts {
			all = append(all, netip.MustParsePrefix(text))
		}
		return all
	}
	for _, tt := range []struct {
		name    string
		proxies []netip.Prefix
		want    string // in the error; "" for none
	}{
		{"Remote-User", prefixes("127.0.0.1/32"), ""},
		{"x-forwarded-user", prefixes("10.0.0.0/8", "fc00::/7", "::1/128"), ""},
		{"Remote-User", nil, "list the addresses"},
		{"Remote-User", prefixes("0.0.0.0/0"), "too wide"},
		{"Remote-User", prefixes("::/0"), "too wide"},
		{"Remote-User", prefixes("::ffff:0:0/96"), "too wide"},
		{"Remote-User", prefixes("10.0.0.1/32", "0.0.0.0/1", "128.0.0.0/1"), "too wide"},
		{"Remote-User", prefixes("10.0.0.0/7"), "too wide"},
		{"Remote-User", prefixes("fc00::/6"), "too wide"},
		{"Remote-User", []netip.Prefix{{}}, "address is invalid"},
		{"Remote_User", prefixes("127.0.0.1/32"), "underscores"},
		{"", prefixes("127.0.0.1/32"), "isn't a name"},
		{"Remote User", prefixes("127.0.0.1/32"), "isn't a name"},
		{"Remote-User:", prefixes("127.0.0.1/32"), "isn't a name"},
		{strings.Repeat("x", 65), prefixes("127.0.0.1/32"), "isn't a name"},
		{"cf-access-authenticated-user-email", prefixes("127.0.0.1/32"), "can be forged"},
	} {
		h, err := NewHeader(HeaderConfig{Name: tt.name, Proxies: tt.proxies})
		if tt.want == "" {
			if err != nil || h.Issuer() != "proxy:"+http.CanonicalHeaderKey(tt.name) {
				t.Errorf("NewHeader(%s, %v) = %v, want success", tt.name, tt.proxies, err)
			}
		} else if err == nil || !strings.Contains(err.Error(), tt.want) || h != nil {
			t.Errorf("NewHeader(%s, %v) = %v, want an error with %q", tt.name, tt.proxies, err, tt.want)
		}
	}
	for _, want := range []bool{false, true} {
		if got := newHeader(t, HeaderConfig{Name: "Remote-User", SignUp: want}).SignUp(); got != want {
			t.Errorf("SignUp = %t, want %t", got, want)
		}
	}
}

// answers starts a server that answers with what Identify returns for the peer of the connection.
func answers(t *testing.T, h *Header) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // a trailer is known after the body
		user, err := h.Identify(r, netip.MustParseAddrPort(r.RemoteAddr).Addr())
		if err != nil && user != (HeaderUser{}) {
			t.Errorf("Identify = %+v with %v, want nobody with an error", user, err)
		}
		fmt.Fprintf(w, "%s %v", user.Value, err)
	}))
	t.Cleanup(server.Close)
	return server
}

// send writes a request with these header lines and returns the body of the response.
func send(t *testing.T, server *httptest.Server, lines ...string) string {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: board\r\n"+strings.Join(lines, "\r\n")); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestHeaderOnTheWire(t *testing.T) {
	server := answers(t, newHeader(t, HeaderConfig{Name: "Remote-User"}))
	for _, tt := range []struct {
		lines []string
		want  error
	}{
		{[]string{"Remote-User: ada"}, nil},
		{[]string{"REMOTE-USER:  ada "}, nil},
		{[]string{"Remote_User: bob", "Remote-User: ada", "RemoteUser: bob"}, nil},
		{nil, ErrNoHeader},
		{[]string{"Remote-User:"}, ErrNoHeader},
		{[]string{"Remote_User: ada"}, ErrNoHeader},
		{[]string{"X-Remote-User: ada"}, ErrNoHeader},
		{[]string{"Remote-User: ada", "Remote-User: bob"}, ErrHeaderRepeated},
		{[]string{"Remote-User: ada", "remote-user: ada"}, ErrHeaderRepeated},
		{[]string{"Remote-User:", "Remote-User: ada"}, ErrHeaderRepeated},
		{[]string{"Remote-User: bob, ada"}, ErrHeaderValue},
		{[]string{"Remote-User: ada", " bob"}, ErrHeaderValue}, // one value on two lines
	} {
		want := fmt.Sprintf(" %v", tt.want)
		if tt.want == nil {
			want = "ada <nil>"
		}
		lines := append([]string{"Content-Length: 0"}, append(tt.lines, "", "")...)
		if got := send(t, server, lines...); got != want {
			t.Errorf("request with %q = %q, want %q", tt.lines, got, want)
		}
	}
	trailer := send(t, server, "Transfer-Encoding: chunked", "Trailer: Remote-User", "", "1", "x", "0",
		"Remote-User: ada", "", "")
	if want := fmt.Sprintf(" %v", ErrNoHeader); trailer != want {
		t.Errorf("request with a trailer = %q, want %q", trailer, want)
	}
	server = answers(t, newHeader(t, HeaderConfig{Name: "Remote-User",
		Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}))
	got := send(t, server, "Remote-User: ada", "Content-Length: 0", "", "")
	if want := fmt.Sprintf(" %v", ErrHeaderPeer); got != want {
		t.Errorf("request from a peer that isn't listed = %q, want %q", got, want)
	}
}

// A client can make a proxy drop a header by naming it in Connection. That only signs the client out.
func TestHeaderThroughProxy(t *testing.T) {
	server := answers(t, newHeader(t, HeaderConfig{Name: "Remote-User"}))
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	for name, proxy := range map[string]*httputil.ReverseProxy{
		"rewrite": {Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Header.Set("Remote-User", "ada") }},
		"director": {Director: func(r *http.Request) {
			r.URL.Scheme, r.URL.Host = target.Scheme, target.Host
			r.Header.Set("Remote-User", "ada")
		}},
		"forgetful": {Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Header.Del("Remote-User") }},
	} {
		front := httptest.NewServer(proxy)
		defer front.Close()
		wants := [2]string{"ada <nil>", "ada <nil>"}
		switch name {
		case "director":
			wants[1] = fmt.Sprintf(" %v", ErrNoHeader)
		case "forgetful":
			wants[0], wants[1] = fmt.Sprintf(" %v", ErrNoHeader), fmt.Sprintf(" %v", ErrNoHeader)
		}
		for i, connection := range []string{"close", "close, Remote-User"} {
			got := send(t, front, "Connection: "+connection, "Remote-User: mallory", "Content-Length: 0", "", "")
			if got != wants[i] {
				t.Errorf("request with Connection: %s through the %s = %q, want %q", connection, name, got, wants[i])
			}
		}
	}
}

func TestHeaderValues(t *testing.T) {
	h := newHeader(t, HeaderConfig{Name: "Remote-User"})
	identify := func(value string) (HeaderUser, error) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["Remote-User"] = []string{value}
		return h.Identify(r, netip.MustParseAddr("127.0.0.1"))
	}
	for _, value := range []string{"ada", "Ada.Lovelace-1", "_svc", "ada@board.example", "o'brien+x@board.example",
		"ada@github", strings.Repeat("a", 254)} {
		if user, err := identify(value); err != nil || user != (HeaderUser{Value: value}) {
			t.Errorf("Identify(%.60q) = %+v, %v, want it", value, user, err)
		}
	}
	for _, value := range []string{
		"{http.reverse_proxy.header.Remote-User}", "a{b", "a}b", "${user}", "a\tb", "a\x00b", "ada\n", "\x7f", "a b", " ada",
		"ada,bob", "ada;bob", "-", "@board.example", "a@b@c", "ada@", `"ada"`, "<ada>", `CORP\ada`, "cn=ada", "ada/../bob",
		"josé", "\xff", "\u0430da" /* a Cyrillic letter */, strings.Repeat("a", 255),
	} {
		if user, err := identify(value); !errors.Is(err, ErrHeaderValue) || user != (HeaderUser{}) {
			t.Errorf("Identify(%.60q) = %+v, %v, want %v", value, user, err, ErrHeaderValue)
		}
	}
}

func TestHeaderPeers(t *testing.T) {
	var proxies []netip.Prefix
	for _, text := range []string{"10.1.2.3/8", "::ffff:192.0.2.0/120", "fe80::/64"} {
		proxies = append(proxies, netip.MustParsePrefix(text))
	}
	h := newHeader(t, HeaderConfig{Name: "Remote-User", Proxies: proxies})
	for peer, want := range map[string]error{
		"10.0.0.1": nil, "10.255.0.1": nil, "::ffff:10.0.0.1": nil, "192.0.2.9": nil, "::ffff:192.0.2.9": nil,
		"fe80::1%eth0": nil, "11.0.0.1": ErrHeaderPeer, "192.0.3.9": ErrHeaderPeer, "::1": ErrHeaderPeer,
		"fe80:0:0:1::1": ErrHeaderPeer, "": ErrHeaderPeer,
	} {
		var addr netip.Addr // of a Unix socket
		if peer != "" {
			addr = netip.MustParseAddr(peer)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Remote-User", "ada")
		if _, err := h.Identify(r, addr); !errors.Is(err, want) {
			t.Errorf("Identify with peer %q = %v, want %v", peer, err, want)
		}
		// Without the header, it doesn't matter who the peer is.
		if _, err := h.Identify(httptest.NewRequest("GET", "/", nil), addr); !errors.Is(err, ErrNoHeader) {
			t.Errorf("Identify without header and with peer %q = %v, want %v", peer, err, ErrNoHeader)
		}
	}
}

func TestTailscale(t *testing.T) {
	h := newHeader(t, HeaderConfig{Name: "tailscale-user-login"})
	for _, tt := range []struct {
		login, name, funnel []string
		want                HeaderUser
		err                 error
	}{
		{login: []string{"Ada@Board.example"}, name: []string{"Ada Lovelace"},
			want: HeaderUser{Value: "ada@board.example", Name: "Ada Lovelace"}},
		{login: []string{"ada@github"}, name: []string{"=?utf-8?q?Zo=C3=AB?="},
			want: HeaderUser{Value: "ada@github", Name: "Zoë"}},
		{login: []string{"ada@github"}, name: []string{"a\xffb"}, want: HeaderUser{Value: "ada@github", Name: "ab"}},
		{login: []string{"ada@github"}, want: HeaderUser{Value: "ada@github"}},
		{login: []string{"ada@github"}, name: []string{"a", "b"}, want: HeaderUser{Value: "ada@github"}},
		{login: []string{"ada@github"}, name: []string{"=?utf-8?q?a=0Ab?="}, want: HeaderUser{Value: "ada@github"}},
		{login: []string{"ada@github"}, name: []string{"=?koi8-r?q?a?="}, want: HeaderUser{Value: "ada@github"}},
		{login: []string{"ada@github"}, name: []string{strings.Repeat("x", 513)}, want: HeaderUser{Value: "ada@github"}},
		{login: []string{"=?utf-8?q?Zo=C3=AB?="}, err: ErrHeaderValue},
		{login: []string{"ada@github", "bob@github"}, err: ErrHeaderRepeated},
		{login: []string{"ada@github"}, funnel: []string{"?1"}, err: ErrHeaderFunnel},
		{login: []string{"ada@github"}, funnel: []string{""}, err: ErrHeaderFunnel},
		{funnel: []string{"?1"}, err: ErrHeaderFunnel},
		{err: ErrNoHeader}, // a tagged node
	} {
		r := httptest.NewRequest("GET", "/", nil)
		for name, values := range map[string][]string{
			tailscaleLogin: tt.login, tailscaleName: tt.name, tailscaleFunnel: tt.funnel,
		} {
			if values != nil {
				r.Header[name] = values
			}
		}
		if got, err := h.Identify(r, netip.MustParseAddr("127.0.0.1")); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("Identify(%v) = %+v, %v, want %+v, %v", r.Header, got, err, tt.want, tt.err)
		}
	}
	// Only Tailscale sets the header for Funnel. Behind another proxy, it's the client's.
	h = newHeader(t, HeaderConfig{Name: "Remote-User"})
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = http.Header{"Remote-User": {"ada"}, tailscaleFunnel: {"?1"}}
	if user, err := h.Identify(r, netip.MustParseAddr("127.0.0.1")); err != nil || user.Value != "ada" {
		t.Errorf("Identify with another header = %+v, %v, want ada", user, err)
	}
}
