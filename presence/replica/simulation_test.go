//go:build !race

// The simulation covers thousands of minutes of fake time. The race detector makes it ten times slower, so make test
// runs it without. The tests on a real Redis (redis_test.go) run the same code with it.

package replica

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/presence"
	"rollcall/presence/registrytest"
)

// simReplica is a process: its syncer, and what its users really do.
type simReplica struct {
	id    string
	s     *syncer
	conn  *simConn
	truth map[string]presence.Digest
}

// simulate runs a minute of faults with three replicas and twelve users, and then waits until everything should agree
// again. It returns how the replicas then differ from the truth, or "".
func simulate(seed uint64, with rules) string {
	r := rand.New(rand.NewPCG(seed, 7))
	b := newSimStore(rand.New(rand.NewPCG(seed, 8)))
	ids := 0
	open := func() *simReplica {
		ids++
		id := fmt.Sprintf("r%d", ids)
		s := b.open(id)
		s.rules = with
		b.conns[len(b.conns)-1].searching = time.Duration(r.IntN(400)) * time.Millisecond // a survey takes up to 5 s
		s.start()
		return &simReplica{id: id, s: s, conn: b.conns[len(b.conns)-1], truth: map[string]presence.Digest{}}
	}
	replicas := []*simReplica{open(), open(), open()}
	digests := []presence.Digest{{}, {Connected: true}, {Connected: true, Active: true}}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		time.Sleep(time.Duration(r.IntN(300)) * time.Millisecond)
		i := r.IntN(len(replicas))
		rep, user := replicas[i], fmt.Sprintf("u%d", r.IntN(12))
		if r.IntN(10) > 0 { // mostly people come, go and move
			d := digests[r.IntN(3)]
			rep.truth[user] = d
			rep.s.Publish(user, d)
			if r.IntN(4) == 0 { // to another replica
				to := replicas[r.IntN(len(replicas))]
				rep.truth[user] = presence.Digest{}
				rep.s.Publish(user, presence.Digest{})
				to.truth[user] = digests[2]
				to.s.Publish(user, digests[2])
			}
			continue
		}
		if b.fault(rep, r) {
			b.leave(rep.conn)
			replicas[i] = open()
		}
	}
	for _, rep := range replicas {
		rep.conn.heal()
	}
	b.deleteForeignMark()         // if all processes are new, none may contest it
	time.Sleep(160 * time.Second) // long enough for faults, conflicts, leases, holds and cleanups to end
	defer func() {
		for _, rep := range replicas {
			_ = rep.s.Close()
		}
	}()
	return differences(b, replicas)
}

// fault causes one fault, and reports whether the process has to crash.
func (b *simStore) fault(rep *simReplica, r *rand.Rand) (crash bool) {
	kind := r.IntN(14)
	if kind == 13 { // a process with other accounts runs for up to 8 s
		b.mu.Lock()
		defer b.mu.Unlock()
		other := b.joinLocked("other", rep.s.rules)
		other.s.start()
		time.AfterFunc(time.Duration(r.IntN(8000))*time.Millisecond, func() { b.leave(other) })
		return false
	}
	return b.cause(kind, rep.conn, r)
}

// cause causes a fault of a kind, and reports whether the process has to crash.
func (b *simStore) cause(kind int, l *simConn, r *rand.Rand) (crash bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch kind {
	case 0, 1: // cut off for up to 16 s
		l.cut = true
		l.broken()
		time.AfterFunc(time.Duration(r.IntN(16_000))*time.Millisecond, l.heal)
	case 2, 3: // frozen for up to 16 s
		l.frozen = true
		time.AfterFunc(time.Duration(r.IntN(16_000))*time.Millisecond, l.heal)
	case 4: // loses everything, and announces that
		b.wipe()
		for _, o := range b.conns {
			o.broken()
		}
	case 5: // comes back with old data
		if b.dump != nil {
			b.entries = cloneEntries(b.dump)
			for _, o := range b.conns {
				o.broken()
			}
		}
		b.dump = cloneEntries(b.entries)
	case 6: // evicts one user, and announces that
		for u := range b.entries {
			for id := range b.entries[u] {
				b.set(u, id, "")
			}
			break
		}
	case 7: // a command of a closed connection runs late, after a newer one
		b.later(fmt.Sprintf("u%d", r.IntN(12)), l, r)
	case 8:
		return true
	case 9: // refuses writes for up to 20 s
		b.refuses = true
		time.AfterFunc(time.Duration(r.IntN(20_000))*time.Millisecond, func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.refuses = false
		})
	case 10: // fails over to another server, and open connections stay with the old one
		for _, o := range b.conns {
			o.demoted = true
		}
	case 11: // the process stands still for up to 16 s
		l.stopped = time.Now().Add(time.Duration(r.IntN(16_000)) * time.Millisecond)
	case 12: // another program overwrites the mark
		b.overwrite()
	}
	return false
}

// later writes an entry up to 4 s later.
func (b *simStore) later(user string, l *simConn, r *rand.Rand) {
	value := []string{"", "0 0", "1 0"}[r.IntN(3)]
	time.AfterFunc(time.Duration(r.IntN(4000))*time.Millisecond, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.set(user, l.self, value)
	})
}

// differences compares the store and every replica's data with the truth.
func differences(b *simStore, replicas []*simReplica) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	for u := range 12 {
		user := fmt.Sprintf("u%d", u)
		for _, rep := range replicas {
			if got, want := b.entries[user][rep.id], encodeDigest(rep.truth[user]); got != want {
				return fmt.Sprintf("the store's entry of %s by %s is %q, the truth is %q", user, rep.id, got, want)
			}
			var want []presence.Digest
			for _, other := range replicas {
				if d := other.truth[user]; other != rep && d.Connected {
					want = append(want, d)
				}
			}
			if got := rep.s.Remote(user); !registrytest.SameDigests(got, want) {
				return fmt.Sprintf("%s has %s as %v, the truth is %v", rep.id, user, got, want)
			}
		}
		for id := range b.entries[user] {
			if !slices.ContainsFunc(replicas, func(r *simReplica) bool { return r.id == id }) {
				return fmt.Sprintf("the entry of %s by the dead replica %s is still there", user, id)
			}
		}
	}
	return ""
}

// TestSimulation: after each of a thousand histories full of faults, all replicas agree with the truth.
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

// TestEveryRuleIsNeeded switches off one rule at a time, and expects a history after which the replicas disagree.
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
			// Some rules matter in only one of a hundred histories.
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
				t.Errorf("without the rule %s, all histories end right, so the simulation doesn't test it", name)
			}
		})
	}
}

// TestHoldKeepsPeople: when the store loses everything, nobody disappears. Without the hold, people do.
func TestHoldKeepsPeople(t *testing.T) {
	flashes := func(with rules) (n int) {
		synctest.Test(t, func(*testing.T) {
			b := newSimStore(rand.New(rand.NewPCG(1, 1)))
			var all []*syncer
			for i := range 3 {
				s := b.open(fmt.Sprintf("r%d", i))
				s.rules = with
				b.conns[i].searching = 100 * time.Millisecond // a survey takes 5 s, longer than the hold
				s.start()
				defer s.Close()
				all = append(all, s)
			}
			for u := range 50 {
				all[u%3].Publish(fmt.Sprintf("u%d", u), presence.Digest{Connected: true})
			}
			time.Sleep(5 * time.Second)
			b.mu.Lock()
			b.wipe()
			for _, l := range b.conns {
				l.broken()
			}
			b.conns[0].cut = true // and one replica comes back late
			time.AfterFunc(time.Second, b.conns[0].heal)
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
		t.Errorf("after a wipe, people were missing %d times, want 0", n)
	}
	without := allRules
	without.hold = false
	if flashes(without) == 0 {
		t.Error("without the hold, nobody was missing either, so the test has no effect")
	}
}

// TestBeatsWhileBusy: a replica keeps its lease during a round that takes longer than a lease.
func TestBeatsWhileBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newSimStore(rand.New(rand.NewPCG(1, 1)))
		s := b.open("r0")
		b.conns[0].distance = 300 * time.Millisecond
		s.start()
		defer s.Close()
		time.Sleep(5 * time.Second)
		const n = 60 * batchEntries // 18 s of writes, and 18 s of reads
		for u := range n {
			s.Publish(fmt.Sprint("u", u), presence.Digest{Connected: true})
		}
		began := time.Now()
		for written := 0; written < n; time.Sleep(100 * time.Millisecond) {
			b.mu.Lock()
			written = len(b.entries)
			left := time.Until(b.leases["r0"])
			b.mu.Unlock()
			if left <= 0 {
				t.Fatalf("the lease ended %v after %d people came", time.Since(began), n)
			}
			if time.Since(began) > time.Minute {
				t.Fatalf("%d of %d users were written within a minute", written, n)
			}
		}
		if took := time.Since(began); took < leaseTTL {
			t.Errorf("everything was written after %v, which is too fast for this test", took)
		}
	})
}

// TestHoldWaitsForAbsentReplica: the store loses everything while one replica is cut off. The others keep its people
// until it's back and has written them again, and drop those who left in the meantime.
func TestHoldWaitsForAbsentReplica(t *testing.T) {
	for _, absent := range []time.Duration{time.Second, 3 * time.Second, 4 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			b := newSimStore(rand.New(rand.NewPCG(1, 1)))
			x, y := b.open("x"), b.open("y")
			for _, s := range []*syncer{x, y} {
				s.start()
				defer s.Close()
			}
			y.Publish("ada", presence.Digest{Connected: true})
			y.Publish("bob", presence.Digest{Connected: true})
			time.Sleep(20 * time.Second)
			b.mu.Lock()
			b.wipe()
			for _, l := range b.conns {
				l.broken()
			}
			b.conns[1].cut = true
			b.mu.Unlock()
			y.Publish("bob", presence.Digest{})
			time.AfterFunc(absent, b.conns[1].heal)
			for began := time.Now(); time.Since(began) < 30*time.Second; time.Sleep(5 * time.Millisecond) {
				if len(x.Remote("ada")) == 0 {
					t.Fatalf("ada is missing %v after the wipe, with her replica cut off for %v",
						time.Since(began), absent)
				}
				// It takes 2.5 s to notice that the replica is back. Then the hold begins.
				left := absent + 2500*time.Millisecond + holdFor + time.Second
				if time.Since(began) > left && len(x.Remote("bob")) > 0 {
					t.Fatalf("bob is still there %v after the wipe, with his replica cut off for %v", left, absent)
				}
			}
		})
	}
}

// TestEvictionHidesNobody: the store evicts single entries and leases, and announces that. Nobody disappears.
func TestEvictionHidesNobody(t *testing.T) {
	for what, evict := range map[string]func(*simStore){
		"the entry": func(b *simStore) { b.set("ada", "y", "") },
		"the lease": func(b *simStore) { delete(b.leases, "y"); b.announce("", "y") },
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newSimStore(rand.New(rand.NewPCG(1, 1)))
			x, y := b.open("x"), b.open("y")
			for _, s := range []*syncer{x, y} {
				s.start()
				defer s.Close()
				time.Sleep(beatEvery / 2) // so that one reads between the beats of the other
			}
			y.Publish("ada", presence.Digest{Connected: true})
			time.Sleep(20 * time.Second)
			for range 20 {
				b.mu.Lock()
				evict(b)
				b.mu.Unlock()
				for began := time.Now(); time.Since(began) < 4*time.Second; time.Sleep(time.Millisecond) {
					if len(x.Remote("ada")) == 0 {
						t.Fatalf("%s was evicted, and ada is missing %v later", what, time.Since(began))
					}
				}
			}
			y.Publish("ada", presence.Digest{})
			time.Sleep(time.Second)
			if got := x.Remote("ada"); len(got) != 0 {
				t.Errorf("after %s was evicted and ada left, Remote = %v, want none", what, got)
			}
		})
	}
}
