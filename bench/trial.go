package main

import (
	"sync/atomic"
	"time"
)

// trial is a series of changes, with the times when each watcher received them. Each person's changes alternate between
// two states, so a frame that shows the state of the person's next change means that it has arrived, and a frame that
// shows the other state repeats the previous change. A change that was never sent in a frame of its own counts as
// arrived, late, with the person's next change to the same state.
type trial struct {
	began    time.Time
	watchers int
	changes  []*change   // in the order in which they are made
	of       [][]*change // by person
	next     []uint16    // by watcher, then person: index of the first change that hasn't arrived; one goroutine per watcher
}

// change is one person's change of state.
type change struct {
	who   int
	to    shown
	sent  atomic.Int64    // nanoseconds since the trial began, at least 1; 0 if not sent yet
	took  []atomic.Uint32 // by watcher: microseconds until it arrived, at least 1; 0 if not arrived yet
	left  atomic.Int32    // watchers that don't have it yet
	there chan struct{}   // closed when left is 0
}

// newTrial plans n changes by the given number of people, who start away and take turns.
func newTrial(n, people, watchers int) *trial {
	t := &trial{began: time.Now(), watchers: watchers, of: make([][]*change, people), next: make([]uint16, people*watchers)}
	for i := range n {
		c := &change{who: i % people, to: online, took: make([]atomic.Uint32, watchers), there: make(chan struct{})}
		if len(t.of[c.who])%2 == 1 {
			c.to = away
		}
		c.left.Store(int32(watchers))
		t.changes = append(t.changes, c)
		t.of[c.who] = append(t.of[c.who], c)
	}
	return t
}

// make records that c is made now.
func (t *trial) make(c *change) { c.sent.Store(max(1, int64(time.Since(t.began)))) }

// see records what a watcher received. Calls for one watcher must not overlap.
func (t *trial) see(watcher int, found []sighting, at time.Time) {
	for _, s := range found {
		next := &t.next[watcher*len(t.of)+s.who]
		if int(*next) >= len(t.of[s.who]) {
			continue
		}
		c := t.of[s.who][*next]
		sent := c.sent.Load()
		if sent == 0 || s.state != c.to {
			continue
		}
		took := at.Sub(t.began) - time.Duration(sent)
		c.took[watcher].Store(uint32(max(1, took.Microseconds())))
		*next++
		if c.left.Add(-1) == 0 {
			close(c.there)
		}
	}
}

// arrivals returns the times of all changes that arrived, by server. The watchers are spread over the servers in turn.
// missing is how many changes didn't arrive.
func (t *trial) arrivals(servers int) (took [][]time.Duration, missing int) {
	took = make([][]time.Duration, servers)
	for _, c := range t.changes {
		for w := range c.took {
			if us := c.took[w].Load(); us > 0 {
				at := w % servers
				took[at] = append(took[at], time.Duration(us)*time.Microsecond)
			} else {
				missing++
			}
		}
	}
	return took, missing
}
