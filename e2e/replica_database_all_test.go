//go:build unix

package e2e_test

import (
	"bytes"
	"html"
	"net/url"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// No replica can reach the database, so all close their connections when they can't confirm sessions. When the database
// is back, people reconnect one by one, as after a start. The first ones must not see the others as offline.
func TestReplicasWithoutDatabaseComeBack(t *testing.T) {
	patient(t)
	redis := newRedis(t)
	redis.start()
	database, err := url.Parse(newDatabase(t))
	if err != nil {
		t.Fatal(err)
	}
	proxy := newProxy(t, database.Host)
	database.Host = proxy.addr()
	start := func(name string) *replica {
		r := newReplica(t, name, filepath.Join(t.TempDir(), "unused.db"), redis)
		r.env, r.faulty = []string{"DATABASE_URL=" + database.String()}, true
		t.Cleanup(r.cleanup)
		r.start("--grace-clean=1s", "--grace-dropped=1s", "--warming=4s")
		return r
	}
	a, b := start("A"), start("B")
	early, late, gone := signUpAt(t, a, "u0001"), signUpAt(t, a, "u0002"), signUpAt(t, a, "u0003")
	until(t, "A has been running long enough to show who is offline", func() bool {
		return shownAt(t, a, early, "u0002") == "offline"
	})
	outage := &databaseOutage{t: t, a: a, b: b, bob: newView("the page of u0001")}
	path := loadInto(t, a, early, outage.bob)
	ends := make(chan error, 3)
	outage.connect(a, path, early, outage.bob, ends)
	outage.connect(b, "/ws", late, nil, ends)
	outage.connect(a, "/ws", gone, nil, ends)
	outage.shows("u0002", "online")
	outage.shows("u0003", "online")

	proxy.cut()
	for range cap(ends) {
		<-ends
	}
	until(t, "Redis has no connected people", func() bool { return len(redis.keys("rollcall:presence:*")) == 0 })
	proxy.heal()
	until(t, "A and B reach the database", func() bool { return a.ready() && b.ready() })
	until(t, "A doesn't show u0002 as online", func() bool { return shownAt(t, a, early, "u0002") != "online" })

	outage.connect(a, path, early, outage.bob, make(chan error, 1))
	if got := shownAt(t, a, early, "u0002"); got != "" {
		t.Errorf("a page that u0001 loads before u0002 is back shows u0002 as %q, want no row", got)
	}
	outage.connect(b, "/ws", late, nil, make(chan error, 1))
	outage.shows("u0003", "offline")
	outage.shows("u0002", "online")
	outage.bob.mu.Lock()
	defer outage.bob.mu.Unlock()
	for user, want := range map[int][]string{2: {"offline", "online"}, 3: {"offline", "online", "offline"}} {
		var got []string
		for _, s := range outage.bob.observations[user] {
			got = append(got, s.state)
		}
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("the page of u0001 showed u000%d as %q, want %q", user, got, want)
		}
	}
}

// loadInto loads the board into v and returns the path of its socket.
func loadInto(t *testing.T, r *replica, cookies string, v *view) (socket string) {
	t.Helper()
	s := &scene{t: t}
	body, _, err := s.getAs(r, "/", cookies)
	if err != nil {
		t.Fatal(err)
	}
	v.take(bytes.Clone(body), time.Now())
	return html.UnescapeString(string(after(body, socketAttr)))
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for began := time.Now(); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > startWait {
			t.Fatalf("not within %v: %s", startWait, what)
		}
	}
}
