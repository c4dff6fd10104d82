package handlers

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestClientAddress(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"),
		netip.MustParsePrefix("::ffff:172.16.0.0/108")}
	const proxy, stranger = "10.0.0.1:5000", "192.0.2.9:5000"
	tests := []struct {
		name, peer, want string
		onFly            bool
		header           http.Header
	}{
		{"direct", stranger, "192.0.2.9", false, nil},
		{"a stranger claims another address", stranger, "192.0.2.9", true, http.Header{
			"X-Forwarded-For": {"1.1.1.1"}, "Fly-Client-Ip": {"1.1.1.1"}, "X-Real-Ip": {"1.1.1.1"},
			"Forwarded": {"for=1.1.1.1"}}},
		{"proxy without a header", proxy, "10.0.0.1", false, nil},
		{"proxy", proxy, "1.1.1.1", false, http.Header{"X-Forwarded-For": {"1.1.1.1"}}},
		{"the client's forged entry is further left", proxy, "1.1.1.1", false,
			http.Header{"X-Forwarded-For": {"9.9.9.9, 1.1.1.1"}}},
		{"two proxies", proxy, "1.1.1.1", false, http.Header{"X-Forwarded-For": {"9.9.9.9, 1.1.1.1, 10.2.3.4"}}},
		{"a client that claims to be a proxy", proxy, "10.9.9.9", false, http.Header{"X-Forwarded-For": {"10.9.9.9"}}},
		{"several headers", proxy, "1.1.1.1", false, http.Header{"X-Forwarded-For": {"9.9.9.9", "1.1.1.1", "10.2.3.4"}}},
		{"nonsense from the client", proxy, "1.1.1.1", false, http.Header{"X-Forwarded-For": {"nonsense, 1.1.1.1"}}},
		{"nonsense from the proxy", proxy, "10.0.0.1", false, http.Header{"X-Forwarded-For": {"1.1.1.1, nonsense"}}},
		{"nonsense behind a proxy", proxy, "10.2.3.4", false, http.Header{"X-Forwarded-For": {"1.1.1.1, unknown, 10.2.3.4"}}},
		{"empty", proxy, "10.0.0.1", false, http.Header{"X-Forwarded-For": {""}}},
		{"with port", proxy, "1.1.1.1", false, http.Header{"X-Forwarded-For": {"1.1.1.1:4711"}}},
		{"IPv6", proxy, "2001:db8::1", false, http.Header{"X-Forwarded-For": {"2001:db8::1"}}},
		{"IPv6 with port and zone", proxy, "2001:db8::1", false, http.Header{"X-Forwarded-For": {"[2001:db8::1%eth0]:4711"}}},
		{"IPv4-mapped IPv6", "[::ffff:10.0.0.1]:1", "1.1.1.1", false, http.Header{"X-Forwarded-For": {"::ffff:1.1.1.1"}}},
		{"IPv4-mapped IPv6 prefix", "172.16.0.1:1", "1.1.1.1", false, http.Header{"X-Forwarded-For": {"1.1.1.1"}}},
		{"IPv6 proxy", "[fd00::1]:1", "1.1.1.1", false, http.Header{"X-Forwarded-For": {"1.1.1.1"}}},
		{"X-Real-IP is not read", proxy, "10.0.0.1", false, http.Header{"X-Real-Ip": {"1.1.1.1"}}},
		{"Fly", proxy, "1.1.1.1", true, http.Header{"Fly-Client-Ip": {"1.1.1.1"}, "X-Forwarded-For": {"2.2.2.2"}}},
		{"Fly's header elsewhere", proxy, "10.0.0.1", false, http.Header{"Fly-Client-Ip": {"1.1.1.1"}}},
		{"Fly's header twice", proxy, "invalid IP", true,
			http.Header{"Fly-Client-Ip": {"1.1.1.1", "3.3.3.3"}, "X-Forwarded-For": {"2.2.2.2"}}},
		{"Fly's header broken", proxy, "invalid IP", true,
			http.Header{"Fly-Client-Ip": {"x"}, "X-Forwarded-For": {"2.2.2.2"}}},
		{"Fly's header missing", proxy, "10.0.0.1", true, http.Header{"X-Forwarded-For": {"2.2.2.2"}}},
		{"endless chain", proxy, "10.0.0.2", false,
			http.Header{"X-Forwarded-For": {"1.1.1.1" + strings.Repeat(", 10.0.0.2", 500)}}},
		{"unix socket", "@", "invalid IP", false, http.Header{"X-Forwarded-For": {"1.1.1.1"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := newAddresses(trusted, tt.onFly, slog.New(slog.DiscardHandler))
			r := &http.Request{RemoteAddr: tt.peer, Header: tt.header}
			if got := a.of(r).String(); got != tt.want {
				t.Errorf("of(peer %s, %v) = %s, want %s", tt.peer, tt.header, got, tt.want)
			}
		})
	}
}

func TestPrefixOfAClient(t *testing.T) {
	a := newAddresses(nil, false, slog.New(slog.DiscardHandler))
	for peer, want := range map[string]string{
		"192.0.2.9:1":           "192.0.2.9/32",
		"[2001:db8:1:2:3::4]:1": "2001:db8:1:2::/64",
		"[::ffff:192.0.2.9]:1":  "192.0.2.9/32",
		"@":                     "invalid Prefix",
	} {
		if got := a.prefix(&http.Request{RemoteAddr: peer}).String(); got != want {
			t.Errorf("prefix(%s) = %s, want %s", peer, got, want)
		}
	}
}

// IPv6 clients count in the network of their site, too. All clients with unknown addresses count as one.
func TestNetworksOfAClient(t *testing.T) {
	a := newAddresses(nil, false, slog.New(slog.DiscardHandler))
	for peer, want := range map[string][]network{
		"192.0.2.9:1":           {{"192.0.2.9/32", 1}},
		"[2001:db8:1:2:3::4]:1": {{"2001:db8:1::/48", largerShare}, {"2001:db8:1:2::/64", 1}},
		"@":                     {{"unknown", 1}},
	} {
		if got := a.networks(&http.Request{RemoteAddr: peer}); !slices.Equal(got, want) {
			t.Errorf("networks(%s) = %v, want %v", peer, got, want)
		}
	}
}

// On Fly, a client can't escape its limit with a header that Fly's proxy would never send. Its X-Forwarded-For is
// ignored.
func TestUnknownAddressesOnFlyAreOne(t *testing.T) {
	t.Parallel()
	f := newFixture(t, trust("192.0.2.0/24"), func(cfg *Config) { cfg.OnFly, cfg.Limits.Logins = true, 3 })
	for i := range 4 {
		b := f.browser()
		b.header["Fly-Client-Ip"] = []string{fmt.Sprint("not an address ", i)}
		if i%2 == 0 {
			b.header["Fly-Client-Ip"] = []string{fmt.Sprintf("203.0.113.%d", i), fmt.Sprintf("198.51.100.%d", i)}
		}
		b.header.Set("X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i))
		want := http.StatusUnprocessableEntity
		if i == 3 {
			want = http.StatusTooManyRequests
		}
		wantStatus(t, "guess", b.login(fmt.Sprint("name", i), "guess"), want)
	}
}

// The log warns about a missing --trusted-proxies once, not with every request.
func TestUntrustedProxyIsLoggedOnce(t *testing.T) {
	f := newFixture(t)
	for range 20 {
		b := f.browser()
		b.header.Set("X-Forwarded-For", "1.1.1.1")
		b.get("/login")
	}
	if n := len(f.logs.lines("level=WARN", "--trusted-proxies", "192.0.2.1")); n != 1 {
		t.Errorf("%d warnings that name --trusted-proxies, want 1\n%s", n, f.logs)
	}
}

// Forged headers change neither limits nor cookies, redirects or the log.
func TestSpoofedHeadersChangeNothing(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Logins = 5 })
	spoof := func(i int) http.Header {
		address := fmt.Sprintf("203.0.113.%d", i)
		h := http.Header{}
		for name, value := range map[string]string{
			"X-Forwarded-For": address, "X-Real-Ip": address, "Fly-Client-Ip": address,
			"Forwarded":         "for=" + address + ";proto=https;host=evil.example",
			"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example", "X-Forwarded-Prefix": "/evil",
			"X-Original-Url": "/me.css",
			"X-Rewrite-Url":  "/me.css", "X-Webauth-User": "ada", "Remote-User": "ada", "X-Http-Method-Override": "DELETE",
			"X-Request-Id": "mine",
		} {
			h.Set(name, value)
		}
		return h
	}
	for i := range 6 {
		b := f.browser()
		b.header = spoof(i)
		want := http.StatusUnprocessableEntity
		if i == 5 {
			want = http.StatusTooManyRequests
		}
		a := b.login(fmt.Sprint("name", i), "guess")
		wantStatus(t, "guess", a, want)
		wantRedirect(t, "GET /", b.get("/"), "/login")
		if got := a.Header.Get("X-Request-Id"); got == "mine" || got == "" {
			t.Errorf("X-Request-Id = %q, want a generated one", got)
		}
	}
	f.person("ada")
	b := f.browser()
	b.header, b.remote = spoof(1), "192.0.2.2:1"
	wantRedirect(t, "POST /login", b.login("ada", goodPassword), "/")
	if c := b.cookie("rollcall"); c == nil || c.Secure {
		t.Errorf("session cookie = %v, want rollcall without Secure", c)
	}
	if found := f.logs.lines("203.0.113."); len(found) != 0 {
		t.Errorf("the log holds spoofed addresses: %q", found)
	}
	if found := f.logs.lines("request=mine"); len(found) != 0 {
		t.Errorf("the log holds the client's request id: %q", found)
	}
}

func TestTrustedProxyDecidesTheLimit(t *testing.T) {
	t.Parallel()
	f := newFixture(t, trust("192.0.2.0/24"), func(cfg *Config) { cfg.Limits.Logins = 2 })
	for i := range 6 {
		b := f.browser()
		b.header.Set("X-Forwarded-For", fmt.Sprintf("203.0.113.%d", i/3))
		want := http.StatusUnprocessableEntity
		if i%3 == 2 {
			want = http.StatusTooManyRequests
		}
		wantStatus(t, "guess from "+b.header.Get("X-Forwarded-For"), b.login(fmt.Sprint("name", i), "guess"), want)
	}
}

func FuzzForwardedFor(f *testing.F) {
	for _, seed := range []string{"", "1.1.1.1", "9.9.9.9, 1.1.1.1, 10.2.3.4", "[::1]:5", ",,,", "10.0.0.1,\x00",
		"::%zone"} {
		f.Add(seed)
	}
	a := newAddresses([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, false, slog.New(slog.DiscardHandler))
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "10.0.0.1:1"
		r.Header["X-Forwarded-For"] = []string{header}
		if got := a.of(r); !got.IsValid() || got.Zone() != "" || got.Is4In6() {
			t.Errorf("of(X-Forwarded-For: %q) = %v, want a plain address", header, got)
		}
	})
}
