//go:build linux

package e2e_test

import (
	"crypto/tls"
	"fmt"
	"html"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// full selects the long version, as `make proof` does.
var full = os.Getenv("ROLLCALL_PROOF") == "full"

// checkSockets opens many sockets, leaves them idle, and checks that a change and then the server's shutdown reach all
// of them.
func (v *proxyClient) checkSockets(s *server) {
	v.t.Helper()
	count, quiet := 100, time.Duration(0)
	if full {
		count, quiet = 1000, 70*time.Second // nginx closes idle connections after 60 s by default
	}
	_, body := v.ask("GET", v.base+"/", nil)
	m := regexp.MustCompile(`hx-ws:connect="([^"]*)"`).FindStringSubmatch(body)
	if m == nil {
		v.t.Fatalf("the board has no socket:\n%s", body)
	}
	path := html.UnescapeString(m[1])
	all := make([]*heldSocket, count)
	began := time.Now()
	var opening sync.WaitGroup
	for i := range all {
		all[i] = &heldSocket{news: make(chan struct{}), gone: make(chan error, 1)}
		opening.Go(func() { all[i].open(v, path) })
		if i%20 == 19 {
			opening.Wait()
		}
	}
	opening.Wait()
	took := time.Since(began)
	time.Sleep(quiet)
	s.addUser("newcomer")
	told := time.Now()
	deadline := time.After(10 * time.Second)
	for i, h := range all {
		select {
		case <-h.news:
		case err := <-h.gone:
			v.t.Fatalf("socket %d ended: %v", i, err)
		case <-deadline:
			v.t.Fatalf("socket %d got no update about a newcomer within 10 s", i)
		}
	}
	v.t.Logf("%d sockets: open after %v, idle for %v, all got the update about a newcomer within %v",
		count, took.Round(time.Millisecond), quiet, time.Since(told).Round(time.Millisecond))
	s.terminate()
	for i, h := range all {
		if err := <-h.gone; !websocket.IsCloseError(err, websocket.CloseServiceRestart) {
			v.t.Fatalf("socket %d ended with %v, want 1012, after which pages reconnect", i, err)
		}
	}
}

// heldSocket is one open socket.
type heldSocket struct {
	news chan struct{} // closed when the update about the newcomer arrives
	gone chan error    // receives the error that ended it
}

// open opens the socket and reads from it until it ends.
func (h *heldSocket) open(v *proxyClient, path string) {
	dialer := websocket.Dialer{NetDialContext: v.dial, TLSClientConfig: &tls.Config{RootCAs: v.g.pool}, Jar: v.client.Jar,
		HandshakeTimeout: startWait}
	conn, answer, err := dialer.Dial("wss://"+v.g.host+path, http.Header{"Origin": {"https://" + v.g.host}})
	if err != nil {
		status := 0
		if answer != nil {
			status = answer.StatusCode
		}
		h.gone <- fmt.Errorf("dial: %w, %d", err, status)
		return
	}
	v.t.Cleanup(func() { conn.Close() })
	if err := conn.WriteMessage(websocket.TextMessage, []byte("a")); err != nil {
		h.gone <- err
		return
	}
	go func() {
		told := false
		for {
			_, frame, err := conn.ReadMessage()
			if err != nil {
				h.gone <- err
				return
			}
			if !told && strings.Contains(string(frame), `data-user="newcomer"`) {
				told = true
				close(h.news)
			}
		}
	}()
}
