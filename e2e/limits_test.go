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

// inside is a connection that is kept and asked on again and again, as browsers and proxies do.
type inside struct {
	conn    net.Conn
	answers *bufio.Reader
}

func (s *server) enter() *inside {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.addr)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return &inside{conn, bufio.NewReader(conn)}
}

func (i *inside) ask() (*http.Response, error) {
	_ = i.conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(i.conn, "GET /login HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(i.answers, nil)
	if err == nil {
		_, _ = io.Copy(io.Discard, answer.Body)
	}
	return answer, err
}

// TestFullOfSockets: the sixth of five is told so by a code that its page understands, and the five go on.
func TestFullOfSockets(t *testing.T) {
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
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), time.Now().Add(time.Second))
	first.sees("bob", "offline")
	s.watchAs(bob)
	first.sees("bob", "online")
}

// TestFlood: many connections that ask for nothing take what is free, and no more: those inside are served, newcomers are
// told to come back, and are let in when the flood is over.
func TestFlood(t *testing.T) {
	s := startServer(t, "--limit-connections=60", "--grace-clean=50ms", "--warming=0s")
	ada, bob := s.signUp("ada"), s.signUp("bob")
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	watcher := s.watchAs(ada)
	kept := s.enter()
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
		t.Errorf("GET /login by somebody inside, under a flood = %v, %v, want 200", answer, err)
	}
	_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""), time.Now().Add(time.Second))
	watcher.sees("bob", "offline")
	for range 20 { // who has left has made room, which a part of the flood may take
		answer, err := s.enter().ask()
		if err == nil && answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != "" {
			break
		}
		if err == nil && answer.StatusCode != http.StatusOK {
			t.Fatalf("GET /login by a newcomer = %d, want 503 with Retry-After", answer.StatusCode)
		}
	}
	for _, c := range flood {
		_ = c.Close()
	}
	for deadline := time.Now().Add(patience); ; {
		if answer, err := s.enter().ask(); err == nil && answer.StatusCode == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody is let in after the flood")
		}
	}
}
