//go:build !race

package replica

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/presence"
)

// conflictMax is the longest time that a foreign mark, which nobody renews, may keep a replica from talking to the
// others.
const conflictMax = 30 * time.Second

// stayers are three replicas with people who never leave.
type stayers struct {
	b      *simStore
	r      *rand.Rand
	all    []*syncer
	strict bool                  // no replica may find other accounts
	found  map[*syncer]time.Time // since when each has
}

const stayersCount = 9

func newStayers(seed uint64, with rules) *stayers {
	b := newSimStore(rand.New(rand.NewPCG(seed, 8)))
	st := &stayers{b: b, r: rand.New(rand.NewPCG(seed, 7)), strict: true, found: map[*syncer]time.Time{}}
	for i := range 3 {
		s := b.open(fmt.Sprintf("r%d", i))
		s.rules = with
		s.start()
		st.all = append(st.all, s)
		time.Sleep(st.upTo(beatEvery)) // so that they beat at different times
	}
	for u := range stayersCount {
		st.all[u%3].Publish(fmt.Sprintf("u%d", u), presence.Digest{Connected: true})
	}
	time.Sleep(5*time.Second + st.upTo(beatEvery))
	return st
}

func (st *stayers) upTo(d time.Duration) time.Duration { return time.Duration(st.r.Int64N(int64(d))) }

// look returns what's wrong now, or "".
func (st *stayers) look() string {
	for u := range stayersCount {
		for i, s := range st.all {
			if i != u%3 && len(s.Remote(fmt.Sprintf("u%d", u))) == 0 {
				return fmt.Sprintf("u%d, who never left, is missing at r%d", u, i)
			}
		}
	}
	for i, s := range st.all {
		switch since := st.found[s]; {
		case s.Peers().Conflict == nil:
			delete(st.found, s)
		case st.strict:
			return fmt.Sprintf("r%d found other accounts: %v", i, s.Peers().Conflict)
		case since.IsZero():
			st.found[s] = time.Now()
		case time.Since(since) > conflictMax:
			return fmt.Sprintf("r%d hasn't talked to the others for more than %v", i, conflictMax)
		}
	}
	return ""
}

// stayFaults are faults that stop no process. Each function starts one, which then continues by itself.
var stayFaults = map[string]func(st *stayers){
	"refused writes": func(st *stayers) {
		st.b.refuses = true
		st.later(time.Second+st.upTo(20*time.Second), func() { st.b.refuses = false })
	},
	"standstill": func(st *stayers) {
		until := time.Now().Add(st.upTo(25 * time.Second))
		for _, l := range st.b.conns {
			l.stopped = until.Add(st.upTo(time.Second))
		}
	},
	"failover": func(st *stayers) {
		for _, l := range st.b.conns {
			l.demoted = true
		}
	},
	"down, then empty": func(st *stayers) {
		st.b.down = true
		st.later(6*time.Second, func() {
			st.b.down = false
			st.b.wipe()
			for _, l := range st.b.conns {
				l.broken()
			}
		})
	},
	"mark overwritten": func(st *stayers) {
		st.strict = false
		st.b.overwrite()
		if st.r.IntN(2) == 0 {
			st.later(st.upTo(20*time.Second), func() { st.b.mark, st.b.markEnd = "", time.Time{} })
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

// supervise starts a process with other accounts, and again 2 s after each time that it's refused, until ended is
// closed.
func (st *stayers) supervise(ended chan struct{}) {
	for n := 0; ; n++ {
		st.b.mu.Lock()
		l := st.b.joinLocked(fmt.Sprintf("other%d", n), st.all[0].rules)
		st.b.mu.Unlock()
		var refused *AccountsError
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

// simulateStay causes one fault while people stay and a process with other accounts tries to join. It returns the first
// thing that went wrong within a minute or is wrong at its end, or "".
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
	return st.watch(fault)
}

// watch causes fault, and returns the first thing that went wrong, or "".
func (st *stayers) watch(fault func(*stayers)) string {
	time.Sleep(st.upTo(5 * time.Second))
	st.b.mu.Lock()
	fault(st)
	st.b.mu.Unlock()
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(10 * time.Millisecond) {
		if wrong := st.look(); wrong != "" {
			return fmt.Sprintf("%v after the fault: %s", time.Since(began), wrong)
		}
	}
	for i, s := range st.all {
		if at := s.Peers(); !at.Lost.IsZero() || at.Others != 2 {
			return fmt.Sprintf("a minute later, r%d has %d others and Lost = %v", i, at.Others, at.Lost)
		}
	}
	return ""
}

// TestSimulationPeopleStay: whatever the store and processes with other accounts do, nobody who stays disappears, not
// even for a moment, and every replica soon talks to the others again.
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

// TestEveryRuleKeepsPeople switches off one rule at a time, and expects something to go wrong.
func TestEveryRuleKeepsPeople(t *testing.T) {
	for _, c := range []struct {
		rule, fault string
		off         func(*rules)
	}{
		{"unseen", "refused writes", func(r *rules) { r.unseen = false }},
		{"unseen", "standstill", func(r *rules) { r.unseen = false }},
		{"redial", "failover", func(r *rules) { r.redial = false }},
		{"waitTurn", "down, then empty", func(r *rules) { r.waitTurn = false }},
		{"rejoin", "mark overwritten", func(r *rules) { r.rejoin = false }},
		{"contest", "mark overwritten", func(r *rules) { r.contest = false }},
		{"hold", "down, then empty", func(r *rules) { r.hold = false }},
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
				t.Fatalf("without the rule %s, nothing goes wrong, so the simulation doesn't test it", c.rule)
			}
			t.Logf("seed %d: %s", seed-1, wrong)
		})
	}
}
