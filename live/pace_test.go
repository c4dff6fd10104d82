package live

import (
	"testing"
	"time"

	"rollcall/accounts"
)

// simulated is what a schedule of changes led to.
type simulated struct {
	flushes int
	busy    float64       // the part of the time that flushes took
	longest time.Duration // from a change to the start of its flush
}

// simulate makes n changes, one every so often. A flush takes a time, and more for each change in it.
func simulate(n int, every, flush, each time.Duration) (s simulated) {
	var p pace
	var waiting []time.Time
	var worked time.Duration
	start := time.Unix(0, 0)
	for now, next := start, 0; next < n || len(waiting) > 0; {
		for ; next < n && !start.Add(time.Duration(next)*every).After(now); next++ {
			waiting = append(waiting, start.Add(time.Duration(next)*every))
		}
		if len(waiting) == 0 {
			now = start.Add(time.Duration(next) * every)
			continue
		}
		if wait := p.wait(now); wait > 0 {
			now = now.Add(wait)
			continue
		}
		took := flush + time.Duration(len(waiting))*each
		s.longest = max(s.longest, now.Sub(waiting[0]))
		now = now.Add(took)
		p.flushed(now, took, len(waiting))
		s.flushes, worked, waiting = s.flushes+1, worked+took, nil
		s.busy = float64(worked) / float64(now.Sub(start)+p.rest)
	}
	return s
}

// TestPace: lone changes are sent at once and take at most a fifth of the time. When changes pour in, there are as
// few flushes as with the longest rest.
func TestPace(t *testing.T) {
	const ms = time.Millisecond
	for name, tt := range map[string]struct {
		n                  int
		every, flush, each time.Duration
		most               int // flushes
		busy               float64
		longest            time.Duration
	}{
		"lone changes, 1,000 watchers":   {100, 100 * ms, 12 * ms, 0, 100, 0.2, 0},
		"16 a second, 1,000 watchers":    {160, 60 * ms, 12 * ms, 0, 160, 0.2, 10 * ms},
		"100 a second, 1,000 watchers":   {1000, 10 * ms, 12 * ms, ms / 2, 45, 0.1, 280 * ms},
		"100 a second, 10 watchers":      {1000, 10 * ms, ms / 8, 0, 1000, 0.2, 0},
		"5,000 a second, 10 watchers":    {5000, ms / 5, ms / 8, 0, 15, 0.01, 251 * ms},
		"2 a second, 20,000 watchers":    {20, 500 * ms, 250 * ms, 0, 20, 0.51, 0},
		"more changes than time to send": {100, ms, 400 * ms, 0, 3, 0.7, 700 * ms},
	} {
		got := simulate(tt.n, tt.every, tt.flush, tt.each)
		if got.flushes > tt.most || got.busy > tt.busy || got.longest > tt.longest {
			t.Errorf("%s: %d flushes, %.3f of the time, and a change waited for %v; want at most %d, %.2f and %v",
				name, got.flushes, got.busy, got.longest, tt.most, tt.busy, tt.longest)
		}
	}
}

// TestPaceOfBoard: a flush counts the people who changed for others, once each.
func TestPaceOfBoard(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob, eve := f.person("ada"), f.person("bob"), f.person("eve")
	f.watch(Query{Show: Everyone}, ada)
	f.step()
	f.must(f.store.SetInvisible(acting(t.Context()), eve.ID, true))
	f.step()
	for _, tt := range []struct {
		name string
		do   func()
		want int
	}{
		{"nothing", func() {}, 0},
		{"an invisible person comes", func() { f.arrive(eve) }, 0},
		{"one comes", func() { f.arrive(bob) }, 1},
		{"two change, one of them twice", func() {
			f.must(f.store.SetStatus(acting(t.Context()), bob.ID, accounts.Status{State: "away"}, ""))
			f.must(f.board.CatchUp(t.Context()))
			f.board.applyViews(f.board.feed.Take())
			f.must(f.store.SetStatus(acting(t.Context()), bob.ID, accounts.Status{State: "dnd"}, ""))
			f.arrive(ada)
		}, 2},
	} {
		tt.do()
		f.must(f.board.CatchUp(t.Context()))
		f.board.applyViews(f.board.feed.Take())
		if got := len(f.board.roster.changed); got != tt.want {
			t.Errorf("%s: the next flush has changes of %d people, want %d", tt.name, got, tt.want)
		}
		if sent := f.board.flush(); sent != (tt.want > 0) {
			t.Errorf("%s: flush = %v", tt.name, sent)
		}
		if n := len(f.board.roster.changed); n != 0 {
			t.Errorf("%s: after the flush, changes of %d people are left", tt.name, n)
		}
	}
}
