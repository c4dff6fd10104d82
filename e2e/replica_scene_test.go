//go:build unix

package e2e_test

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// scene is several replicas on one database and one Redis, the clients that use them, and the watchers of their pages.
type scene struct {
	t        *testing.T
	redis    *redisServer
	replicas []*replica
	cast     *cast
	ledger   *ledger
	quit     chan struct{}
	work     sync.WaitGroup

	mu       sync.Mutex
	clients  map[*client]struct{} // guarded by mu
	watchers []*watcher
	probes   []*probe
}

// setting is the configuration of a scene.
type setting struct {
	replicas int      // 0 means two
	proxied  bool     // each replica connects to Redis through its own proxy
	noRedis  bool     // Redis isn't started
	shared   string   // address of Sentinels or a cluster; "": Redis is one server
	flags    []string // for every replica
}

// newScene starts Redis and prepares the replicas, with the default grace periods.
func newScene(t *testing.T, how setting) *scene {
	t.Helper()
	s := &scene{
		t: t, cast: castFor(t), ledger: newLedger(), redis: newRedis(t),
		quit: make(chan struct{}), clients: map[*client]struct{}{},
	}
	if how.replicas == 0 {
		how.replicas = 2
	}
	if !how.noRedis && how.shared == "" {
		s.redis.start()
	}
	db := s.cast.copyTo(t)
	for i := range how.replicas {
		r := newReplica(t, string(rune('A'+i)), db, s.redis)
		r.flags = append([]string{"--limit-sockets-address=0", "--log-level=warn"}, how.flags...)
		if how.proxied {
			r.proxy = newProxy(t, s.redis.addr())
			r.redis = "redis://" + r.proxy.addr()
		}
		if how.shared != "" {
			r.redis = how.shared
		}
		t.Cleanup(r.cleanup)
		s.replicas = append(s.replicas, r)
	}
	t.Cleanup(s.close)
	return s
}

// begin starts the replicas. They needn't wait for people to come back on this first start. Replicas that restart later
// have the default warming time.
func (s *scene) begin() {
	s.t.Helper()
	for _, r := range s.replicas {
		r.start("--warming=50ms")
	}
	if s.redis.cmd != nil {
		s.redis.joined(len(s.replicas))
	}
}

// close stops clients and watchers. Replicas and Redis have their own cleanup.
func (s *scene) close() {
	close(s.quit)
	s.mu.Lock()
	clients := make([]*client, 0, len(s.clients))
	for c := range s.clients {
		clients = append(clients, c)
	}
	s.mu.Unlock()
	for _, c := range clients {
		c.end(dropped)
	}
	for _, w := range s.watchers {
		w.stop()
	}
	s.work.Wait()
}

// wait waits for d, or until the test ends.
func (s *scene) wait(d time.Duration) {
	select {
	case <-time.After(d):
	case <-s.t.Context().Done():
	}
}

// until polls until ok and returns how long that took. It fails the test after limit.
func (s *scene) until(what string, limit time.Duration, ok func() bool) time.Duration {
	s.t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > limit {
			s.t.Fatalf("not within %v: %s", limit, what)
		}
		s.wait(5 * time.Millisecond)
	}
	return time.Since(began)
}

// client is one tab of a person in the crowd. It reads all frames and ignores them.
type client struct {
	s      *scene
	user   int
	back   bool          // it reconnects when its connection ends
	jitter time.Duration // it reconnects after a random part of this

	mu   sync.Mutex
	conn *websocket.Conn // guarded by mu
	stay *stay           // guarded by mu
	quit bool            // guarded by mu; the client closed it
}

// returning is the maximum random delay before pages reconnect (see the hx-ws settings of the board).
const returning = 4 * time.Second

// open connects a tab of user to r.
func (s *scene) open(user int, r *replica) (*client, error) {
	c := &client{s: s, user: user, back: true, jitter: returning}
	if err := c.dial(r); err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.clients[c] = struct{}{}
	s.mu.Unlock()
	return c, nil
}

// mustOpen opens a tab and fails the test on errors.
func (s *scene) mustOpen(user int, r *replica) *client {
	s.t.Helper()
	c, err := s.open(user, r)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// fill connects users 0 to n-1, distributed evenly over the replicas.
func (s *scene) fill(n int) []*client {
	s.t.Helper()
	clients := make([]*client, n)
	each(s.t, 16, n, func(i int) (err error) {
		clients[i], err = s.open(i, s.replicas[i%len(s.replicas)])
		return err
	})
	return clients
}

var dialer = websocket.Dialer{HandshakeTimeout: 10 * time.Second, ReadBufferSize: 2048, WriteBufferSize: 256,
	WriteBufferPool: &sync.Pool{}}

// dialSocket opens a live socket at path and reports activity.
func dialSocket(r *replica, path, cookie string) (*websocket.Conn, error) {
	conn, resp, err := dialer.Dial("ws://"+r.addr+path, http.Header{"Origin": {r.url}, "Cookie": {cookie}})
	if err != nil {
		if resp != nil {
			return nil, fmt.Errorf("open a socket at %s: %w (%s)", r.name, err, resp.Status)
		}
		return nil, fmt.Errorf("open a socket at %s: %w", r.name, err)
	}
	if err := conn.WriteMessage(websocket.TextMessage, []byte("a")); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn, nil
}

func (c *client) dial(r *replica) error {
	at := r.now()
	conn, err := dialSocket(r, "/ws", c.s.cast.cookies[userName(c.user)])
	if err != nil {
		return err
	}
	st := c.s.ledger.opened(c.user, at)
	c.mu.Lock()
	gone := c.quit
	c.conn, c.stay = conn, st
	c.mu.Unlock()
	if gone {
		c.s.ledger.closed(st, dropped)
		_ = conn.Close()
		return nil
	}
	c.s.work.Go(func() { c.read(conn, st) })
	return nil
}

// read reads until the connection ends, and reconnects if the client didn't close it.
func (c *client) read(conn *websocket.Conn, st *stay) {
	defer conn.Close()
	err := drainSocket(conn)
	code := websocket.CloseAbnormalClosure
	var closed *websocket.CloseError
	if errors.As(err, &closed) {
		code = closed.Code
	}
	c.mu.Lock()
	quit, back := c.quit, c.back
	c.mu.Unlock()
	if quit {
		return
	}
	how := dropped
	switch {
	case code == websocket.CloseServiceRestart || code == websocket.CloseGoingAway:
		how = restarted
	case code == websocket.ClosePolicyViolation:
		how = signedOut
	default:
		if ended, why := st.life.end(); !ended.IsZero() && why == killed {
			how = killed
		}
	}
	c.s.ledger.closed(st, how)
	c.s.ledger.mu.Lock()
	c.s.ledger.codes[code]++
	c.s.ledger.mu.Unlock()
	if back && how != signedOut {
		c.comeBack()
	}
}

func drainSocket(conn *websocket.Conn) error {
	for {
		_, r, err := conn.NextReader()
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			return err
		}
	}
}

// comeBack does what the page does: after a random delay it connects to any replica that accepts it.
func (c *client) comeBack() {
	began := time.Now()
	for {
		pause := time.Duration(rand.Int64N(int64(max(c.jitter, time.Millisecond))))
		select {
		case <-c.s.quit:
			return
		case <-time.After(pause):
		}
		for _, i := range rand.Perm(len(c.s.replicas)) {
			r := c.s.replicas[i]
			if r.now() == nil || c.dial(r) != nil {
				continue
			}
			c.s.ledger.mu.Lock()
			c.s.ledger.reconnects = append(c.s.ledger.reconnects, time.Since(began))
			c.s.ledger.mu.Unlock()
			return
		}
	}
}

// leave closes the tab as a browser does.
func (c *client) leave() { c.end(clean) }

// drop breaks the connection without a close frame.
func (c *client) drop() { c.end(dropped) }

func (c *client) end(how ending) {
	c.mu.Lock()
	conn, st := c.conn, c.stay
	c.quit = true
	c.mu.Unlock()
	c.s.ledger.closed(st, how)
	if how == clean {
		_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""),
			time.Now().Add(time.Second))
	}
	_ = conn.Close()
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	delete(c.s.clients, c)
}

// connected returns the number of open connections of the crowd.
func (s *scene) connected() int {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	n := 0
	for _, st := range s.ledger.stays {
		if st.closed.IsZero() {
			n++
		}
	}
	return n
}

// churn lets the given people come and go, perSecond changes in total, until stop is called.
func (s *scene) churn(users []int, perSecond int) (stop func()) {
	ended := make(chan struct{})
	var running sync.WaitGroup
	tick := time.NewTicker(time.Second / time.Duration(perSecond))
	tabs := map[int]*client{}
	running.Go(func() {
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-s.quit:
				return
			case <-tick.C:
			}
			u := users[rand.IntN(len(users))]
			switch c := tabs[u]; {
			case c == nil:
				if c, err := s.open(u, s.replicas[rand.IntN(len(s.replicas))]); err == nil {
					tabs[u] = c
				}
			case chaos && rand.IntN(4) == 0:
				c.drop()
				delete(tabs, u)
			default:
				c.leave()
				delete(tabs, u)
			}
		}
	})
	return sync.OnceFunc(func() { close(ended); running.Wait() })
}

// upTo returns the numbers from a to b-1.
func upTo(a, b int) (n []int) {
	for ; a < b; a++ {
		n = append(n, a)
	}
	return n
}

// postForm posts a sign-in or sign-up form without following redirects.
func postForm(address, username, password string) (*http.Response, error) {
	client := &http.Client{
		Timeout:       startWait,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	answer, err := client.PostForm(address, url.Values{"username": {username}, "password": {password}})
	if err == nil {
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
	}
	return answer, err
}

// logged returns the lines of a replica's log that contain text.
func (r *replica) logged(text string) (lines []string) {
	for line := range strings.Lines(r.log.String()) {
		if strings.Contains(line, text) {
			lines = append(lines, line)
		}
	}
	return lines
}

// wantNone fails the test if found isn't empty, and shows some of it.
func (s *scene) wantNone(what string, found []string) {
	s.t.Helper()
	if len(found) > 0 {
		slices.Sort(found)
		s.t.Errorf("%s: %d, want none; some of them:\n%s", what, len(found), strings.Join(found[:min(5, len(found))], "\n"))
	}
}

// report judges the records of the watchers, logs statistics, and fails the test for states that were wrongly shown.
func (s *scene) report() verdict {
	s.t.Helper()
	v := s.ledger.judge(s.records())
	s.t.Logf("%d people, %d connections, %d watchers were shown %d changes: false offline %d, false online %d, unseen %d",
		s.cast.people, len(s.ledger.stays), v.watchers, v.observations, len(v.falseOffline), len(v.falseOnline),
		len(v.unseen))
	s.t.Logf("arrivals until shown: %v", v.arrivals)
	s.t.Logf("departures after grace period or lease until shown: %v", v.departures)
	s.wantNone("shown offline while connected", v.falseOffline)
	s.wantNone("shown present after they had left", v.falseOnline)
	s.wantNone("connected and never shown", v.unseen)
	return v
}
