//go:build !race

// The simulation goes through thousands of minutes of fake time, which the race detector makes ten times slower; make
// test runs it without. Races of the same code are looked for on a real Redis (redis_test.go).

package presence

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// simBoard is a noticeboard on fake time that does everything a Redis can do to its clients: it is cut off, freezes,
// carries out commands late, forgets everything, comes back with an old dump, loses single entries, and announces
// changes late or, where a connection broke, not at all. All of it runs in one synctest bubble.
type simBoard struct {
	mu      sync.Mutex // guards all of it, and the links
	r       *rand.Rand
	entries map[string]map[string]string
	leases  map[string]time.Time
	links   []*simLink
	dump    map[string]map[string]string
	cleaner time.Time
}

// simLink is one replica's connection.
type simLink struct {
	board  *simBoard
	self   string
	s      *syncer
	cut    bool // nothing gets through
	frozen bool // nothing gets through now, and what was sent is carried out after the thaw
	whole  bool // announcements arrive
	queue  []func()

	distance time.Duration // of each round trip, beside the usual
}

var errCut = errors.New("cut off")

func newSimBoard(r *rand.Rand) *simBoard {
	return &simBoard{r: r, entries: map[string]map[string]string{}, leases: map[string]time.Time{}}
}

func (b *simBoard) open(self string) *syncer {
	s := newSyncer(self, slog.New(slog.DiscardHandler))
	l := &simLink{board: b, self: self, s: s}
	s.link = l
	b.mu.Lock()
	defer b.mu.Unlock()
	b.links = append(b.links, l)
	return s
}

// pause takes up to most microseconds.
func (b *simBoard) pause(most int) {
	b.mu.Lock()
	d := time.Duration(b.r.IntN(most)) * time.Microsecond
	b.mu.Unlock()
	time.Sleep(d)
}

// do carries out f after a moment, as far as the link lets it; an answer takes another moment.
func (l *simLink) do(ctx context.Context, f func()) error {
	b := l.board
	b.pause(1500)
	time.Sleep(l.distance)
	b.mu.Lock()
	switch {
	case l.frozen && !l.cut:
		l.queue = append(l.queue, f) // it will be carried out, whoever has given it up by then
		fallthrough
	case l.cut:
		b.mu.Unlock()
		sleepOr(ctx, 2*time.Second)
		return errCut
	}
	l.whole = true // a new connection, if it was none: announcements begin, and those before are lost
	f()
	b.mu.Unlock()
	b.pause(1500)
	return nil
}

func sleepOr(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// announce tells every whole link, each after a time of its own, so that news overtake answers and the other way round.
func (b *simBoard) announce(user, replica string) {
	for _, l := range b.links {
		if l.cut || l.frozen || !l.whole {
			l.whole = l.whole && !l.cut
			continue
		}
		var users, replicas []string
		if user != "" {
			users = []string{user}
		} else {
			replicas = []string{replica}
		}
		time.AfterFunc(time.Duration(b.r.IntN(2000))*time.Microsecond, func() { l.s.invalidated(users, replicas, false) })
	}
}

// broken ends the connection: announcements stop, and the replica is told that they did.
func (l *simLink) broken() {
	l.whole = false
	time.AfterFunc(time.Millisecond, func() { l.s.invalidated(nil, nil, true) })
}

func (l *simLink) survey(ctx context.Context) ([]string, []string, error) {
	var users, replicas []string
	err := l.do(ctx, func() {
		users, replicas = slices.Collect(maps.Keys(l.board.entries)), slices.Collect(maps.Keys(l.board.leases))
	})
	if err != nil {
		return nil, nil, err // what is carried out later finds nobody who listens
	}
	return users, replicas, nil
}

func (l *simLink) read(ctx context.Context, users []string) ([]map[string]string, error) {
	out := make([]map[string]string, len(users))
	err := l.do(ctx, func() {
		for i, u := range users {
			out[i] = maps.Clone(l.board.entries[u])
		}
	})
	if err != nil {
		return nil, err
	}
	l.board.pause(30_000) // the answer is on its way while others write
	return out, nil
}

func (l *simLink) write(ctx context.Context, entries []entry) error {
	return l.do(ctx, func() {
		for _, e := range entries {
			l.board.set(e.user, l.self, e.value)
		}
	})
}

func (b *simBoard) set(user, replica, value string) {
	if value == "" {
		if _, there := b.entries[user][replica]; !there {
			return
		}
		delete(b.entries[user], replica)
		if len(b.entries[user]) == 0 {
			delete(b.entries, user)
		}
	} else {
		if b.entries[user] == nil {
			b.entries[user] = map[string]string{}
		}
		b.entries[user][replica] = value
	}
	b.announce(user, "")
}

func (l *simLink) beat(ctx context.Context, _ health) (bool, error) {
	var had bool
	err := l.do(ctx, func() {
		had = time.Now().Before(l.board.leases[l.self])
		l.board.leases[l.self] = time.Now().Add(LeaseTTL)
		l.board.announce("", l.self)
	})
	if err != nil {
		return false, err
	}
	return had, nil
}

func (l *simLink) leases(ctx context.Context, replicas []string) ([]time.Duration, error) {
	out := make([]time.Duration, len(replicas))
	err := l.do(ctx, func() {
		for i, id := range replicas {
			out[i] = max(0, time.Until(l.board.leases[id]))
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (l *simLink) clean(ctx context.Context, gone map[string][]string) error {
	return l.do(ctx, func() {
		if time.Now().Before(l.board.cleaner) {
			return
		}
		l.board.cleaner = time.Now().Add(20 * time.Second)
		for replica, users := range gone {
			for _, u := range users {
				l.board.set(u, replica, "")
			}
		}
	})
}

func (l *simLink) renew(ctx context.Context) error {
	l.board.mu.Lock()
	l.whole = false
	l.board.mu.Unlock()
	return l.do(ctx, func() {})
}

func (l *simLink) close() {}

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
			_ = rep.s.Close()
			b.mu.Lock()
			b.links = slices.DeleteFunc(b.links, func(l *simLink) bool { return l == rep.link })
			b.mu.Unlock()
			replicas[i] = open()
		}
	}
	for _, rep := range replicas {
		rep.link.heal()
	}
	time.Sleep(100 * time.Second) // leases, hold, the cleaning of the dead: all have had their time
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
	switch r.IntN(9) {
	case 0, 1: // cut off for up to 16 s
		l.cut = true
		l.broken()
		time.AfterFunc(time.Duration(r.IntN(16_000))*time.Millisecond, l.heal)
	case 2, 3: // frozen for up to 16 s
		l.frozen = true
		time.AfterFunc(time.Duration(r.IntN(16_000))*time.Millisecond, l.heal)
	case 4: // forgets everything and says so
		b.entries, b.leases = map[string]map[string]string{}, map[string]time.Time{}
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
	}
	return false
}

// heal lets a link work again. What was queued while frozen is carried out in an order of its own.
func (l *simLink) heal() {
	l.board.mu.Lock()
	defer l.board.mu.Unlock()
	if !l.cut && !l.frozen {
		return
	}
	l.cut, l.frozen = false, false
	l.board.r.Shuffle(len(l.queue), func(i, j int) { l.queue[i], l.queue[j] = l.queue[j], l.queue[i] })
	for _, f := range l.queue {
		f()
	}
	l.queue = nil
	l.broken()
}

func cloneEntries(m map[string]map[string]string) map[string]map[string]string {
	out := make(map[string]map[string]string, len(m))
	for u, e := range m {
		out[u] = maps.Clone(e)
	}
	return out
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

func countWrong(t *testing.T, seeds int, with rules) (wrong int, first string) {
	t.Helper()
	for seed := range seeds {
		synctest.Test(t, func(*testing.T) {
			if diff := simulate(uint64(seed), with); diff != "" {
				if wrong++; first == "" {
					first = fmt.Sprintf("seed %d: %s", seed, diff)
				}
			}
		})
	}
	return wrong, first
}

// TestSimulation: a thousand histories full of faults, and all replicas agree with the truth after each.
func TestSimulation(t *testing.T) {
	if wrong, first := countWrong(t, 1000, allRules); wrong > 0 {
		t.Errorf("%d of 1000 histories ended wrong; %s", wrong, first)
	}
}

// TestEveryRuleIsNeeded switches one rule off at a time, and expects histories that end wrong for ever.
func TestEveryRuleIsNeeded(t *testing.T) {
	for name, off := range map[string]func(*rules){
		"audit":     func(r *rules) { r.audit = false },
		"union":     func(r *rules) { r.union = false },
		"poll":      func(r *rules) { r.poll = false },
		"keepMarks": func(r *rules) { r.keepMarks = false },
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
				s.start()
				defer s.Close()
				all = append(all, s)
			}
			for u := range 50 {
				all[u%3].Publish(fmt.Sprintf("u%d", u), Digest{Connected: true})
			}
			time.Sleep(5 * time.Second)
			b.mu.Lock()
			b.entries, b.leases = map[string]map[string]string{}, map[string]time.Time{}
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
			b.entries, b.leases = map[string]map[string]string{}, map[string]time.Time{}
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
