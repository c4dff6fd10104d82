package handlers

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// serveLimited serves f with a connection limit and returns the address.
func (f *fixture) serveLimited() string {
	f.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	srv := f.server.HTTPServer()
	served := make(chan error, 1)
	go func() { served <- srv.Serve(f.server.LimitConnections(l)) }()
	f.t.Cleanup(func() { _ = srv.Close(); <-served })
	return l.Addr().String()
}

// ask sends a request on conn and returns the response.
func ask(conn net.Conn) (*http.Response, error) {
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err == nil {
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
	return resp, err
}

// TestConnectionLimit: at the limit, open connections are still served, and new ones get 503 until one is closed.
func TestConnectionLimit(t *testing.T) {
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Connections = 10 })
	f.server.conns.spare = 0 // as for clients on other machines
	address := f.serveLimited()
	dial := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	first := dial()
	if resp, err := ask(first); err != nil || resp.StatusCode != 200 {
		t.Fatalf("the first connection = %v, %v, want 200", resp, err)
	}
	var slow []net.Conn
	for range 9 {
		conn := dial()
		_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nX-Slow: ")
		slow = append(slow, conn)
	}
	wantOpen(t, f, 10)
	for range 3 * maxRefusals { // a flood
		_ = dial().Close()
	}
	if resp, err := ask(first); err != nil || resp.StatusCode != 200 {
		t.Fatalf("the first connection during a flood = %v, %v, want 200", resp, err)
	}
	for deadline := time.Now().Add(patience); ; { // until a refusal gets its response
		resp, err := ask(dial())
		if err == nil {
			if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "5" || !resp.Close {
				t.Errorf("a connection above the limit = %d with Retry-After %q, want 503, 5 and a close",
					resp.StatusCode, resp.Header.Get("Retry-After"))
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("a connection above the limit = %v, want a response", err)
		}
	}
	wantOpen(t, f, 10)
	if got := f.scrape()["rollcall_http_connections_refused_total"]; got == "" || got == "0" {
		t.Errorf("connections refused = %q, want some", got)
	}
	_ = slow[0].Close()
	wantOpen(t, f, 9)
	if resp, err := ask(dial()); err != nil || resp.StatusCode != 200 {
		t.Errorf("after one was closed = %v, %v, want 200", resp, err)
	}
}

// TestConnectionLimitSparesLocalClients: some connections from the same machine are accepted above the limit, so that a
// health check doesn't mistake a full server for a dead one.
func TestConnectionLimitSparesLocalClients(t *testing.T) {
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Connections = 1 })
	address := f.serveLimited()
	connect := func() (*http.Response, error) {
		t.Helper()
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return ask(conn)
	}
	for i := range 1 + spareLocal {
		if resp, err := connect(); err != nil || resp.StatusCode != 200 {
			t.Fatalf("check %d of a full server = %v, %v, want 200", i, resp, err)
		}
	}
	if resp, err := connect(); err != nil || resp.StatusCode != 503 {
		t.Errorf("one more = %v, %v, want 503", resp, err)
	}
}

// TestEnter: above the limit, only loopback addresses may enter.
func TestEnter(t *testing.T) {
	for peer, want := range map[string]bool{
		"127.0.0.1:1": true, "127.8.0.1:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true,
		"192.0.2.1:1": false, "[2001:db8::1]:1": false, "10.0.0.1:1": false, "[::ffff:192.0.2.1]:1": false,
	} {
		d := newConnLimit(2, func() {})
		d.open.Store(2)
		if got := d.enter(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(peer))); got != want {
			t.Errorf("enter(%s) at the limit = %t, want %t", peer, got, want)
		}
		if got, want := d.stats().open, 2+map[bool]int{true: 1}[want]; got != want {
			t.Errorf("open after enter(%s) = %d, want %d", peer, got, want)
		}
	}
}

func wantOpen(t *testing.T, f *fixture, want int) {
	t.Helper()
	for deadline := time.Now().Add(patience); f.server.conns.stats().open != want; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d connections are open, want %d", f.server.conns.stats().open, want)
		}
	}
}

// TestConnectionLimitCountsSockets: a connection that became a websocket counts until the websocket ends.
func TestConnectionLimitCountsSockets(t *testing.T) {
	f := newFixture(t, quick)
	address := f.serveLimited()
	l := &liveBoard{f, "http://" + address}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.server.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	ada := l.member("ada")
	a := l.bare(ada, "/ws")
	a.until("a first frame", func() bool { return len(a.frames) > 0 })
	wantOpen(t, f, 1)
	a.leave()
	wantOpen(t, f, 0)
}

// TestRefusalIsValidHTTP: the response to a refused connection parses as HTTP.
func TestRefusalIsValidHTTP(t *testing.T) {
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(fullAnswer))), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != fullText {
		t.Errorf("body = %q, %v, want %q", body, err, fullText)
	}
}
