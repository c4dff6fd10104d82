package handlers

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestAccessLog(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.person("ada")
	b := f.browser()
	b.login("ada", goodPassword)
	a := b.get("/?q=private-search")
	lines := f.logs.lines("msg=request ", "request="+a.Header.Get("X-Request-Id"))
	if len(lines) != 1 {
		t.Fatalf("%d lines for one request, want 1:\n%s", len(lines), f.logs)
	}
	for _, want := range []string{"level=INFO", "method=GET", "path=/ ", "status=200", "ms=", "bytes=",
		"address=192.0.2.1 ", "user=" + ada.ID} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("the line doesn't hold %q: %s", want, lines[0])
		}
	}
	for _, private := range []string{"private-search", "=ada", `"ada"`, goodPassword, b.cookies["rollcall"],
		b.cookies["rollcall-known"]} {
		if found := f.logs.lines("msg=request ", private); len(found) != 0 {
			t.Errorf("the access log holds %q: %q", private, found)
		}
	}
}

func TestProbesAreLoggedAtDebugLevel(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"/healthz", "/readyz"} {
		f.browser().get(path)
		if lines := f.logs.lines("msg=request ", "path="+path); len(lines) != 1 ||
			!strings.Contains(lines[0], "level=DEBUG") {
			t.Errorf("GET %s: log = %q, want one line at debug level", path, lines)
		}
	}
}

// A client can't forge log lines or fill the disk with one request.
func TestAccessLogIsBounded(t *testing.T) {
	f := newFixture(t)
	r := httptest.NewRequest("GET", "/", nil)
	r.Method = strings.Repeat("M", 5000)
	r.URL = &url.URL{Path: "/x\nlevel=ERROR msg=forged\x1b[31m" + strings.Repeat("x", 10_000)}
	f.browser().send(r)
	if lines := f.logs.lines("forged"); len(lines) != 1 || strings.HasPrefix(lines[0], "level=ERROR") ||
		strings.Contains(lines[0], "\x1b") || len(lines[0]) > 1000 {
		t.Errorf("log = %q, want one short line with everything escaped", lines)
	}
}

func TestNoAccessLog(t *testing.T) {
	f := newFixture(t, func(cfg *Config) { cfg.AccessLog = false })
	f.browser().get("/login")
	if lines := f.logs.lines("msg=request "); len(lines) != 0 {
		t.Errorf("without an access log it holds %q", lines)
	}
}

// The access log holds one line per socket, written when it ends, with its duration and the bytes sent.
func TestAccessLogOfSockets(t *testing.T) {
	l := newLiveBoard(t)
	ada := l.member("ada")
	a := l.open(ada, "/", "a")
	a.sees("ada", "online")
	if lines := l.logs.lines("msg=request ", "path=/ws"); len(lines) != 0 {
		t.Errorf("an open socket is in the access log: %q", lines)
	}
	a.leave()
	a.until("the line", func() bool { return len(l.logs.lines("msg=request ", "path=/ws")) > 0 })
	lines := l.logs.lines("msg=request ", "path=/ws")
	if len(lines) != 1 {
		t.Fatalf("%d lines for one socket, want 1: %q", len(lines), lines)
	}
	for _, want := range []string{"level=INFO", "method=GET", "status=101", "address=127.0.0.1", "request=", "user="} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("the line doesn't hold %q: %s", want, lines[0])
		}
	}
	if strings.Contains(lines[0], "bytes=0 ") || strings.Contains(lines[0], "v=") {
		t.Errorf("the line has no bytes, or holds the query: %s", lines[0])
	}
}

// Only trusted proxies may set the request id.
func TestRequestIDs(t *testing.T) {
	f := newFixture(t, trust("192.0.2.0/24"))
	for _, tt := range []struct {
		peer, id string
		taken    bool
	}{
		{"192.0.2.1:1", "01JD-abc.DEF_9", true},
		{"192.0.2.1:1", strings.Repeat("x", 64), true},
		{"192.0.2.1:1", strings.Repeat("x", 65), false},
		{"192.0.2.1:1", "a b", false},
		{"192.0.2.1:1", "a\nlevel=ERROR", false},
		{"192.0.2.1:1", "", false},
		{"198.51.100.1:1", "01JD-abc.DEF_9", false},
	} {
		b := f.browser()
		b.remote = tt.peer
		r := httptest.NewRequest("GET", "/login", nil)
		r.Header["X-Request-Id"] = []string{tt.id}
		got := b.send(r).Header.Get("X-Request-Id")
		if (got == tt.id) != tt.taken || got == "" {
			t.Errorf("request id of a request from %s with %q = %q, want it accepted: %t", tt.peer, tt.id, got, tt.taken)
		}
	}
}

// On Fly, only Fly-Request-Id counts, because clients can set X-Request-Id.
func TestRequestIDsOnFly(t *testing.T) {
	f := newFixture(t, func(cfg *Config) { trust("192.0.2.0/24")(cfg); cfg.OnFly = true })
	for _, tt := range []struct {
		peer   string
		fly    []string
		want   bool // the first of fly
		reason string
	}{
		{"192.0.2.1:1", []string{"01JDQ3V6Z0XK-fra"}, true, "from the proxy"},
		{"192.0.2.1:1", nil, false, "from a client, by another header"},
		{"192.0.2.1:1", []string{"a b"}, false, "not plain"},
		{"192.0.2.1:1", []string{"one", "two"}, false, "twice"},
		{"198.51.100.1:1", []string{"01JDQ3V6Z0XK-fra"}, false, "from a stranger"},
	} {
		b := f.browser()
		b.remote = tt.peer
		r := httptest.NewRequest("GET", "/login", nil)
		r.Header["Fly-Request-Id"], r.Header["X-Request-Id"] = tt.fly, []string{"mine"}
		got := b.send(r).Header.Get("X-Request-Id")
		if taken := len(tt.fly) > 0 && got == tt.fly[0]; taken != tt.want || got == "mine" || got == "" {
			t.Errorf("request id on Fly (%s) = %q, want Fly's: %t", tt.reason, got, tt.want)
		}
	}
}
