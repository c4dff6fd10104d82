package handlers

import (
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestAccessLog(t *testing.T) {
	f := newFixture(t)
	ada := f.person("ada")
	b := f.browser()
	b.login("ada", goodPassword)
	a := b.get("/?q=private-search")
	lines := f.logs.lines("msg=request ", "request="+a.Header.Get("X-Request-Id"))
	if len(lines) != 1 {
		t.Fatalf("%d lines for one request, want 1:\n%s", len(lines), f.logs)
	}
	for _, want := range []string{"level=INFO", "method=GET", "path=/ ", "status=200", "ms=", "bytes=", "user=" + ada.ID} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("the line does not hold %q: %s", want, lines[0])
		}
	}
	for _, private := range []string{"private-search", "192.0.2.1", "=ada", `"ada"`} {
		if found := f.logs.lines("msg=request ", private); len(found) != 0 {
			t.Errorf("the access log holds %q: %q", private, found)
		}
	}
}

func TestProbesAreLoggedAtDebugLevel(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"/healthz", "/readyz"} {
		f.browser().get(path)
		if lines := f.logs.lines("msg=request ", "path="+path); len(lines) != 1 || !strings.Contains(lines[0], "level=DEBUG") {
			t.Errorf("GET %s: log = %q, want one line at debug level", path, lines)
		}
	}
}

// A client can neither forge lines nor fill the disk with one request.
func TestAccessLogIsBounded(t *testing.T) {
	f := newFixture(t)
	r := httptest.NewRequest("GET", "/", nil)
	r.Method = strings.Repeat("M", 5000)
	r.URL = &url.URL{Path: "/x\nlevel=ERROR msg=forged\x1b[31m" + strings.Repeat("x", 10_000)}
	f.browser().send(r)
	if lines := f.logs.lines("forged"); len(lines) != 1 || strings.HasPrefix(lines[0], "level=ERROR") || strings.Contains(lines[0], "\x1b") || len(lines[0]) > 1000 {
		t.Errorf("log = %q, want one short line with everything escaped", lines)
	}
}
