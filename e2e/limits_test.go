package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// keptConn is a keep-alive connection for several requests, as browsers and proxies use.
type keptConn struct {
	conn    net.Conn
	answers *bufio.Reader
}

func (s *server) dial() *keptConn {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return &keptConn{conn, bufio.NewReader(conn)}
}

func (c *keptConn) ask() (*http.Response, error) {
	_ = c.conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(c.conn, "GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(c.answers, nil)
	if err == nil {
		_, _ = io.Copy(io.Discard, answer.Body)
	}
	return answer, err
}

// TestSocketLimit: with a limit of five sockets, the sixth is closed with a code that the page understands, and the
// five stay open.
func TestSocketLimit(t *testing.T) {
	patient(t)
	s := startServer(t, "--limit-sockets=5", "--grace-clean=50ms", "--warming=0s")
	ada := s.signUp("ada")
	bob := s.signUp("bob")
	first := s.watchAs(ada)
	for range 3 {
		s.watchAs(ada)
	}
	conn := connectAs(t, s, bob)
	first.sees("bob", "online")
	s.watchAs(bob).wantEnd(websocket.CloseTryAgainLater)
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""),
		time.Now().Add(time.Second))
	first.sees("bob", "offline")
	s.watchAs(bob)
	first.sees("bob", "online")
}

// TestFlood: many connections that never finish a request use up the free connections. Open connections still work, new
// ones are told to retry, and are accepted again after the flood.
func TestFlood(t *testing.T) {
	patient(t)
	s := startServer(t, "--limit-connections=60", "--grace-clean=50ms", "--warming=0s")
	ada, bob := s.signUp("ada"), s.signUp("bob")
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	watcher := s.watchAs(ada)
	kept := s.dial()
	if answer, err := kept.ask(); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("GET /login before the flood = %v, %v, want 200", answer, err)
	}
	conn := connectAs(t, s, bob)
	watcher.sees("bob", "online")

	var flood []net.Conn
	for range 300 {
		c, err := net.Dial("tcp", s.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_, _ = fmt.Fprint(c, "GET /login HTTP/1.1\r\nX-Slow: ")
		flood = append(flood, c)
	}
	if answer, err := kept.ask(); err != nil || answer.StatusCode != http.StatusOK {
		t.Errorf("GET /login on an open connection during the flood = %v, %v, want 200", answer, err)
	}
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""),
		time.Now().Add(time.Second))
	watcher.sees("bob", "offline")
	for range 20 { // bob's closed connection made room, which connections of the flood may take
		answer, err := s.dial().ask()
		if err == nil && answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != "" {
			break
		}
		if err == nil && answer.StatusCode != http.StatusOK {
			t.Fatalf("GET /login on a new connection = %d, want 503 with Retry-After", answer.StatusCode)
		}
	}
	for _, c := range flood {
		_ = c.Close()
	}
	for deadline := time.Now().Add(patience); ; {
		if answer, err := s.dial().ask(); err == nil && answer.StatusCode == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("new connections are still refused after the flood")
		}
	}
}
