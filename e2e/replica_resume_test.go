//go:build unix

package e2e_test

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// A replica is suspended until its people have expired, and then resumes. In the meantime most of their connections
// broke, and one person closed the page. Neither replica may show them again. The person who is still connected comes
// back.
func TestReplicaResumedHidesPeopleWhoLeft(t *testing.T) {
	t.Parallel() // without a slot: it mostly sleeps, and longer than any other test
	redis := newRedis(t)
	redis.start()
	db := filepath.Join(t.TempDir(), "rollcall.db")
	start := func(name string) *replica {
		r := newReplica(t, name, db, redis)
		t.Cleanup(r.cleanup)
		r.start("--warming=50ms", "--grace-clean="+sized("1s", "5s"), "--grace-dropped="+sized("1s", "15s"))
		return r
	}
	a, b := start("A"), start("B")
	const closed, stays, crowd = 0, 1, 20 // everyone else's connection breaks
	for u := range crowd {
		a.addUser(userName(u))
	}
	a.addUser("bob")
	dial := func(r *replica, name, path string) *websocket.Conn {
		cookies, err := login(r.url, name, password)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := dialSocket(r, path, cookies)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	bob := newView("bob at B")
	watch := dial(b, "bob", "/ws?v=unknown")
	go func() { _ = readInto(watch, bob) }()
	shows := func(name, state string, limit time.Duration) {
		t.Helper()
		for began := time.Now(); bob.state(name) != state; time.Sleep(5 * time.Millisecond) {
			if time.Since(began) > limit {
				t.Fatalf("B shows %s as %q, want %q\n%s", name, bob.state(name), state, b.log.String())
			}
		}
	}
	var tabs []*websocket.Conn
	for u := range crowd {
		tabs = append(tabs, dial(a, userName(u), "/ws"))
		shows(userName(u), "online", startWait)
	}
	go func() { _ = readInto(tabs[stays], nil) }()

	if err := a.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	for u, tab := range tabs {
		switch u {
		case stays:
			continue
		case closed:
			_ = tab.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, ""),
				time.Now().Add(time.Second))
		}
		_ = tab.NetConn().Close()
	}
	for u := range crowd {
		shows(userName(u), "offline", leaseMost+late)
	}
	time.Sleep(time.Until(began.Add(sized(48*time.Second, 120*time.Second))))
	resumed := time.Now()
	if err := a.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	here := newView("bob at A")
	watchHere, back := dial(a, "bob", "/ws?v=unknown"), dial(a, userName(stays), "/ws")
	go func() { _ = readInto(watchHere, here) }()
	go func() { _ = readInto(back, nil) }()
	shows(userName(stays), "online", 5*time.Second)
	t.Logf("the person who was still connected is back at B %v after A resumed",
		time.Since(resumed).Round(time.Millisecond))
	time.Sleep(time.Until(resumed.Add(6 * time.Second))) // a heartbeat of each replica, and the time that changes are held
	for _, v := range []*view{bob, here} {
		seen := v.record().observations
		for u := range crowd {
			for _, s := range seen[u] {
				if u != stays && s.at.After(resumed) && !s.offline() {
					t.Errorf("%s was shown %s as %s %v after A resumed, want nobody who left",
						v.name, userName(u), s.state, s.at.Sub(resumed).Round(time.Millisecond))
				}
			}
		}
	}
}
