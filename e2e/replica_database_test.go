//go:build unix

package e2e_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// databaseOutage is two replicas on one Postgres and one Redis, where the connection from B to Postgres can be cut. Ada
// has a page open at A; carol and bob have theirs at B.
type databaseOutage struct {
	t         *testing.T
	a, b      *replica
	proxy     *proxy
	bob       *view // bob's page at B
	ada       string
	carol     string
	carolGone chan error // how carol's connection ended
	bobGone   chan error
}

func newDatabaseOutage(t *testing.T) *databaseOutage {
	t.Helper()
	redis := newRedis(t)
	redis.start()
	database, err := url.Parse(newDatabase(t))
	if err != nil {
		t.Fatal(err)
	}
	proxy := newProxy(t, database.Host)
	direct := database.String()
	database.Host = proxy.addr()
	s := &databaseOutage{t: t, proxy: proxy, bob: newView("bob at B"), carolGone: make(chan error, 1),
		bobGone: make(chan error, 1)}
	start := func(name, database string) *replica {
		r := newReplica(t, name, filepath.Join(t.TempDir(), "unused.db"), redis)
		r.env = []string{"DATABASE_URL=" + database}
		t.Cleanup(r.cleanup)
		r.start("--warming=50ms")
		return r
	}
	s.a, s.b = start("A", direct), start("B", database.String())
	s.b.faulty = true
	s.ada = signUpAt(t, s.a, "ada")
	s.carol = signUpAt(t, s.a, "carol")
	bob := signUpAt(t, s.a, "bob")
	s.connect(s.a, "/ws", s.ada, nil, make(chan error, 1))
	s.connect(s.b, "/ws", s.carol, nil, s.carolGone)
	s.connect(s.b, "/ws?v=unknown", bob, s.bob, s.bobGone)
	s.shows("ada", "online")
	s.shows("carol", "online")
	return s
}

// connect opens a socket and reads frames into v, if not nil, until the socket ends.
func (s *databaseOutage) connect(r *replica, path, cookies string, v *view, ended chan<- error) {
	s.t.Helper()
	conn, err := dialSocket(r, path, cookies)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	go func() { ended <- readInto(conn, v) }()
}

func readInto(conn *websocket.Conn, v *view) error {
	for {
		_, frame, err := conn.ReadMessage()
		if err != nil {
			return err
		}
		if v != nil {
			v.take(frame, time.Now())
		}
	}
}

// shows waits until bob's page at B shows a person in a state.
func (s *databaseOutage) shows(username, state string) {
	s.t.Helper()
	began := time.Now()
	for s.bob.state(username) != state {
		if time.Since(began) > 10*time.Second {
			s.t.Fatalf("B shows %s as %q, want %q\n%s", username, s.bob.state(username), state, s.b.log.String())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// vanishes waits until bob's page at B no longer lists a person.
func (s *databaseOutage) vanishes(username string) {
	s.t.Helper()
	began := time.Now()
	for s.bob.lists(username) {
		if time.Since(began) > 10*time.Second {
			s.t.Fatalf("B still lists %s\n%s", username, s.b.log.String())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// set posts a form at A, which can reach the database.
func (s *databaseOutage) set(cookies, path string, form url.Values) {
	s.t.Helper()
	parsed, err := http.ParseCookie(cookies)
	if err != nil {
		s.t.Fatal(err)
	}
	answer, body := s.a.send(http.MethodPost, path, form.Encode(), parsed)
	if answer.StatusCode >= 400 {
		s.t.Fatalf("POST %s at A = %d\n%s", path, answer.StatusCode, body)
	}
}

// Both replicas reach Redis, but one can't reach the database. It still hides people who go invisible or are disabled,
// whichever replica they are connected to, and shows people who go visible again.
func TestReplicaWithoutDatabaseHides(t *testing.T) {
	patient(t)
	for name, sever := range map[string]func(*proxy){"cut": (*proxy).cut, "silent": (*proxy).freeze} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newDatabaseOutage(t)
			sever(s.proxy)
			for who, cookies := range map[string]string{"ada": s.ada, "carol": s.carol} {
				s.set(cookies, "/me/invisible", url.Values{"invisible": {"on"}})
				s.shows(who, "offline")
				s.set(cookies, "/me/invisible", url.Values{"invisible": {"off"}})
				s.shows(who, "online")
			}
			s.a.cli("disable", "carol")
			s.vanishes("carol")
		})
	}
}

// A replica that can't confirm sessions for 20 s closes its connections, so that no ended session continues there.
// Pages reconnect to a replica that can.
func TestReplicaWithoutDatabaseCloses(t *testing.T) {
	patient(t)
	s := newDatabaseOutage(t)
	s.proxy.freeze()
	began := time.Now()
	for who, ended := range map[string]chan error{"carol": s.carolGone, "bob": s.bobGone} {
		select {
		case err := <-ended:
			if code := closeCode(err); code != websocket.CloseServiceRestart {
				t.Errorf("%s's connection ended with %d (%v), want %d", who, code, err, websocket.CloseServiceRestart)
			}
		case <-time.After(45 * time.Second):
			t.Fatalf("%s's connection is still open 45 s after B lost the database\n%s", who, s.b.log.String())
		}
	}
	took := time.Since(began)
	t.Logf("B closed its connections %v after its connection to the database froze", took.Round(time.Millisecond))
	if took < 15*time.Second {
		t.Errorf("B closed its connections after %v, want 20 s", took)
	}
	why := func() []string { return s.b.logged("sessions could not be confirmed") }
	// B writes its line after the close frames.
	err := within(10*time.Second, func() (bool, string) { return len(why()) > 0, "B says why it closed connections" })
	if lines := why(); err != nil || len(lines) != 1 {
		t.Errorf("B said %d times why it closed connections, want once:\n%s", len(lines), strings.Join(lines, ""))
	}
	s.proxy.heal()
	s.connect(s.b, "/ws", s.carol, nil, make(chan error, 1))
}
