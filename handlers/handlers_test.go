package handlers

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// listen serves f on a real port with the real limits, which change may alter.
func (f *fixture) listen(t *testing.T, change func(*http.Server)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := f.server.HTTPServer()
	if change != nil {
		change(server)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return l.Addr().String()
}

// raw sends request byte for byte and returns the first response.
func raw(t *testing.T, address, request string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn, request)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("response to %.40q: %v", request, err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	return resp, string(body)
}

func TestServerLimits(t *testing.T) {
	s := newFixture(t).server.HTTPServer()
	if s.ReadHeaderTimeout != 5*time.Second || s.ReadTimeout != 15*time.Second || s.WriteTimeout != 30*time.Second ||
		s.IdleTimeout != 60*time.Second || s.MaxHeaderBytes != 16<<10 {
		t.Errorf("HTTPServer = %+v, want 5 s, 15 s, 30 s, 60 s and 16 KiB", s)
	}
}

func TestLargeHeader(t *testing.T) {
	f := newFixture(t)
	address := f.listen(t, nil)
	request := func(n int) string {
		return "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Filler: " + strings.Repeat("x", n) + "\r\nConnection: close\r\n\r\n"
	}
	if resp, _ := raw(t, address, request(15<<10)); resp.StatusCode != 200 {
		t.Errorf("15 KiB of header = %d, want 200", resp.StatusCode)
	}
	for _, n := range []int{21 << 10, 64 << 10} { // net/http adds 4 KiB to the limit
		if resp, _ := raw(t, address, request(n)); resp.StatusCode != 431 {
			t.Errorf("%d bytes of header = %d, want 431", n, resp.StatusCode)
		}
	}
}

// Requests that net/http would answer itself get our response, with our headers.
func TestUnusualRequests(t *testing.T) {
	f := newFixture(t)
	address := f.listen(t, nil)
	tests := []struct {
		request string
		want    int
	}{
		{"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 404},
		{"GET http://evil.example/login HTTP/1.1\r\nHost: x\r\n\r\n", 421},
		{"GET /login HTTP/1.0\r\n\r\n", 421},
		{"GET /healthz HTTP/1.0\r\n\r\n", 200},
		{"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n\r\n", 421},
		{"TRACE / HTTP/1.1\r\nHost: x\r\nX-Secret: 1\r\n\r\n", 405},
		{"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
		{"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n", 413},
		{"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 404},
	}
	for _, tt := range tests {
		resp, body := raw(t, address, strings.Replace(tt.request, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
		if resp.StatusCode != tt.want || resp.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%q = %d with policy %q, want %d and a policy\n%s",
				tt.request, resp.StatusCode, resp.Header.Get("Content-Security-Policy"), tt.want, body)
		}
		if strings.Contains(body, "X-Secret") {
			t.Errorf("%q echoes the request:\n%s", tt.request, body)
		}
	}
}

// A request whose body never arrives times out, and doesn't delay other requests.
func TestSlowBodies(t *testing.T) {
	f := newFixture(t)
	address := f.listen(t, func(s *http.Server) { s.ReadTimeout = 300 * time.Millisecond })
	const slow = 50
	conns := make([]net.Conn, slow)
	for i := range conns {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = fmt.Fprint(conn, "POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nuser")
		conns[i] = conn
	}
	if resp, _ := raw(t, address,
		"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"); resp.StatusCode != 200 {
		t.Errorf("GET /healthz beside slow bodies = %d, want 200", resp.StatusCode)
	}
	for _, conn := range conns {
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatalf("slow body: %v", err)
		}
		if resp.StatusCode != http.StatusRequestTimeout {
			t.Errorf("slow body = %d, want 408", resp.StatusCode)
		}
	}
	if lines := f.logs.lines("level=ERROR"); len(lines) != 0 {
		t.Errorf("slow clients are logged as errors: %q", lines)
	}
}

// Connection errors of clients are logged at debug level, panics at error level.
func TestServerLog(t *testing.T) {
	f := newFixture(t)
	server := f.server.HTTPServer()
	server.ErrorLog.Print("http: TLS handshake error from 192.0.2.1: EOF")
	server.ErrorLog.Print("http: panic serving 192.0.2.1: oh")
	if n := len(f.logs.lines("level=DEBUG", "handshake")); n != 1 {
		t.Errorf("%d debug lines, want 1: %s", n, f.logs)
	}
	if n := len(f.logs.lines("level=ERROR", "panic serving")); n != 1 {
		t.Errorf("%d error lines, want 1: %s", n, f.logs)
	}
}

func TestNewRequiresItsParts(t *testing.T) {
	if s, err := New(Config{}); err == nil {
		t.Errorf("New(Config{}) = %v, want an error", s)
	}
}
