//go:build unix

package e2e_test

import (
	"net/url"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// farRoundTrip is the round-trip time between the second replica and its database.
const farRoundTrip = 80 * time.Millisecond

// One of two replicas stops cleanly, and all its people reconnect to the other, whose database is far away. They load
// their pages before the lease of the first expires, so nobody is shown offline.
func TestReplicaMoveToFarDatabase(t *testing.T) {
	patient(t)
	near := newDatabase(t)
	far := lateDatabase(t, near, farRoundTrip)
	s := newScene(t, setting{})
	copied := exec.Command(binary, "db", "copy", "--from", s.replicas[0].db)
	copied.Env = append(cleanEnv(), "DATABASE_URL="+near)
	if out, err := copied.CombinedOutput(); err != nil {
		t.Fatalf("rollcall db copy: %v\n%s", err, out)
	}
	a, b := s.replicas[0], s.replicas[1]
	a.env, b.env = []string{"DATABASE_URL=" + near}, []string{"DATABASE_URL=" + far}
	s.begin()
	n := sized(crowdSize(), 300)
	each(t, 16, n, func(i int) error {
		_, err := s.open(i, a)
		return err
	})
	s.watch()
	s.settle(healBound)

	exit := a.end(syscall.SIGTERM)
	back := s.until("everyone is at the other replica", startWait, func() bool { return s.connected() == n })
	t.Logf("%d people moved to a replica whose database is %v away: exit in %v, all back %v later", n, farRoundTrip, exit,
		back)
	s.wait(leaseMost)
	s.settle(healBound)
	var hidden []string
	for user := range s.report().hidden {
		hidden = append(hidden, userName(user))
	}
	s.wantNone("shown offline although they came back", hidden)
}

// lateDatabase returns the URL of the database behind a proxy that adds trip to each round trip.
func lateDatabase(t *testing.T, database string, trip time.Duration) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, u.Host)
	p.delay(trip)
	u.Host = p.addr()
	return u.String()
}
