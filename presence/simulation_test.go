//go:build !race

// The simulation goes through thousands of minutes of fake time, which the race detector makes ten times slower; make
// test runs it without. Races of the same code are looked for on a real Redis (redis_test.go).

package presence

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// simReplica is a process: what its users truly do, and its syncer.
type simReplica struct {
	id    string
	s     *syncer
	link  *simLink
	truth map[string]Digest
}

// simulate runs a minute of faults over three replicas and twelve users, then lets all be calm for as long as the
// promises allow, and returns how the replicas then differ from the truth; "" for not at all.
func simulate(seed uint64, with rules) string {
	r := rand.New(rand.NewPCG(seed, 7))
	b := newSimBoard(rand.New(rand.NewPCG(seed, 8)))
	ids := 0
	open := func() *simReplica {
		ids++
		id := fmt.Sprintf("r%d", ids)
		s := b.open(id)
		s.rules = with
		b.links[len(b.links)-1].searching = time.Duration(r.IntN(400)) * time.Millisecond // a survey takes up to 5 s
		s.start()
		return &simReplica{id: id, s: s, link: b.links[len(b.links)-1], truth: map[string]Digest{}}
	}
	replicas := []*simReplica{open(), open(), open()}
	digests := []Digest{{}, {Connected: true}, {Connected: true, Active: true}}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		time.Sleep(time.Duration(r.IntN(300)) * time.Millisecond)
		i := r.IntN(len(replicas))
		rep, user := replicas[i], fmt.Sprintf("u%d", r.IntN(12))
		if r.IntN(10) > 0 { // mostly people do what people do
			d := digests[r.IntN(3)]
			rep.truth[user] = d
			rep.s.Publish(user, d)
			if r.IntN(4) == 0 { // and move to another replica
				to := replicas[r.IntN(len(replicas))]
				rep.truth[user] = Digest{}
				rep.s.Publish(user, Digest{})
				to.truth[user] = digests[2]
				to.s.Publish(user, digests[2])
			}
			continue
		}
		if b.fault(rep, r) {
			b.leave(rep.link)
			replicas[i] = open()
		}
	}
	for _, rep := range replicas {
		rep.link.heal()
	}
	b.deleteForeignMark()         // where no process is left that was there before, none may contest it
	time.Sleep(160 * time.Second) // faults, conflicts, leases, hold, the cleaning of the dead: all have had their time
	defer func() {
		for _, rep := range replicas {
			_ = rep.s.Close()
		}
	}()
	return differences(b, replicas)
}

// fault does one bad thing, and says whether the process should crash.
func (b *simBoard) fault(rep *simReplica, r *rand.Rand) (crash bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := rep.link
	switch r.IntN(14) {
	case 0, 1: // cut off for up to 16 s
		l.cut = true
		l.broken()
		time.AfterFunc(time.Duration(r.IntN(16_000))*time.Millisecond, l.heal)
	case 2, 3: // frozen for up to 16 s
		l.frozen = true
		time.AfterFunc(time.Duration(r.IntN(16_000))*time.Millisecond, l.heal)
	case 4: // forgets everything and says so
		b.wipe()
		for _, o := range b.links {
			o.broken()
		}
	case 5: // comes back with an old dump
		if b.dump != nil {
			b.entries = cloneEntries(b.dump)
			for _, o := range b.links {
				o.broken()
			}
		}
		b.dump = cloneEntries(b.entries)
	case 6: // evicts one user, and says so
		for u := range b.entries {
			for id := range b.entries[u] {
				b.set(u, id, "")
			}
			break
		}
	case 7: // a command of a dead connection is carried out late, over a newer one
		user, value := fmt.Sprintf("u%d", r.IntN(12)), []string{"", "0 0", "1 0"}[r.IntN(3)]
		time.AfterFunc(time.Duration(r.IntN(4000))*time.Millisecond, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.set(user, l.self, value)
		})
	case 8:
		return true
	case 9: // refuses writes for up to 20 s
		b.refuses = true
		time.AfterFunc(time.Duration(r.IntN(20_000))*time.Millisecond, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.refuses = false
		})
	case 10: // fails over to another server, and open connections stay where they are
		for _, o := range b.links {
			o.demoted = true
		}
	case 11: // the process stands still for up to 16 s
		l.stopped = time.Now().Add(time.Duration(r.IntN(16_000)) * time.Millisecond)
	case 12: // somebody writes over the mark
		b.overwrite()
	case 13: // a process with other accounts runs for up to 8 s
		other := b.joinLocked("other", rep.s.rules)
		other.s.start()
		time.AfterFunc(time.Duration(r.IntN(8000))*time.Millisecond, func() { b.leave(other) })
	}
	return false
}

// differences compares the noticeboard and what every replica has with the truth.
func differences(b *simBoard, replicas []*simReplica) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for u := range 12 {
		user := fmt.Sprintf("u%d", u)
		for _, rep := range replicas {
			if got, want := b.entries[user][rep.id], encodeDigest(rep.truth[user]); got != want {
				return fmt.Sprintf("the noticeboard has %s of %s as %q, the truth is %q", user, rep.id, got, want)
			}
			var want []Digest
			for _, other := range replicas {
				if d := other.truth[user]; other != rep && d.Connected {
					want = append(want, d)
				}
			}
			if got := rep.s.Remote(user); !sameDigests(got, want) {
				return fmt.Sprintf("%s has %s as %v, the truth is %v", rep.id, user, got, want)
			}
		}
		for id := range b.entries[user] {
			if !slices.ContainsFunc(replicas, func(r *simReplica) bool { return r.id == id }) {
				return fmt.Sprintf("%s of the dead replica %s is still there", user, id)
			}
		}
	}
	return ""
}

// TestSimulation: a thousand histories full of faults, and all replicas agree with the truth after each.
func TestSimulation(t *testing.T) {
	const histories, parts = 1000, 4
	for part := range parts {
		t.Run(fmt.Sprintf("%d of every %d", part+1, parts), func(t *testing.T) {
			t.Parallel()
			for seed := part; seed < histories; seed += parts {
				synctest.Test(t, func(t *testing.T) {
					if diff := simulate(uint64(seed), allRules); diff != "" {
						t.Errorf("the history of seed %d ended wrong: %s", seed, diff)
					}
				})
			}
		})
	}
}

// TestEveryRuleIsNeeded switches one rule off at a time, and expects histories that end wrong for ever.
func TestEveryRuleIsNeeded(t *testing.T) {
	for name, off := range map[string]func(*rules){
		"audit":     func(r *rules) { r.audit = false },
		"union":     func(r *rules) { r.union = false },
		"poll":      func(r *rules) { r.poll = false },
		"keepMarks": func(r *rules) { r.keepMarks = false },
		"redial":    func(r *rules) { r.redial = false },
		"rejoin":    func(r *rules) { r.rejoin = false },
	} {
		t.Run(name, func(t *testing.T) {
			with := allRules
			off(&with)
			// Some rules matter in one history of a hundred, so look on until one is found.
			wrong, seeds := 0, 0
			for ; wrong == 0 && seeds < 2000; seeds++ {
				synctest.Test(t, func(*testing.T) {
					if simulate(uint64(seeds), with) != "" {
						wrong++
					}
				})
			}
			t.Logf("the first history that ends wrong is the %dth", seeds)
			if wrong == 0 {
				t.Errorf("without the rule %s all histories end right: the simulation does not test it", name)
			}
		})
	}
}

// TestHoldKeepsPeople: a noticeboard that forgets everything makes nobody vanish, and does without the hold.
func TestHoldKeepsPeople(t *testing.T) {
	flashes := func(with rules) (n int) {
		synctest.Test(t, func(*testing.T) {
			b := newSimBoard(rand.New(rand.NewPCG(1, 1)))
			var all []*syncer
			for i := range 3 {
				s := b.open(fmt.Sprintf("r%d", i))
				s.rules = with
				b.links[i].searching = 100 * time.Millisecond // a survey of all takes 5 s, longer than the hold
				s.start()
				defer s.Close()
				all = append(all, s)
			}
			for u := range 50 {
				all[u%3].Publish(fmt.Sprintf("u%d", u), Digest{Connected: true})
			}
			time.Sleep(5 * time.Second)
			b.mu.Lock()
			b.wipe()
			for _, l := range b.links {
				l.broken()
			}
			b.links[0].cut = true // and one replica is slow to come back
			time.AfterFunc(time.Second, b.links[0].heal)
			b.mu.Unlock()
			for range 2000 {
				time.Sleep(5 * time.Millisecond)
				for u := range 50 {
					if len(all[(u+1)%3].Remote(fmt.Sprintf("u%d", u))) == 0 {
						n++
					}
				}
			}
		})
		return n
	}
	if n := flashes(allRules); n != 0 {
		t.Errorf("after a wipe people were missing %d times, want 0", n)
	}
	without := allRules
	without.hold = false
	if flashes(without) == 0 {
		t.Error("without the hold nobody was missing either: this tests nothing")
	}
}

// TestBeatsWhileBusy: a round with many users on a slow line takes longer than a lease, and the lease is kept.
func TestBeatsWhileBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newSimBoard(rand.New(rand.NewPCG(1, 1)))
		s := b.open("r0")
		b.links[0].distance = 300 * time.Millisecond
		s.start()
		defer s.Close()
		time.Sleep(5 * time.Second)
		const n = 60 * batchEntries // 18 s of writes, and as long of reads
		for u := range n {
			s.Publish(fmt.Sprint("u", u), Digest{Connected: true})
		}
		began := time.Now()
		for written := 0; written < n; time.Sleep(100 * time.Millisecond) {
			b.mu.Lock()
			written = len(b.entries)
			left := time.Until(b.leases["r0"])
			b.mu.Unlock()
			if left <= 0 {
				t.Fatalf("the lease was lost %v after %d people came", time.Since(began), n)
			}
			if time.Since(began) > time.Minute {
				t.Fatalf("%d of %d users were written within a minute", written, n)
			}
		}
		if took := time.Since(began); took < LeaseTTL {
			t.Errorf("all was written after %v: this tests nothing", took)
		}
	})
}

// TestHoldWaitsForTheLost: a noticeboard forgets everything while one replica is cut off from it. The others keep its
// people until it is back and has written them again, and let those go who left meanwhile.
func TestHoldWaitsForTheLost(t *testing.T) {
	for _, away := range []time.Duration{time.Second, 3 * time.Second, 4 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			b := newSimBoard(rand.New(rand.NewPCG(1, 1)))
			x, y := b.open("x"), b.open("y")
			for _, s := range []*syncer{x, y} {
				s.start()
				defer s.Close()
			}
			y.Publish("ada", Digest{Connected: true})
			y.Publish("bob", Digest{Connected: true})
			time.Sleep(20 * time.Second)
			b.mu.Lock()
			b.wipe()
			for _, l := range b.links {
				l.broken()
			}
			b.links[1].cut = true
			b.mu.Unlock()
			y.Publish("bob", Digest{})
			time.AfterFunc(away, b.links[1].heal)
			for began := time.Now(); time.Since(began) < 30*time.Second; time.Sleep(5 * time.Millisecond) {
				if len(x.Remote("ada")) == 0 {
					t.Fatalf("ada is missing %v after the wipe, with her replica away for %v", time.Since(began), away)
				}
				// It takes 2 s and a half to notice that it is back, then the hold begins.
				if left := away + 2500*time.Millisecond + holdFor + time.Second; time.Since(began) > left && len(x.Remote("bob")) > 0 {
					t.Fatalf("bob is still there %v after the wipe, with his replica away for %v", left, away)
				}
			}
		})
	}
}

// TestThrownOutIsNotGone: a noticeboard throws out single entries and leases, and says so. Nobody vanishes for it.
func TestThrownOutIsNotGone(t *testing.T) {
	for what, throwOut := range map[string]func(*simBoard){
		"the entry": func(b *simBoard) { b.set("ada", "y", "") },
		"the lease": func(b *simBoard) { delete(b.leases, "y"); b.announce("", "y") },
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newSimBoard(rand.New(rand.NewPCG(1, 1)))
			x, y := b.open("x"), b.open("y")
			for _, s := range []*syncer{x, y} {
				s.start()
				defer s.Close()
				time.Sleep(beatEvery / 2) // so that one looks between the beats of the other
			}
			y.Publish("ada", Digest{Connected: true})
			time.Sleep(20 * time.Second)
			for range 20 {
				b.mu.Lock()
				throwOut(b)
				b.mu.Unlock()
				for began := time.Now(); time.Since(began) < 4*time.Second; time.Sleep(time.Millisecond) {
					if len(x.Remote("ada")) == 0 {
						t.Fatalf("%s was thrown out, and ada is missing %v later", what, time.Since(began))
					}
				}
			}
			y.Publish("ada", Digest{})
			time.Sleep(time.Second)
			if got := x.Remote("ada"); len(got) != 0 {
				t.Errorf("after %s was thrown out and ada left, Remote = %v, want none", what, got)
			}
		})
	}
}
