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

// behindDoor serves f with a limit of connections and returns the address.
func (f *fixture) behindDoor() string {
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

// ask sends a request on conn and returns the answer.
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

// TestFullHouse: who is inside stays served, who comes is told to come back, and is let in when somebody has left.
func TestFullHouse(t *testing.T) {
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Connections = 10 })
	f.server.conns.spare = 0 // as for those who come from elsewhere
	address := f.behindDoor()
	dial := func() net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	inside := dial()
	if resp, err := ask(inside); err != nil || resp.StatusCode != 200 {
		t.Fatalf("the first = %v, %v, want 200", resp, err)
	}
	var slow []net.Conn
	for range 9 {
		conn := dial()
		_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nX-Slow: ")
		slow = append(slow, conn)
	}
	wantOpen(t, f, 10)
	for range 3 * refusing { // a flood
		_ = dial().Close()
	}
	if resp, err := ask(inside); err != nil || resp.StatusCode != 200 {
		t.Fatalf("somebody inside, beside a flood = %v, %v, want 200", resp, err)
	}
	for deadline := time.Now().Add(patience); ; { // until there is time to tell somebody why
		resp, err := ask(dial())
		if err == nil {
			if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != "5" || !resp.Close {
				t.Errorf("one too many = %d with Retry-After %q, want 503, 5 and the end", resp.StatusCode, resp.Header.Get("Retry-After"))
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("one too many = %v, want an answer", err)
		}
	}
	wantOpen(t, f, 10)
	if got := f.scrape()["rollcall_http_connections_refused_total"]; got == "" || got == "0" {
		t.Errorf("connections refused = %q, want some", got)
	}
	_ = slow[0].Close()
	wantOpen(t, f, 9)
	if resp, err := ask(dial()); err != nil || resp.StatusCode != 200 {
		t.Errorf("after somebody has left = %v, %v, want 200", resp, err)
	}
}

// TestFullHouseIsChecked: what runs on the same machine comes in where others are turned away, up to a bound, so that a
// health check does not take a full server for a dead one.
func TestFullHouseIsChecked(t *testing.T) {
	f := newFixture(t, func(cfg *Config) { cfg.Limits.Connections = 1 })
	address := f.behindDoor()
	enter := func() (*http.Response, error) {
		t.Helper()
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return ask(conn)
	}
	for i := range 1 + spareLocal {
		if resp, err := enter(); err != nil || resp.StatusCode != 200 {
			t.Fatalf("check %d of a full server = %v, %v, want 200", i, resp, err)
		}
	}
	if resp, err := enter(); err != nil || resp.StatusCode != 503 {
		t.Errorf("one more = %v, %v, want 503", resp, err)
	}
}

// TestEnter: above the limit the peer's address decides.
func TestEnter(t *testing.T) {
	for peer, want := range map[string]bool{
		"127.0.0.1:1": true, "127.8.0.1:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true,
		"192.0.2.1:1": false, "[2001:db8::1]:1": false, "10.0.0.1:1": false, "[::ffff:192.0.2.1]:1": false,
	} {
		d := newConnLimit(2, func() {})
		d.open.Store(2)
		if got := d.enter(net.TCPAddrFromAddrPort(netip.MustParseAddrPort(peer))); got != want {
			t.Errorf("enter(%s) of a full house = %t, want %t", peer, got, want)
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

// TestDoorCountsSockets: a connection that became a socket is open until that ends.
func TestDoorCountsSockets(t *testing.T) {
	f := newFixture(t, quick)
	address := f.behindDoor()
	l := &liveBoard{f, "http://" + address}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.server.Run(ctx) }()
	t.Cleanup(func() { stop(); <-done })
	ada := l.member("ada")
	a := l.bare(ada, "/ws")
	a.until("a greeting", func() bool { return len(a.frames) > 0 })
	wantOpen(t, f, 1)
	a.leave()
	wantOpen(t, f, 0)
}

// TestAnswerOfTheDoor is a whole answer.
func TestAnswerOfTheDoor(t *testing.T) {
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(fullAnswer))), nil)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != fullText {
		t.Errorf("body = %q, %v, want %q", body, err, fullText)
	}
}
