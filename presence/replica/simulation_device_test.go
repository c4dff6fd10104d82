//go:build !race

package replica

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/presence"
)

// trackers are replicas with a Tracker each, on a simulated store.
type trackers struct {
	t     *testing.T
	store *simStore
	all   []*presence.Tracker
}

func newTrackers(t *testing.T, n int, seed uint64) *trackers {
	ts := &trackers{t: t, store: newSimStore(rand.New(rand.NewPCG(seed, 8)))}
	for i := range n {
		s := ts.store.open(fmt.Sprintf("r%d", i))
		s.start()
		cfg := presence.DefaultConfig()
		cfg.Warming, cfg.Registry = 0, s
		tr := presence.NewTracker(cfg)
		t.Cleanup(func() { tr.Close(); _ = s.Close() })
		ts.all = append(ts.all, tr)
	}
	time.Sleep(10 * time.Second) // until they know each other
	return ts
}

// want fails the test unless every one of the trackers shows ada in a state.
func (ts *trackers) want(what string, state presence.State, trackers ...*presence.Tracker) {
	ts.t.Helper()
	for i, tr := range trackers {
		if got := tr.View("ada").State; got != state {
			ts.t.Fatalf("%s: View(ada) at %d = %s, want %s", what, i, got, state)
		}
	}
}

func (ts *trackers) beat(tr *presence.Tracker) {
	ts.t.Helper()
	if err := tr.Beat("ada", presence.Heartbeat{Key: "lamp", TTL: 30 * time.Second}); err != nil {
		ts.t.Fatal(err)
	}
}

// TestSimulationHeartbeatsMove: when the replica that keeps a device connected stops, the device's person stays present
// at the others if its next heartbeat reaches one of them within the grace period, like a page that reconnects.
func TestSimulationHeartbeatsMove(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			ts := newTrackers(t, 3, seed)
			a, others := ts.all[0], ts.all[1:]
			ts.beat(a)
			time.Sleep(time.Second)
			ts.want("after the heartbeat", presence.Online, ts.all...)
			if err := a.Drain(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := a.Beat("ada", presence.Heartbeat{Key: "lamp", TTL: presence.MinTTL}); err != presence.ErrDraining {
				t.Errorf("Beat while draining = %v, want ErrDraining", err)
			}
			for since := time.Now(); time.Since(since) < 34*time.Second; time.Sleep(10 * time.Millisecond) {
				if time.Since(since) == 5*time.Second {
					ts.beat(others[0])
				}
				ts.want(fmt.Sprintf("seed %d, %v after the drain", seed, time.Since(since)), presence.Online, others...)
			}
			time.Sleep(2 * time.Second)
			ts.want("after the last heartbeat lapsed", presence.Offline, others...)
		})
	}
}

// TestSimulationEndOfDevice: the end of a device reaches the replica that keeps it connected.
func TestSimulationEndOfDevice(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			ts := newTrackers(t, 3, seed)
			for range 2 {
				ts.beat(ts.all[0])
				time.Sleep(time.Second)
				ts.want("after the heartbeat", presence.Online, ts.all...)
				ts.all[1].EndDevice("ada", "lamp")
				time.Sleep(6 * time.Second)
				ts.want("after the end", presence.Offline, ts.all...)
			}
			ts.beat(ts.all[0]) // the ends are still told, but they're those of earlier heartbeats
			time.Sleep(29 * time.Second)
			ts.want("after another heartbeat", presence.Online, ts.all...)
		})
	}
}

// TestSimulationClaimsEnd: every replica ends a claim by its own clock, whether or not it reaches the others.
func TestSimulationClaimsEnd(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			ts := newTrackers(t, 2, seed)
			for _, tr := range ts.all {
				tr.Join("ada", presence.Client{}, presence.Activity{})
			}
			claim := presence.Claim{Key: "build", State: presence.DND, SetAt: time.Now()}
			set := func(ends time.Time) {
				claim.Ends = ends
				for _, tr := range ts.all {
					tr.SetFacts("ada", presence.Facts{Claims: []presence.Claim{claim}})
				}
			}
			set(time.Now().Add(15 * time.Second))
			time.Sleep(10 * time.Second)
			set(time.Now().Add(15 * time.Second)) // renewed
			ts.store.mu.Lock()
			ts.store.conns[1].cut = true
			ts.store.conns[1].broken()
			ts.store.mu.Unlock()
			time.Sleep(15*time.Second - time.Millisecond)
			ts.want("before the end", presence.DND, ts.all...)
			time.Sleep(2 * time.Millisecond)
			ts.want("after the end", presence.Online, ts.all...)
		})
	}
}
