package main

import (
	"context"
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
	next     []uint16    // by watcher, then person: index of the first change that hasn't arrived
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

// step is a change that is planned.
type step struct {
	who int
	to  shown
}

// newTrial plans n changes by the given number of people, who start away and take turns.
func newTrial(n, people, watchers int) *trial {
	plan := make([]step, n)
	for i := range plan {
		plan[i] = step{who: i % people, to: online}
		if i/people%2 == 1 {
			plan[i].to = away
		}
	}
	return planTrial(plan, people, watchers)
}

// planTrial plans a trial of these changes by the given number of people.
func planTrial(plan []step, people, watchers int) *trial {
	t := &trial{began: time.Now(), watchers: watchers, of: make([][]*change, people),
		next: make([]uint16, people*watchers)}
	for _, s := range plan {
		c := &change{who: s.who, to: s.to, took: make([]atomic.Uint32, watchers), there: make(chan struct{})}
		c.left.Store(int32(watchers))
		t.changes = append(t.changes, c)
		t.of[c.who] = append(t.of[c.who], c)
	}
	return t
}

// run makes rate changes per second, and then waits until they have arrived, or arriveWait has passed.
func (t *trial) run(ctx context.Context, rate int, make func(*change) error) error {
	for i, c := range t.changes {
		due := t.began.Add(time.Duration(i) * time.Second / time.Duration(rate))
		if err := pause(ctx, time.Until(due)); err != nil {
			return err
		}
		if err := make(c); err != nil {
			return err
		}
	}
	end := time.After(arriveWait)
	for _, c := range t.changes {
		select {
		case <-c.there:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-end:
			return nil
		}
	}
	return nil
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
