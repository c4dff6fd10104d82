package handlers

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSlowClients: clients that send their headers or bodies byte by byte, or read nothing, are disconnected in the
// end. Other requests are answered meanwhile. The time limits are a tenth of the real ones, which TestServerLimits
// checks.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	srv := f.server.HTTPServer()
	srv.ReadHeaderTimeout, srv.ReadTimeout, srv.WriteTimeout = readHeaderTimeout/10, readTimeout/10, writeTimeout/10
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() { _ = srv.Shutdown(context.Background()); <-served })

	starts := []string{
		"GET /login HTTP/1.1\r\nHost: x\r\nX-Slow: ",
		"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\nusername=",
		"GET /login HTTP/1.1\r\nHost: x\r\n\r\n" + strings.Repeat("GET /login HTTP/1.1\r\nHost: x\r\n\r\n", 200),
	}
	const slow = 45
	ended := make(chan error, slow)
	for i := range slow {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go func() { ended <- trickle(conn, starts[i%len(starts)]) }()
	}
	client := &http.Client{Timeout: patience}
	for waiting := slow; waiting > 0; {
		select {
		case err := <-ended:
			if waiting--; err != nil {
				t.Error(err)
			}
		default:
			resp, err := client.Get("http://" + l.Addr().String() + "/healthz")
			if err != nil || resp.StatusCode != http.StatusOK {
				t.Fatalf("a normal request beside %d slow ones = %v, %v", slow, resp, err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
	}
	client.CloseIdleConnections()
}

// trickle slowly sends single bytes and reads nothing, until the server closes the connection.
func trickle(conn net.Conn, start string) error {
	if _, err := conn.Write([]byte(start)); err != nil {
		return nil
	}
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, err := conn.Write([]byte("a")); err != nil {
			return nil
		}
	}
	return fmt.Errorf("a slow client is still served after %s: %.40q", patience, start)
}
