//go:build !race

package replica

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// simStore is a shared store on fake time that fails in every way that Redis can: it's cut off, freezes, runs commands
// late, refuses writes, is demoted behind open connections, loses everything or single entries, comes back with old
// data, gets a foreign mark, and announces changes late or, after a connection broke, not at all. It runs in a synctest
// bubble.
type simStore struct {
	mu      sync.Mutex // guards all fields, and those of the connections
	r       *rand.Rand
	entries map[string]map[string]string
	leases  map[string]time.Time
	conns   []*simConn
	dump    map[string]map[string]string
	cleaner time.Time // when the running cleanup ends
	mark    string    // ID of the accounts whose replicas share the store
	markEnd time.Time // when the mark ends
	down    bool      // no connection works
	refuses bool      // writes fail, but connections work
}

// simConn is one replica's connection.
type simConn struct {
	store    *simStore
	self     string
	accounts string // ID of this replica's accounts
	s        *syncer
	cut      bool // nothing gets through
	frozen   bool // nothing gets through now, and commands that were sent run when it thaws
	tracked  bool // announcements arrive
	demoted  bool // it leads to a server that accepts no writes, and a new connection leads to one that does
	queue    []func()

	stopped time.Time // this replica's process stands still until then

	lost func() // called when the connection broke; nil: announcementsLost of s

	beats, asked int // renewals of its lease, and leases that it read

	distance  time.Duration // added to each round trip
	searching time.Duration // for each user that a survey finds
}

var (
	errCut     = errors.New("cut off")
	errRefused = errors.New("OOM command not allowed")
)

func newSimStore(r *rand.Rand) *simStore {
	st := &simStore{r: r}
	st.wipe()
	st.mark, st.markEnd = "ours", time.Now().Add(ownerTTL) // replicas used it a moment ago
	return st
}

func (st *simStore) open(self string) *syncer {
	st.mu.Lock()
	defer st.mu.Unlock()
	return st.openLocked(self, "ours").s
}

func (st *simStore) openLocked(self, accounts string) *simConn {
	s := newSyncer(self, slog.New(slog.DiscardHandler))
	c := &simConn{store: st, self: self, accounts: accounts, s: s}
	s.store = c
	st.conns = append(st.conns, c)
	return c
}

// joinLocked opens a connection for a process with other accounts. The caller starts its syncer.
func (st *simStore) joinLocked(self string, with rules) *simConn {
	c := st.openLocked(self, "theirs")
	c.s.rules = with
	return c
}

// leave ends a process.
func (st *simStore) leave(c *simConn) {
	_ = c.s.Close()
	st.forget(c)
}

// forget removes the connection of a process that has ended.
func (st *simStore) forget(c *simConn) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.conns = slices.DeleteFunc(st.conns, func(o *simConn) bool { return o == c })
}

// pause sleeps for a random time below most microseconds.
func (st *simStore) pause(most int) {
	st.mu.Lock()
	d := time.Duration(st.r.IntN(most)) * time.Microsecond
	st.mu.Unlock()
	time.Sleep(d)
}

// do runs f after a moment if the connection works. The answer takes another moment.
func (c *simConn) do(ctx context.Context, f func()) error {
	st := c.store
	st.pause(1500)
	time.Sleep(c.distance)
	st.mu.Lock()
	for stop := time.Until(c.stopped); stop > 0; stop = time.Until(c.stopped) {
		st.mu.Unlock()
		time.Sleep(stop) // ignores ctx, because a process that stands still doesn't notice its end
		st.mu.Lock()
	}
	switch {
	case st.down:
		st.mu.Unlock()
		return errCut
	case c.frozen && !c.cut:
		c.queue = append(c.queue, f) // it runs later, even if its caller has given up by then
		fallthrough
	case c.cut:
		st.mu.Unlock()
		sleepOr(ctx, 2*time.Second)
		return errCut
	}
	c.tracked = true // a new connection starts tracking; earlier announcements are lost
	f()
	st.mu.Unlock()
	st.pause(1500)
	return nil
}

// change is do for writes.
func (c *simConn) change(ctx context.Context, f func()) error {
	var refused error
	err := c.do(ctx, func() {
		switch {
		case c.demoted:
			refused = errReadOnly
		case c.store.refuses:
			refused = errRefused
		default:
			f()
		}
	})
	if err != nil {
		return err
	}
	return refused
}

func sleepOr(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// announce announces a change to every connection.
func (st *simStore) announce(user, replica string) {
	var users, replicas []string
	if user != "" {
		users = []string{user}
	} else {
		replicas = []string{replica}
	}
	st.announceAll(func(s *syncer) { s.announced(users, replicas) })
}

// announceAll calls tell for every connection, each after a random time, so that announcements and answers can overtake
// each other.
func (st *simStore) announceAll(tell func(*syncer)) {
	for _, c := range st.conns {
		if c.cut || c.frozen || st.down || !c.tracked {
			c.tracked = c.tracked && !c.cut
			continue
		}
		time.AfterFunc(time.Duration(st.r.IntN(2000))*time.Microsecond, func() { tell(c.s) })
	}
}

// broken breaks the connection: announcements stop, and the replica notices.
func (c *simConn) broken() {
	c.tracked = false
	lost := c.lost
	if lost == nil {
		lost = c.s.announcementsLost
	}
	time.AfterFunc(time.Millisecond, lost)
}

// survey finds one user at a time, as on a server full of other keys.
func (c *simConn) survey(ctx context.Context, found func(users, replicas []string)) error {
	var users, replicas []string
	err := c.do(ctx, func() {
		users, replicas = slices.Sorted(maps.Keys(c.store.entries)), slices.Sorted(maps.Keys(c.store.leases))
	})
	for i := 0; err == nil && ctx.Err() == nil && i < len(users); i++ {
		time.Sleep(c.searching)
		if err = c.do(ctx, func() {}); err == nil {
			found(users[i:i+1], nil)
		}
	}
	if err == nil && ctx.Err() == nil {
		found(nil, replicas)
	}
	return cmp.Or(err, ctx.Err()) // ctx may have ended while the process stood still
}

func (c *simConn) read(ctx context.Context, users []string) ([]map[string]string, error) {
	out := make([]map[string]string, len(users))
	err := c.do(ctx, func() {
		for i, u := range users {
			out[i] = maps.Clone(c.store.entries[u])
		}
	})
	if err != nil {
		return nil, err
	}
	c.store.pause(30_000) // others write while the answer is on its way
	return out, nil
}

func (c *simConn) whole() error { return nil }

func (c *simConn) write(ctx context.Context, entries []entry) ([]entry, error) {
	return entries, c.change(ctx, func() {
		for _, e := range entries {
			if e.value == "" {
				c.say(e)
			}
			c.store.set(e.user, c.self, e.value)
		}
	})
}

// say announces that this replica removes an entry.
func (c *simConn) say(e entry) {
	c.store.announceAll(func(s *syncer) { s.removing([]removal{{e.user, c.self}}) })
}

func (st *simStore) set(user, replica, value string) {
	if value == "" {
		if _, there := st.entries[user][replica]; !there {
			return
		}
		delete(st.entries[user], replica)
		if len(st.entries[user]) == 0 {
			delete(st.entries, user)
		}
	} else {
		if st.entries[user] == nil {
			st.entries[user] = map[string]string{}
		}
		st.entries[user][replica] = value
	}
	st.announce(user, "")
}

func (c *simConn) beat(ctx context.Context, _ leaseInfo, only bool) (bool, error) {
	var had bool
	var foreign error
	err := c.change(ctx, func() {
		c.beats++
		had = time.Now().Before(c.store.leases[c.self])
		if had || !only {
			c.store.leases[c.self] = time.Now().Add(leaseTTL)
			c.store.announce("", c.self)
		}
		foreign = c.markLocked()
		c.store.markEnd = time.Now().Add(ownerTTL)
	})
	if err != nil {
		return false, err
	}
	return had, foreign
}

// markLocked sets the mark if there's none, and checks that it's ours.
func (c *simConn) markLocked() error {
	st := c.store
	if !time.Now().Before(st.markEnd) {
		st.mark, st.markEnd = c.accounts, time.Now().Add(ownerTTL)
	}
	if st.mark != c.accounts {
		return &AccountsError{Ours: c.accounts, Theirs: st.mark}
	}
	return nil
}

func (c *simConn) owner(ctx context.Context, contest bool) error {
	var found error
	st := c.store
	err := c.do(ctx, func() {
		switch now := time.Now(); {
		case !now.Before(st.markEnd):
			found = errUnowned
		case st.mark != c.accounts:
			found = &AccountsError{Ours: c.accounts, Theirs: st.mark}
			if contest && st.markEnd.After(now.Add(leaseTTL)) && !st.refuses && !c.demoted {
				st.markEnd = now.Add(leaseTTL)
			}
		}
	})
	if err != nil {
		return err
	}
	return found
}

func (c *simConn) adopt(ctx context.Context) error {
	var foreign error
	if err := c.change(ctx, func() { foreign = c.markLocked() }); err != nil {
		return err
	}
	return foreign
}

func (c *simConn) leases(ctx context.Context, replicas []string) ([]time.Duration, error) {
	out := make([]time.Duration, len(replicas))
	err := c.do(ctx, func() {
		c.asked += len(replicas)
		for i, id := range replicas {
			out[i] = max(0, time.Until(c.store.leases[id]))
		}
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (c *simConn) clean(ctx context.Context, gone map[string][]string) error {
	return c.change(ctx, func() {
		if time.Now().Before(c.store.cleaner) {
			return
		}
		c.store.cleaner = time.Now().Add(20 * time.Second)
		for replica, users := range gone {
			for _, u := range users {
				c.store.set(u, replica, "")
			}
		}
	})
}

func (c *simConn) reconnect(ctx context.Context) error {
	c.store.mu.Lock()
	c.tracked, c.demoted = false, false
	c.store.mu.Unlock()
	return c.do(ctx, func() {})
}

func (c *simConn) close() {}

// heal makes a connection work again. Calls that were queued while it was frozen run in random order.
func (c *simConn) heal() {
	c.store.mu.Lock()
	defer c.store.mu.Unlock()
	if !c.cut && !c.frozen {
		return
	}
	c.cut, c.frozen = false, false
	c.store.r.Shuffle(len(c.queue), func(i, j int) { c.queue[i], c.queue[j] = c.queue[j], c.queue[i] })
	for _, f := range c.queue {
		f()
	}
	c.queue = nil
	c.broken()
}

// wipe loses everything.
func (st *simStore) wipe() {
	st.entries, st.leases, st.mark, st.markEnd = map[string]map[string]string{}, map[string]time.Time{}, "", time.Time{}
}

// overwrite replaces the mark with one of other accounts that doesn't expire during the test.
func (st *simStore) overwrite() { st.mark, st.markEnd = "x", time.Now().Add(24*time.Hour) }

func (st *simStore) deleteForeignMark() {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.mark == "x" {
		st.mark, st.markEnd = "", time.Time{}
	}
}

func cloneEntries(m map[string]map[string]string) map[string]map[string]string {
	out := make(map[string]map[string]string, len(m))
	for u, e := range m {
		out[u] = maps.Clone(e)
	}
	return out
}
