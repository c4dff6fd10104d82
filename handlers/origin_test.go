package handlers

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOriginOfSockets(t *testing.T) {
	t.Parallel()
	hostile := []string{
		"", "null", "https://evil.example", "http://evil.example", "https://board.example.evil.example",
		"https://evilboard.example",
		"https://board.example:8443", "https://board.example:443", "http://board.example", "https://board.example/",
		"https://board.example.",
		"https://BOARD.example", "HTTPS://board.example", "https://user@board.example", "https://user:pw@board.example",
		"https://board.example@evil.example",
		"ws://board.example", "wss://board.example", "ftp://board.example", "file://", "file:///etc/passwd",
		"chrome-extension://board.example",
		"https://board.example, https://evil.example", "https://board.example https://evil.example", " https://board.example",
		"https://board.example ",
		"//board.example", "board.example", "https:board.example", "https://", "https://board.example#",
		"https://board.example?", "https://sub.board.example",
		"https://board.example\x00", "https://xn--board.example", "javascript://board.example", "data:text/html,x",
		"blob:https://board.example", "*",
		"http://board.example:8080", "http://127.0.0.1", "http://localhost", "http://[::1]", "about:blank",
	}
	tests := []struct {
		public, host, want string
	}{
		{"https://board.example", "board.example", "https://board.example"},
		{"https://board.example", "10.0.0.7:8080", "https://board.example"}, // checkHost checks the Host, not originAllowed
		{"https://Board.Example:443/", "board.example", "https://board.example"},
		{"https://board.example:8443", "board.example:8443", "https://board.example:8443"},
		{"http://board.example:80", "board.example", "http://board.example"},
		{"https://board.example/rollcall", "board.example", "https://board.example"},
		{"", "board.example", "http://board.example"},
		{"", "board.example:8080", "http://board.example:8080"},
		{"", "127.0.0.1:8080", "http://127.0.0.1:8080"},
		{"", "[::1]:8080", "http://[::1]:8080"},
		{"", "user@board.example", ""},
		{"", "", ""},
		{"", "board.example/x", ""},
	}
	for _, tt := range tests {
		t.Run(tt.public+" "+tt.host, func(t *testing.T) {
			var changes []func(*Config)
			if tt.public != "" {
				changes = append(changes, publicURL(t, tt.public))
			}
			s := newFixture(t, changes...).server
			request := func(origins ...string) *http.Request {
				r := httptest.NewRequest("GET", "/ws", nil)
				r.Host = tt.host
				r.Header["Origin"] = origins
				return r
			}
			if tt.want != "" && !s.originAllowed(request(tt.want)) {
				t.Errorf("originAllowed(%q) = false, want true", tt.want)
			}
			for _, origin := range append(hostile, "http://"+tt.host, "https://"+tt.host) {
				if origin != tt.want && s.originAllowed(request(origin)) {
					t.Errorf("originAllowed(%q) = true, want false", origin)
				}
			}
			if s.originAllowed(request()) {
				t.Error("originAllowed without Origin = true, want false")
			}
			if s.originAllowed(request(tt.want, "https://evil.example")) ||
				s.originAllowed(request("https://evil.example", tt.want)) || s.originAllowed(request(tt.want, tt.want)) {
				t.Error("originAllowed with two Origin headers = true, want false")
			}
		})
	}
}

// The same check over HTTP, through all steps of a request.
func TestForeignOriginGetsNoSocket(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.person("ada")
	b := f.browser()
	b.login("ada", goodPassword)
	for _, origin := range []string{"", "null", "https://evil.example", "https://board.local", "http://board.local:81"} {
		b.header = http.Header{"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-Websocket-Version": {"13"},
			"Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="}}
		if origin != "" {
			b.header.Set("Origin", origin)
		}
		wantStatus(t, "GET /ws from "+origin, b.get("/ws"), http.StatusForbidden)
	}
}

// Behind a TLS proxy and without a public URL, everything works except live updates. The log says why, once.
func TestForeignOriginIsLoggedOnce(t *testing.T) {
	f := newFixture(t)
	for range 5 {
		r := httptest.NewRequest("GET", "/ws", nil)
		r.Host = "board.example"
		r.Header.Set("Origin", "https://board.example")
		if f.server.originAllowed(r) {
			t.Error("originAllowed(https://board.example) = true, want false")
		}
	}
	if n := len(f.logs.lines("level=WARN", "--public-url", "https://board.example")); n != 1 {
		t.Errorf("%d warnings that name --public-url, want 1\n%s", n, f.logs)
	}
}
