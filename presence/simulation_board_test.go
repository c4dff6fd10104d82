//go:build !race

package presence

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

// simBoard is a noticeboard on fake time that does everything a Redis can do to its clients: it is cut off, freezes,
// carries out commands late, refuses writes, is demoted behind open connections, forgets everything, comes back with an old
// dump, loses single entries, gets a foreign mark, and announces changes late or, where a connection broke, not at all. All
// of it runs in one synctest bubble.
type simBoard struct {
	mu      sync.Mutex // guards all of it, and the links
	r       *rand.Rand
	entries map[string]map[string]string
	leases  map[string]time.Time
	links   []*simLink
	dump    map[string]map[string]string
	cleaner time.Time
	mark    string    // id of the accounts whose replicas share it
	markTil time.Time // when the mark ends
	down    bool      // nobody gets through
	refuses bool      // writes fail, and connections survive it
}

// simLink is one replica's connection.
type simLink struct {
	board   *simBoard
	self    string
	store   string // id of the accounts of this replica
	s       *syncer
	cut     bool // nothing gets through
	frozen  bool // nothing gets through now, and what was sent is carried out after the thaw
	whole   bool // announcements arrive
	demoted bool // it leads to a server that takes no writes, and a new connection leads to the one that does
	queue   []func()

	stopped time.Time // the process of this replica stands still until then

	distance  time.Duration // of each round trip, beside the usual
	searching time.Duration // for each user that a survey finds
}

var (
	errCut     = errors.New("cut off")
	errRefused = errors.New("OOM command not allowed")
)

func newSimBoard(r *rand.Rand) *simBoard {
	b := &simBoard{r: r}
	b.wipe()
	b.mark, b.markTil = "ours", time.Now().Add(storeTTL) // replicas were here a moment ago
	return b
}

func (b *simBoard) open(self string) *syncer {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.openLocked(self, "ours").s
}

func (b *simBoard) openLocked(self, store string) *simLink {
	s := newSyncer(self, slog.New(slog.DiscardHandler))
	l := &simLink{board: b, self: self, store: store, s: s}
	s.link = l
	b.links = append(b.links, l)
	return l
}

// joinLocked is a process with other accounts, which does not run yet.
func (b *simBoard) joinLocked(self string, with rules) *simLink {
	l := b.openLocked(self, "theirs")
	l.s.rules = with
	return l
}

// leave ends a process.
func (b *simBoard) leave(l *simLink) {
	_ = l.s.Close()
	b.forget(l)
}

// forget takes away the connection of a process that does not run.
func (b *simBoard) forget(l *simLink) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.links = slices.DeleteFunc(b.links, func(o *simLink) bool { return o == l })
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
	for stop := time.Until(l.stopped); stop > 0; stop = time.Until(l.stopped) {
		b.mu.Unlock()
		time.Sleep(stop) // whatever its context says: a process that stands still does not see it end
		b.mu.Lock()
	}
	switch {
	case b.down:
		b.mu.Unlock()
		return errCut
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

// change is do for writes.
func (l *simLink) change(ctx context.Context, f func()) error {
	var refused error
	err := l.do(ctx, func() {
		switch {
		case l.demoted:
			refused = errReadOnly
		case l.board.refuses:
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

// announce tells every whole link, each after a time of its own, so that news overtake answers and the other way round.
func (b *simBoard) announce(user, replica string) {
	for _, l := range b.links {
		if l.cut || l.frozen || b.down || !l.whole {
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

// survey lists who was there when it began, one user at a time, as a server full of other keys would.
func (l *simLink) survey(ctx context.Context, found func(users, replicas []string)) error {
	var users, replicas []string
	err := l.do(ctx, func() {
		users, replicas = slices.Sorted(maps.Keys(l.board.entries)), slices.Sorted(maps.Keys(l.board.leases))
	})
	for i := 0; err == nil && ctx.Err() == nil && i < len(users); i++ {
		time.Sleep(l.searching)
		if err = l.do(ctx, func() {}); err == nil {
			found(users[i:i+1], nil)
		}
	}
	if err == nil && ctx.Err() == nil {
		found(nil, replicas)
	}
	return cmp.Or(err, ctx.Err()) // what is carried out later finds nobody who listens
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
	return l.change(ctx, func() {
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
	var foreign error
	err := l.change(ctx, func() {
		had = time.Now().Before(l.board.leases[l.self])
		l.board.leases[l.self] = time.Now().Add(LeaseTTL)
		l.board.announce("", l.self)
		foreign = l.markLocked()
		l.board.markTil = time.Now().Add(storeTTL)
	})
	if err != nil {
		return false, err
	}
	return had, foreign
}

// markLocked sets the mark if there is none, and checks whose it is.
func (l *simLink) markLocked() error {
	b := l.board
	if !time.Now().Before(b.markTil) {
		b.mark, b.markTil = l.store, time.Now().Add(storeTTL)
	}
	if b.mark != l.store {
		return &StoreError{Ours: l.store, Theirs: b.mark}
	}
	return nil
}

func (l *simLink) owner(ctx context.Context, contest bool) error {
	var found error
	b := l.board
	err := l.do(ctx, func() {
		switch now := time.Now(); {
		case !now.Before(b.markTil):
			found = errUnowned
		case b.mark != l.store:
			found = &StoreError{Ours: l.store, Theirs: b.mark}
			if contest && b.markTil.After(now.Add(LeaseTTL)) && !b.refuses && !l.demoted {
				b.markTil = now.Add(LeaseTTL)
			}
		}
	})
	if err != nil {
		return err
	}
	return found
}

func (l *simLink) claim(ctx context.Context) error {
	var foreign error
	if err := l.change(ctx, func() { foreign = l.markLocked() }); err != nil {
		return err
	}
	return foreign
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
	return l.change(ctx, func() {
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
	l.whole, l.demoted = false, false
	l.board.mu.Unlock()
	return l.do(ctx, func() {})
}

func (l *simLink) close() {}

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

// wipe forgets everything.
func (b *simBoard) wipe() {
	b.entries, b.leases, b.mark, b.markTil = map[string]map[string]string{}, map[string]time.Time{}, "", time.Time{}
}

// overwrite puts a mark of other accounts in the place of the present one. It never ends by itself.
func (b *simBoard) overwrite() { b.mark, b.markTil = "x", time.Now().Add(24*time.Hour) }

func (b *simBoard) deleteForeignMark() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.mark == "x" {
		b.mark, b.markTil = "", time.Time{}
	}
}

func cloneEntries(m map[string]map[string]string) map[string]map[string]string {
	out := make(map[string]map[string]string, len(m))
	for u, e := range m {
		out[u] = maps.Clone(e)
	}
	return out
}
