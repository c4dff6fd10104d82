//go:build !race

package presence

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// awayMost is how long a foreign mark that nobody renews may keep a replica from the others.
const awayMost = 30 * time.Second

// stayers is three replicas with people who never leave.
type stayers struct {
	b      *simBoard
	r      *rand.Rand
	all    []*syncer
	strict bool                  // no replica may find other accounts
	away   map[*syncer]time.Time // since when each has
}

const stayersCount = 9

func newStayers(seed uint64, with rules) *stayers {
	b := newSimBoard(rand.New(rand.NewPCG(seed, 8)))
	st := &stayers{b: b, r: rand.New(rand.NewPCG(seed, 7)), strict: true, away: map[*syncer]time.Time{}}
	for i := range 3 {
		s := b.open(fmt.Sprintf("r%d", i))
		s.rules = with
		s.start()
		st.all = append(st.all, s)
		time.Sleep(st.upTo(beatEvery)) // each beats at a time of its own
	}
	for u := range stayersCount {
		st.all[u%3].Publish(fmt.Sprintf("u%d", u), Digest{Connected: true})
	}
	time.Sleep(5*time.Second + st.upTo(beatEvery))
	return st
}

func (st *stayers) upTo(d time.Duration) time.Duration { return time.Duration(st.r.Int64N(int64(d))) }

// look says what is wrong at this moment; "" for nothing.
func (st *stayers) look() string {
	for u := range stayersCount {
		for i, s := range st.all {
			if i != u%3 && len(s.Remote(fmt.Sprintf("u%d", u))) == 0 {
				return fmt.Sprintf("u%d, who never left, is missing at r%d", u, i)
			}
		}
	}
	for i, s := range st.all {
		switch since := st.away[s]; {
		case s.Peers().Conflict == nil:
			delete(st.away, s)
		case st.strict:
			return fmt.Sprintf("r%d stays away: %v", i, s.Peers().Conflict)
		case since.IsZero():
			st.away[s] = time.Now()
		case time.Since(since) > awayMost:
			return fmt.Sprintf("r%d stays away for more than %v", i, awayMost)
		}
	}
	return ""
}

// stayFaults are those that leave every process alive. Each begins, and goes on by itself.
var stayFaults = map[string]func(st *stayers){
	"refused writes": func(st *stayers) {
		st.b.refuses = true
		st.later(time.Second+st.upTo(20*time.Second), func() { st.b.refuses = false })
	},
	"standstill": func(st *stayers) {
		until := time.Now().Add(st.upTo(25 * time.Second))
		for _, l := range st.b.links {
			l.stopped = until.Add(st.upTo(time.Second))
		}
	},
	"failover": func(st *stayers) {
		for _, l := range st.b.links {
			l.demoted = true
		}
	},
	"away, and back empty": func(st *stayers) {
		st.b.down = true
		st.later(6*time.Second, func() {
			st.b.down = false
			st.b.wipe()
			for _, l := range st.b.links {
				l.broken()
			}
		})
	},
	"mark written over": func(st *stayers) {
		st.strict = false
		st.b.overwrite()
		if st.r.IntN(2) == 0 {
			st.later(st.upTo(20*time.Second), func() { st.b.mark, st.b.markTil = "", time.Time{} })
		}
	},
}

func (st *stayers) later(d time.Duration, f func()) {
	time.AfterFunc(d, func() {
		st.b.mu.Lock()
		defer st.b.mu.Unlock()
		f()
	})
}

// supervise starts a process with other accounts again, 2 s after it was refused, until ended is closed.
func (st *stayers) supervise(ended chan struct{}) {
	for n := 0; ; n++ {
		st.b.mu.Lock()
		l := st.b.joinLocked(fmt.Sprintf("other%d", n), st.all[0].rules)
		st.b.mu.Unlock()
		var refused *StoreError
		if err := l.owner(context.Background(), false); !errors.As(err, &refused) {
			l.s.start()
			<-ended
			st.b.leave(l)
			return
		}
		st.b.forget(l)
		select {
		case <-ended:
			return
		case <-time.After(2 * time.Second):
		}
	}
}

// simulateStay has one fault happen to people who stay, with a process of other accounts beside, and returns the first
// thing that was wrong within a minute after it began, or at its end; "" for none.
func simulateStay(seed uint64, fault func(*stayers), with rules) string {
	st := newStayers(seed, with)
	ended := make(chan struct{})
	var other sync.WaitGroup
	defer func() {
		close(ended)
		other.Wait()
		for _, s := range st.all {
			_ = s.Close()
		}
	}()
	other.Go(func() { st.supervise(ended) })
	time.Sleep(st.upTo(5 * time.Second))
	st.b.mu.Lock()
	fault(st)
	st.b.mu.Unlock()
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(10 * time.Millisecond) {
		if wrong := st.look(); wrong != "" {
			return fmt.Sprintf("%v after the fault %s", time.Since(began), wrong)
		}
	}
	for i, s := range st.all {
		if at := s.Peers(); !at.Lost.IsZero() || at.Others != 2 {
			return fmt.Sprintf("a minute later r%d has %d others and is lost since %v", i, at.Others, at.Lost)
		}
	}
	return ""
}

// TestSimulationPeopleStay: whatever Redis and processes of other accounts do, nobody who stays is missing for a moment,
// and no replica stays away from the others for long.
func TestSimulationPeopleStay(t *testing.T) {
	for name, fault := range stayFaults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(40) {
				synctest.Test(t, func(t *testing.T) {
					if wrong := simulateStay(seed, fault, allRules); wrong != "" {
						t.Errorf("seed %d: %s", seed, wrong)
					}
				})
			}
		})
	}
}

// TestEveryRuleKeepsPeople switches one rule off at a time, and expects the fault that it is for to show.
func TestEveryRuleKeepsPeople(t *testing.T) {
	for _, c := range []struct {
		rule, fault string
		off         func(*rules)
	}{
		{"lapse", "refused writes", func(r *rules) { r.lapse = false }},
		{"lapse", "standstill", func(r *rules) { r.lapse = false }},
		{"redial", "failover", func(r *rules) { r.redial = false }},
		{"waitTurn", "away, and back empty", func(r *rules) { r.waitTurn = false }},
		{"rejoin", "mark written over", func(r *rules) { r.rejoin = false }},
		{"contest", "mark written over", func(r *rules) { r.contest = false }},
		{"hold", "away, and back empty", func(r *rules) { r.hold = false }},
	} {
		t.Run(c.rule+", "+c.fault, func(t *testing.T) {
			with := allRules
			c.off(&with)
			wrong := ""
			seed := uint64(0)
			for ; wrong == "" && seed < 500; seed++ {
				synctest.Test(t, func(*testing.T) { wrong = simulateStay(seed, stayFaults[c.fault], with) })
			}
			if wrong == "" {
				t.Fatalf("without the rule %s nothing is wrong: the simulation does not test it", c.rule)
			}
			t.Logf("seed %d: %s", seed-1, wrong)
		})
	}
}
