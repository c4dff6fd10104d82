package main

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestTrial(t *testing.T) {
	// Two people make four changes, and two watchers watch them.
	tr := newTrial(4, 2, 2)
	for i, want := range []struct {
		who int
		to  shown
	}{{0, online}, {1, online}, {0, away}, {1, away}} {
		if c := tr.changes[i]; c.who != want.who || c.to != want.to {
			t.Errorf("newTrial: change %d = %d to %d, want %d to %d", i, c.who, c.to, want.who, want.to)
		}
	}
	at := func(c *change, after time.Duration) time.Time {
		return tr.began.Add(time.Duration(c.sent.Load()) + after)
	}
	first, second, third := tr.changes[0], tr.changes[1], tr.changes[2]

	tr.see(0, []sighting{{0, online}}, time.Now())
	expectTook(t, "before it was made", first, 0, 0)
	tr.make(first)
	tr.see(0, []sighting{{0, away}}, at(first, time.Millisecond))
	expectTook(t, "another state", first, 0, 0)
	tr.see(0, []sighting{{0, online}, {1, online}}, at(first, 2*time.Millisecond))
	expectTook(t, "the right state, and a person whose change isn't made yet", first, 2*time.Millisecond, 0)
	tr.see(0, []sighting{{0, online}}, at(first, 5*time.Millisecond))
	expectTook(t, "the same state again", first, 2*time.Millisecond, 0)
	expectThere(t, "with one watcher missing", first, false)
	tr.see(1, []sighting{{0, online}}, at(first, 3*time.Millisecond))
	expectThere(t, "with all watchers", first, true)
	expectTook(t, "both watchers", first, 2*time.Millisecond, 3*time.Millisecond)

	tr.make(second)
	tr.make(third)
	tr.see(1, []sighting{{0, away}, {1, online}}, at(third, time.Millisecond))
	took, missing := tr.arrivals(2)
	if len(took) != 2 || len(took[0]) != 1 || len(took[1]) != 3 || missing != 4 {
		t.Errorf("arrivals(2) = %v, %d missing, want 1 on the first server, 3 on the second, 4 missing", took, missing)
	}
}

// A change that no frame showed must not make later changes look early.
func TestTrialOvertaken(t *testing.T) {
	tr := newTrial(3, 1, 1)
	for _, c := range tr.changes {
		tr.make(c)
	}
	first := tr.changes[0]
	tr.see(0, []sighting{{0, online}}, tr.began.Add(time.Duration(first.sent.Load())+time.Second))
	expectTook(t, "overtaken", first, time.Second)
	expectTook(t, "the one that overtook it", tr.changes[2], 0)
}

// run keeps the rate, and doesn't wait forever for a change that doesn't arrive.
func TestTrialRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := planTrial([]step{{0, online}, {0, gone}, {0, online}}, 1, 1)
		began := time.Now()
		var at []time.Duration
		err := tr.run(t.Context(), 20, func(c *change) error {
			at = append(at, time.Since(began))
			tr.make(c)
			if len(at) < 3 {
				tr.see(0, []sighting{{0, c.to}}, time.Now())
			}
			return nil
		})
		if want := []time.Duration{0, 50 * time.Millisecond, 100 * time.Millisecond}; err != nil || !slices.Equal(at, want) {
			t.Errorf("run made changes at %v, %v, want %v", at, err, want)
		}
		if got, want := time.Since(began), 100*time.Millisecond+arriveWait; got != want {
			t.Errorf("run took %v, want %v", got, want)
		}
		if took, missing := tr.arrivals(1); len(took[0]) != 2 || missing != 1 {
			t.Errorf("arrivals(1) = %v, %d missing, want 2 and 1 missing", took, missing)
		}
	})
}

func expectTook(t *testing.T, when string, c *change, want ...time.Duration) {
	t.Helper()
	for w := range want {
		if got := time.Duration(c.took[w].Load()) * time.Microsecond; got != want[w] {
			t.Errorf("%s: watcher %d took %v, want %v", when, w, got, want[w])
		}
	}
}

func expectThere(t *testing.T, when string, c *change, want bool) {
	t.Helper()
	got := false
	select {
	case <-c.there:
		got = true
	default:
	}
	if got != want {
		t.Errorf("%s: there = %v, want %v", when, got, want)
	}
}
