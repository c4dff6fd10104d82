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

// No replica can reach the database for longer than sessions stay unconfirmed, so all connections close. When the
// database is back, people come back one by one, as after a start: the first ones aren't shown the others as gone.
func TestReplicasWithoutDatabaseComeBack(t *testing.T) {
	patient(t)
	redis := newRedis(t)
	redis.start()
	database, err := url.Parse(startPostgres(t))
	if err != nil {
		t.Fatal(err)
	}
	line := newProxy(t, database.Host)
	database.Host = line.addr()
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
	blind := &blindScene{t: t, a: a, b: b, bob: newView("the page of u0001")}
	path := loadInto(t, a, early, blind.bob)
	ends := make(chan error, 3)
	blind.connect(a, path, early, blind.bob, ends)
	blind.connect(b, "/ws", late, nil, ends)
	blind.connect(a, "/ws", gone, nil, ends)
	blind.shows("u0002", "online")
	blind.shows("u0003", "online")

	line.cut()
	for range cap(ends) {
		<-ends
	}
	until(t, "nobody is connected by what Redis has", func() bool { return len(redis.keys("rollcall:presence:*")) == 0 })
	line.heal()
	until(t, "A and B reach the database", func() bool { return a.ready() && b.ready() })
	until(t, "A knows that u0002 isn't connected", func() bool { return shownAt(t, a, early, "u0002") != "online" })

	blind.connect(a, path, early, blind.bob, make(chan error, 1))
	if got := shownAt(t, a, early, "u0002"); got != "" {
		t.Errorf("a page that u0001 loads before u0002 is back shows u0002 as %q, want not at all", got)
	}
	blind.connect(b, "/ws", late, nil, make(chan error, 1))
	blind.shows("u0003", "offline")
	blind.shows("u0002", "online")
	blind.bob.mu.Lock()
	defer blind.bob.mu.Unlock()
	for user, want := range map[int][]string{2: {"offline", "online"}, 3: {"offline", "online", "offline"}} {
		var got []string
		for _, s := range blind.bob.sights[user] {
			got = append(got, s.state)
		}
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("the page of u0001 showed u000%d as %q, want %q", user, got, want)
		}
	}
}

// loadInto loads the board into v and returns where its socket is.
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
