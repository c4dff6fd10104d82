package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestHostsThatAreOurs(t *testing.T) {
	private := []string{"192.0.2.1", "192.0.2.1:8080", "[2001:db8::1]:8080", "board", "board:8080", "board.local",
		"board.internal.", "Board.Home.Arpa"}
	loopback := []string{"localhost", "LOCALHOST:8080", "localhost.", "a.localhost:1", "127.0.0.1:8080", "127.9.9.9",
		"[::1]", "[::1]:8080", "[::ffff:127.0.0.1]:1"}
	public := []string{"board.example", "board.example:8080", "BOARD.example", "board.example.", "board.example.:443"}
	never := []string{"", "evil.example", "board.example.evil.example", "evilboard.example", "sub.board.example",
		"board.example@evil.example",
		"evil.example#board.example", "evil.example/board.example", "board.example, evil.example", "127.0.0.1.evil.example",
		"localhost.evil.example",
		"evil.example:", "local", "[::1", "[::1%25lo]", "board.example:x", "user@localhost", ".", ":8080", "..",
		"xn--lcalhost-b1a.example"}
	for _, tt := range []struct {
		public   string
		loopback bool
		ours     [][]string
		foreign  [][]string
	}{
		{"https://Board.Example", false, [][]string{public}, [][]string{private, loopback, never}},
		{"https://board.example:8443/rollcall", false, [][]string{public}, [][]string{private, loopback, never}},
		{"https://board.example", true, [][]string{public, loopback}, [][]string{private, never}},
		{"http://[2001:DB8::1]:8080", false, [][]string{{"[2001:db8::1]:8080", "[2001:db8:0::1]"}},
			[][]string{public, loopback, never}},
		{"", true, [][]string{loopback}, [][]string{private, public, never}},
		{"", false, [][]string{private, loopback}, [][]string{public, never}},
	} {
		var u *url.URL
		if tt.public != "" {
			u, _ = url.Parse(tt.public)
		}
		place, err := newSite(u)
		if err != nil {
			t.Fatal(err)
		}
		check := func(lists [][]string, want bool) {
			for _, list := range lists {
				for _, host := range list {
					if host == "local" && tt.public == "" && !tt.loopback {
						continue // a name of one word
					}
					if got := place.answersTo(host, tt.loopback); got != want {
						t.Errorf("public URL %q, loopback %t: answersTo(%q) = %t, want %t",
							tt.public, tt.loopback, host, got, want)
					}
				}
			}
		}
		check(tt.ours, true)
		check(tt.foreign, false)
	}
}

// A foreign domain that points at this server gets no page, no form and no socket. Probes may use any host.
func TestForeignHost(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ public, base, says string }{
		{"https://board.example", "", "https://board.example/"},
		{"https://board.example/rollcall", "/rollcall", "https://board.example/rollcall/"}, {"", "", "IP address"},
	} {
		var changes []func(*Config)
		if tt.public != "" {
			changes = append(changes, publicURL(t, tt.public))
		}
		f := newFixture(t, changes...)
		zoe := f.member("zoe") // "zoe" can't occur in a hexadecimal request id
		zoe.host = "rebound.example"
		for _, path := range []string{"/", "/login", "/signup", "/me", "/settings", "/settings/my-data.json", "/me.css"} {
			a := zoe.get(tt.base + path)
			wantStatus(t, "GET "+path, a, http.StatusMisdirectedRequest)
			if !strings.Contains(a.body, tt.says) || strings.Contains(a.body, "zoe") {
				t.Errorf("GET %s doesn't say %q, or names the person:\n%s", path, tt.says, a.body)
			}
		}
		for _, path := range []string{"/login", "/signup", "/logout", "/me/status", "/settings/password"} {
			wantStatus(t, "POST "+path,
				zoe.do("POST", tt.base+path, url.Values{"username": {"eve"}, "password": {goodPassword}}),
				http.StatusMisdirectedRequest)
		}
		for _, path := range []string{"/healthz", "/readyz", tt.base + "/healthz", tt.base + "/readyz"} {
			wantStatus(t, "GET "+path, zoe.get(path), http.StatusOK)
		}
		zoe.header = http.Header{"Origin": {"http://rebound.example"}, "Connection": {"Upgrade"}, "Upgrade": {"websocket"},
			"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
		wantStatus(t, "GET /ws", zoe.get(tt.base+"/ws"), http.StatusMisdirectedRequest)
		if n := len(f.logs.lines("level=WARN", "another host", "rebound.example")); n != 1 {
			t.Errorf("%d warnings that name the host, want 1\n%s", n, f.logs)
		}
	}
}

// Every route checks the host, except the probes, the assets and the icons.
func TestEveryRouteChecksTheHost(t *testing.T) {
	f := newFixture(t)
	for _, r := range f.server.echo.Routes() {
		path := strings.ReplaceAll(r.Path, "*", "x")
		b := f.browser()
		b.host = "rebound.example"
		anyHost := path == "/healthz" || path == "/readyz" || strings.HasPrefix(path, "/a/") ||
			strings.HasPrefix(path, "/favicon.")
		if got := b.do(r.Method, path, url.Values{}).StatusCode; (got == http.StatusMisdirectedRequest) == anyHost {
			t.Errorf("%s %s for another host = %d, want 421: %t", r.Method, r.Path, got, !anyHost)
		}
	}
}
