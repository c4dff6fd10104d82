package handlers

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// listener is a program that reads a stream.
type listener struct {
	t    testing.TB
	resp *http.Response
	conn net.Conn      // of a websocket
	done chan struct{} // closed when the stream has ended

	mu     sync.Mutex
	events []streamEvent
	lines  []string // as they came
	closed error    // of a websocket
}

// streamEvent is one event, decoded.
type streamEvent struct {
	Event  string
	Cursor string
	Users  []userJSON
	User   *userJSON
	Since  string
	AsOf   string `json:"as_of"`
	Retry  int
}

// streamClient uses a connection for each request, and closes it.
var streamClient = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// openStream opens a stream as b and reads it until the test ends.
func (l *liveBoard) openStream(b *browser, target string, header ...string) *listener {
	l.t.Helper()
	r, err := http.NewRequestWithContext(l.t.Context(), http.MethodGet, l.url+target, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := streamClient.Do(r)
	if err != nil {
		l.t.Fatal(err)
	}
	x := &listener{t: l.t, resp: resp, done: make(chan struct{})}
	go x.read()
	l.t.Cleanup(x.close)
	return x
}

func (x *listener) close() {
	_ = x.resp.Body.Close()
	<-x.done
}

func (x *listener) read() {
	defer close(x.done)
	lines := bufio.NewScanner(x.resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		x.take(lines.Text())
	}
}

func (x *listener) take(line string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.lines = append(x.lines, line)
	text, _ := strings.CutPrefix(line, "data: ")
	if !strings.HasPrefix(text, "{") {
		return
	}
	var e streamEvent
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		x.t.Errorf("not an event: %q: %v", line, err)
	}
	x.events = append(x.events, e)
}

// until waits for an event and returns it.
func (x *listener) until(what string, ok func(streamEvent) bool) streamEvent {
	x.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(2 * time.Millisecond) {
		x.mu.Lock()
		i := slices.IndexFunc(x.events, ok)
		x.mu.Unlock()
		switch {
		case i >= 0:
			return x.events[i]
		case time.Now().After(deadline):
			x.mu.Lock()
			defer x.mu.Unlock()
			x.t.Fatalf("not told within %s: %s\n%s", patience, what, strings.Join(x.lines, "\n"))
		}
	}
}

func (x *listener) tells(user, state string) streamEvent {
	x.t.Helper()
	return x.until(user+" "+state, func(e streamEvent) bool {
		return e.Event == "change" && e.User.User == user && e.User.State == state
	})
}

func (x *listener) kind(event string) streamEvent {
	x.t.Helper()
	return x.until(event, func(e streamEvent) bool { return e.Event == event })
}

func (x *listener) wantEnd(why string) {
	x.t.Helper()
	select {
	case <-x.done:
	case <-time.After(patience):
		x.t.Fatalf("the stream is still open, want its end: %s", why)
	}
}

const streamPath = "/api/v1/stream"

// dialStream opens a stream as a websocket.
func (l *liveBoard) dialStream(b *browser, protocols ...string) (*listener, *http.Response, error) {
	l.t.Helper()
	h := http.Header{"Origin": {l.url}}
	for name, value := range b.cookies {
		h.Add("Cookie", name+"="+value)
	}
	d := websocket.Dialer{Subprotocols: protocols}
	conn, resp, err := d.Dial(strings.Replace(l.url, "http", "ws", 1)+streamPath, h)
	if err != nil {
		return nil, resp, err
	}
	x := &listener{t: l.t, resp: resp, conn: conn.NetConn(), done: make(chan struct{})}
	go func() {
		defer close(x.done)
		for {
			_, message, err := conn.ReadMessage()
			if err != nil {
				x.mu.Lock()
				defer x.mu.Unlock()
				x.closed = err
				return
			}
			x.take(string(message))
		}
	}()
	l.t.Cleanup(func() { _ = conn.Close(); <-x.done })
	return x, resp, nil
}
