package e2e_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

var shownRow = regexp.MustCompile(`data-user="([^"]*)"[^>]*data-state="(\w+)"`)

// onlooker is a live connection without a browser. It records the states shown for each person, and how it ended.
type onlooker struct {
	t    *testing.T
	conn *websocket.Conn
	gone chan struct{} // closed when the connection has ended

	mu   sync.Mutex
	seen map[string][]string // guarded by mu; the states of each person, in order
	code int                 // guarded by mu; the close code
}

// watchAs opens a live connection with the cookies of a session.
func (s *server) watchAs(cookies []*http.Cookie) *onlooker {
	s.t.Helper()
	header := http.Header{"Origin": {s.url}}
	for _, c := range cookies {
		header.Add("Cookie", c.Name+"="+c.Value)
	}
	conn, answer, err := websocket.DefaultDialer.Dial("ws://"+s.addr+"/ws", header)
	if err != nil {
		s.t.Fatalf("GET /ws = %v, %v, want a connection", answer, err)
	}
	o := &onlooker{t: s.t, conn: conn, gone: make(chan struct{}), seen: map[string][]string{}}
	go o.read()
	s.t.Cleanup(o.close)
	return o
}

func (o *onlooker) read() {
	defer close(o.gone)
	for {
		_, frame, err := o.conn.ReadMessage()
		o.mu.Lock()
		if err != nil {
			o.code = websocket.CloseAbnormalClosure
			if closed := (*websocket.CloseError)(nil); errors.As(err, &closed) {
				o.code = closed.Code
			}
			o.mu.Unlock()
			return
		}
		for _, m := range shownRow.FindAllStringSubmatch(string(frame), -1) {
			if all := o.seen[m[1]]; len(all) == 0 || all[len(all)-1] != m[2] {
				o.seen[m[1]] = append(all, m[2])
			}
		}
		o.mu.Unlock()
	}
}

// close closes the connection without a close frame and waits until it has ended.
func (o *onlooker) close() {
	_ = o.conn.Close()
	<-o.gone
}

// sees waits until user is shown in state.
func (o *onlooker) sees(user, state string) {
	o.t.Helper()
	o.seesWithin(user, state, patience)
}

func (o *onlooker) seesWithin(user, state string, limit time.Duration) {
	o.t.Helper()
	err := within(limit, func() (bool, string) {
		all := o.states(user)
		return len(all) > 0 && all[len(all)-1] == state, fmt.Sprintf("%q", all)
	})
	if err != nil {
		o.t.Fatalf("%s isn't shown as %s: %v", user, state, err)
	}
}

func (o *onlooker) states(user string) []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.seen[user])
}

// wantEnd waits until the connection has ended and checks its close code.
func (o *onlooker) wantEnd(code int) {
	o.t.Helper()
	select {
	case <-o.gone:
	case <-time.After(patience):
		o.t.Fatalf("the connection is still open after %v, want it closed with %d", patience, code)
	}
	if o.code != code {
		o.t.Errorf("the connection ended with %d, want %d", o.code, code)
	}
}
