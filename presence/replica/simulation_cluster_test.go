//go:build !race

package replica

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/presence"
)

// simCluster is the store in a cluster, as one replica of Rollcall sees it. Each node is a simStore of its own, so keys
// on different nodes have no order, and each can fail while the others work.
type simCluster struct {
	s     *syncer
	nodes []*simConn

	mu     sync.Mutex
	used   []bool // guarded by mu; the node's connection announces, and it gets commands
	breaks []int  // guarded by mu; how often each connection broke
	stop   chan struct{}
	open   sync.WaitGroup
}

// joinCluster returns a replica of Rollcall that isn't running yet.
func joinCluster(self string, stores []*simStore, with rules) (*syncer, *simCluster) {
	s := newSyncer(self, slog.New(slog.DiscardHandler))
	s.rules = with
	c := &simCluster{s: s, stop: make(chan struct{}), used: make([]bool, len(stores)), breaks: make([]int, len(stores))}
	s.store = c
	for i, st := range stores {
		st.mu.Lock()
		conn := &simConn{store: st, self: self, accounts: "ours", s: s, lost: func() { c.broke(i) }}
		st.conns = append(st.conns, conn)
		st.mu.Unlock()
		c.nodes, c.used[i] = append(c.nodes, conn), true
	}
	return s, c
}

// broke says that the connection to a node broke. Another one is opened as soon as that works.
func (c *simCluster) broke(i int) {
	c.mu.Lock()
	was := c.used[i]
	c.used[i] = false
	c.breaks[i]++
	c.mu.Unlock()
	if was {
		c.s.wake()
		c.open.Go(func() { c.reopen(i) })
	}
}

func (c *simCluster) reopen(i int) {
	for {
		c.mu.Lock()
		breaks := c.breaks[i]
		c.mu.Unlock()
		if c.nodes[i].do(context.Background(), func() {}) == nil {
			c.s.partBack()
			c.mu.Lock()
			c.used[i] = c.breaks[i] == breaks
			used := c.used[i]
			c.mu.Unlock()
			if used {
				return
			}
		}
		select {
		case <-c.stop:
			return
		case <-time.After(askAgain):
		}
	}
}

func (c *simCluster) whole() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	down := 0
	for _, used := range c.used {
		if !used {
			down++
		}
	}
	switch down {
	case 0:
		return nil
	case len(c.used):
		return errCut
	}
	return errPartly
}

func (c *simCluster) nodeOf(key string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	return int(h.Sum32() % uint32(len(c.nodes)))
}

// on runs f with a node's connection, if it's used.
func (c *simCluster) on(i int, f func(*simConn) error) error {
	c.mu.Lock()
	used := c.used[i]
	c.mu.Unlock()
	if !used {
		return errPartly
	}
	if err := f(c.nodes[i]); errors.Is(err, errCut) || errors.Is(err, errRefused) {
		return errors.Join(errPartly, err)
	} else {
		return err
	}
}

// all runs f for all nodes at once.
func (c *simCluster) all(f func(i int, conn *simConn) error) error {
	errs := make([]error, len(c.nodes))
	var work sync.WaitGroup
	for i := range c.nodes {
		work.Go(func() { errs[i] = c.on(i, func(conn *simConn) error { return f(i, conn) }) })
	}
	work.Wait()
	return errors.Join(errs...)
}

func (c *simCluster) survey(ctx context.Context, found func(users, replicas []string)) error {
	return c.all(func(_ int, conn *simConn) error { return conn.survey(ctx, found) })
}

func (c *simCluster) read(ctx context.Context, users []string) ([]map[string]string, error) {
	found := make([]map[string]string, len(users))
	err := c.all(func(i int, conn *simConn) error {
		var some []string
		var at []int
		for n, u := range users {
			if c.nodeOf(u) == i {
				some, at = append(some, u), append(at, n)
			}
		}
		if len(some) == 0 {
			return nil
		}
		entries, err := conn.read(ctx, some)
		for n := range entries {
			if found[at[n]] = entries[n]; entries[n] == nil {
				found[at[n]] = map[string]string{}
			}
		}
		return err
	})
	return found, err
}

// write says that it removes entries, at the same time as it removes them, and on other nodes.
func (c *simCluster) write(ctx context.Context, entries []entry) ([]entry, error) {
	var saying sync.WaitGroup
	for _, e := range entries {
		if e.value == "" {
			saying.Go(func() {
				_ = c.on(c.nodeOf("removes:"+e.user), func(conn *simConn) error {
					return conn.change(ctx, func() { conn.say(e) })
				})
			})
		}
	}
	err := c.all(func(i int, conn *simConn) error {
		var some []entry
		for _, e := range entries {
			if c.nodeOf(e.user) == i {
				some = append(some, e)
			}
		}
		if len(some) == 0 {
			return nil
		}
		return conn.change(ctx, func() {
			for _, e := range some {
				conn.store.set(e.user, conn.self, e.value)
			}
		})
	})
	saying.Wait()
	return entries, err
}

// beat renews the lease on one node, and the mark on another.
func (c *simCluster) beat(ctx context.Context, info leaseInfo, only bool) (had bool, err error) {
	err = c.on(c.nodeOf(c.s.self), func(conn *simConn) (err error) {
		had, err = conn.beat(ctx, info, only)
		return err
	})
	return had, err
}

func (c *simCluster) owner(ctx context.Context, contest bool) error {
	return c.on(0, func(conn *simConn) error { return conn.owner(ctx, contest) })
}

func (c *simCluster) adopt(ctx context.Context) error {
	return c.on(0, func(conn *simConn) error { return conn.adopt(ctx) })
}

func (c *simCluster) leases(ctx context.Context, replicas []string) ([]time.Duration, error) {
	left := make([]time.Duration, len(replicas))
	var failed error
	for n, id := range replicas {
		left[n] = unknownLease
		err := c.on(c.nodeOf(id), func(conn *simConn) error {
			some, err := conn.leases(ctx, []string{id})
			if err == nil {
				left[n] = some[0]
			}
			return err
		})
		failed = errors.Join(failed, err)
	}
	return left, failed
}

func (c *simCluster) clean(ctx context.Context, gone map[string][]string) error {
	return c.all(func(i int, conn *simConn) error {
		here := map[string][]string{}
		for id, users := range gone {
			for _, u := range users {
				if c.nodeOf(u) == i {
					here[id] = append(here[id], u)
				}
			}
		}
		return conn.clean(ctx, here)
	})
}

func (c *simCluster) reconnect(context.Context) error {
	for i := range c.nodes {
		c.broke(i)
	}
	return nil
}

func (c *simCluster) close() {
	close(c.stop)
	c.open.Wait()
}

// simulateCluster runs a minute of faults of single nodes with three replicas and twelve users, and then waits until
// everything should agree again. It returns how the replicas then differ from the truth, or "".
func simulateCluster(seed uint64, with rules) string {
	r := rand.New(rand.NewPCG(seed, 9))
	var stores []*simStore
	for i := range 3 {
		stores = append(stores, newSimStore(rand.New(rand.NewPCG(seed, uint64(10+i)))))
	}
	ids := 0
	type process struct {
		*simReplica
		store *simCluster
	}
	open := func() process {
		ids++
		s, c := joinCluster(fmt.Sprintf("r%d", ids), stores, with)
		s.start()
		return process{&simReplica{id: s.self, s: s, truth: map[string]presence.Digest{}}, c}
	}
	all := []process{open(), open(), open()}
	digests := []presence.Digest{{}, {Connected: true}, {Connected: true, Active: true}}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		time.Sleep(time.Duration(r.IntN(300)) * time.Millisecond)
		i := r.IntN(len(all))
		rep, user := all[i], fmt.Sprintf("u%d", r.IntN(12))
		if r.IntN(10) > 0 {
			d := digests[r.IntN(3)]
			rep.truth[user] = d
			rep.s.Publish(user, d)
			continue
		}
		n := r.IntN(len(stores))
		conn := rep.store.nodes[n]
		switch kind := r.IntN(14); kind {
		case 7:
			n = rep.store.nodeOf(user)
			stores[n].later(user, rep.store.nodes[n], r)
		case 8:
			_ = rep.s.Close()
			for i, st := range stores {
				st.forget(rep.store.nodes[i])
			}
			all[i] = open()
		case 10, 12, 13: // a node fails over to one with older data, and everybody's connection breaks
			stores[n].cause(5, conn, r)
		default:
			stores[n].cause(kind, conn, r)
		}
	}
	for _, rep := range all {
		for _, conn := range rep.store.nodes {
			conn.heal()
		}
	}
	time.Sleep(160 * time.Second)
	merged := &simStore{entries: map[string]map[string]string{}}
	for _, st := range stores {
		st.mu.Lock()
		for u, e := range st.entries {
			merged.entries[u] = e
		}
		st.mu.Unlock()
	}
	replicas := make([]*simReplica, len(all))
	for i := range all {
		replicas[i] = all[i].simReplica
	}
	diff := differences(merged, replicas)
	for _, rep := range all {
		_ = rep.s.Close()
	}
	return diff
}

// TestClusterSimulation: after each of many histories full of faults of single nodes, all replicas agree with the
// truth.
func TestClusterSimulation(t *testing.T) {
	for seed := range uint64(150) {
		synctest.Test(t, func(t *testing.T) {
			if diff := simulateCluster(seed, allRules); diff != "" {
				t.Errorf("the history of seed %d ended wrong: %s", seed, diff)
			}
		})
	}
}

// TestClusterHold: the node with a replica's lease doesn't work for longer than a lease. When it does again, the lease
// has ended, and the replica needs a moment to renew it. Meanwhile, nobody is missing, unless a rule is.
func TestClusterHold(t *testing.T) {
	for name, tt := range map[string]struct {
		breaks, loses bool
		off           func(*rules)
	}{
		"connections break":                     {true, false, func(r *rules) { r.hold = false }},
		"connections break, and keys are lost":  {true, true, func(r *rules) { r.hold = false }},
		"the node refuses commands for a while": {false, false, func(r *rules) { r.unseen = false }},
	} {
		without := allRules
		tt.off(&without)
		if n := missingAfterOutage(t, allRules, tt.breaks, tt.loses); n != 0 {
			t.Errorf("%s: people were missing %d times, want 0", name, n)
		}
		if missingAfterOutage(t, without, tt.breaks, tt.loses) == 0 {
			t.Errorf("%s: without the rule, nobody was missing either, so the test has no effect", name)
		}
	}
}

// missingAfterOutage returns how often people of a replica were missing at another during and after an outage of the
// node with its lease.
func missingAfterOutage(t *testing.T, with rules, breaks, loses bool) (n int) {
	synctest.Test(t, func(*testing.T) {
		var stores []*simStore
		for i := range 3 {
			stores = append(stores, newSimStore(rand.New(rand.NewPCG(1, uint64(i)))))
		}
		x, atX := joinCluster("x", stores, with)
		y, atY := joinCluster("y", stores, with)
		for _, s := range []*syncer{x, y} {
			s.start()
			defer s.Close()
		}
		for u := range 20 {
			y.Publish(name(u), presence.Digest{Connected: true})
		}
		time.Sleep(20 * time.Second)
		node := atY.nodeOf("y")
		if node == atX.nodeOf("x") {
			panic("the leases are on the same node")
		}
		st := stores[node]
		st.mu.Lock()
		st.down = !breaks
		atY.nodes[node].cut = true
		for _, c := range []*simCluster{atX, atY} {
			if breaks {
				c.nodes[node].cut = true
				c.nodes[node].broken()
			}
		}
		if loses {
			st.entries, st.leases = map[string]map[string]string{}, map[string]time.Time{}
		}
		st.mu.Unlock()
		time.AfterFunc(15*time.Second, func() {
			st.mu.Lock()
			st.down = false
			st.mu.Unlock()
			atX.nodes[node].heal()
		})
		time.AfterFunc(16*time.Second, atY.nodes[node].heal) // the owner comes back after the observer
		for range 6000 {
			time.Sleep(5 * time.Millisecond)
			for u := range 20 {
				if len(x.Remote(name(u))) == 0 {
					n++
				}
			}
		}
	})
	return n
}

// TestClusterSimulationOutage: while one node is cut off, changes on the others reach everybody.
func TestClusterSimulationOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stores []*simStore
		for i := range 3 {
			stores = append(stores, newSimStore(rand.New(rand.NewPCG(1, uint64(i)))))
		}
		x, atX := joinCluster("x", stores, allRules)
		y, atY := joinCluster("y", stores, allRules)
		for _, s := range []*syncer{x, y} {
			s.start()
			defer s.Close()
		}
		time.Sleep(20 * time.Second)
		for down := range stores {
			stores[down].mu.Lock()
			for _, c := range []*simCluster{atX, atY} {
				c.nodes[down].cut = true
				c.nodes[down].broken()
			}
			stores[down].mu.Unlock()
			time.Sleep(5 * time.Second)
			for u := range 20 {
				y.Publish(name(u), presence.Digest{Connected: true})
			}
			time.Sleep(3 * time.Second)
			for u := range 20 {
				if here, want := len(x.Remote(name(u))) > 0, atX.nodeOf(name(u)) != down; here != want {
					t.Errorf("with node %d down, x sees %s: %v, want %v", down, name(u), here, want)
				}
				y.Publish(name(u), presence.Digest{})
			}
			if x.Peers().Lost.IsZero() {
				t.Errorf("with node %d down, x says that it's well", down)
			}
			for _, c := range []*simCluster{atX, atY} {
				c.nodes[down].heal()
			}
			time.Sleep(10 * time.Second)
			if !x.Peers().Lost.IsZero() {
				t.Errorf("with node %d back, x says that it isn't well", down)
			}
		}
	})
}
