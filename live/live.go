// Package live is what a watcher may know about who is here, kept current.
//
// It joins accounts (who there is) with presence (who is here). A Board follows both, holds the roster, and hands out
// lists of people as snapshots and changes. A Watcher gets a snapshot and then every change after it, with nothing lost in
// between. Whatever a watcher learns about a person comes out of one projection, NewRow, which knows audiences and not
// watchers; so an invisible person can't be told from one who left.
//
// A watcher is not a connection: whether it makes its person present is up to whoever opened it.
//
// The package refuses to know HTTP, HTML, sockets and SQL. Its callers encode what it hands out, and it caches the bytes.
package live

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// Config is what a Board needs. Accounts, Presence and Log must be given.
type Config struct {
	Accounts *accounts.Store
	Presence *presence.Tracker
	Log      *slog.Logger
	Bell     Bell                             // nil: there are no other replicas
	Flushed  func(took, waited time.Duration) // called after each flush that sent something; nil: nobody counts
}

// Board keeps lists of people current. One mutex guards all of it; it is never held during I/O or a callback.
type Board struct {
	accounts *accounts.Store
	presence *presence.Tracker
	log      *slog.Logger
	follower *follower
	seen     *seenWriter
	totals   *shared // counts everybody anew
	flushes  flusher
	feed     *presence.Feed
	toRead   chan struct{} // capacity 1: something must be read from the accounts
	failing  bool          // the last reading failed, and was logged; used by keepReading alone

	mu       sync.Mutex
	lists    lists
	roster   roster
	watching watching
}

// New returns a Board. Nothing runs before Run.
func New(cfg Config) *Board {
	b := &Board{
		accounts: cfg.Accounts, presence: cfg.Presence, log: cfg.Log,
		feed: cfg.Presence.Subscribe(), totals: newShared(), toRead: make(chan struct{}, 1),
		flushes:  newFlusher(cfg.Flushed),
		watching: watching{all: map[*Watcher]struct{}{}, byPerson: map[string][]*Watcher{}},
	}
	b.lists = lists{all: map[Query]*list{}, generation: 1, news: b.flushes.want, read: func() { signal(b.toRead) }}
	b.roster = newRoster(cfg.Presence, &b.lists)
	b.seen = &seenWriter{
		presence: cfg.Presence, log: cfg.Log, store: cfg.Accounts.StampSeen, pending: map[string]time.Time{},
		stored: func(stamps map[string]time.Time) { b.update(func() { b.roster.noteSeen(stamps) }) },
	}
	b.follower = newFollower(cfg, b.watched, b.looking)
	b.follower.subscribe(b.hear)
	return b
}

// update runs f with the lock held, and then wakes the watchers for whom f had news.
func (b *Board) update(f func()) {
	b.mu.Lock()
	f()
	woken := b.watching.take()
	b.mu.Unlock()
	for _, w := range woken {
		w.wake()
	}
}

// Subscribe has hear called with every update of the accounts from now on, in order, after the Board has taken it in. It
// may take locks, but must not wait for anything else. Call it before Run.
func (b *Board) Subscribe(hear func(Update)) { b.follower.subscribe(hear) }

// CatchUp applies every change of the accounts that was committed before the call.
func (b *Board) CatchUp(ctx context.Context) error { return b.follower.catchUp(ctx) }

// hear takes in an update of the accounts.
func (b *Board) hear(u Update) {
	b.update(func() {
		b.roster.hear(u)
		for _, p := range u.People {
			b.readdress(p)
		}
	})
}

// watched are the people about whom the follower asks again after a reset.
func (b *Board) watched() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := make([]string, 0, len(b.roster.members))
	for id := range b.roster.members {
		ids = append(ids, id)
	}
	return ids
}

func (b *Board) looking() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roster.looks++
}

// signal makes c, of capacity 1, readable.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Stats are a Board in numbers.
type Stats struct {
	Active, Paused int // watchers, by whether somebody can see them
	Lists          int
	People         int  // with an enabled account
	Present        int  // people on the roster who are here
	Pending        bool // something waits for the next flush
}

// Stats returns the numbers as they are now.
func (b *Board) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Stats{
		Lists: len(b.lists.all), People: b.roster.tally.total, Present: len(b.roster.present), Pending: b.flushes.unsent.Load(),
	}
	for w := range b.watching.all {
		if w.paused {
			s.Paused++
		} else {
			s.Active++
		}
	}
	return s
}

// Own is what a person is told of themself, as things are now.
func (b *Board) Own(p accounts.Person) Own {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ownOf(p)
}

// ownOf is what p is told of themself, with the row that everybody gets or is about to get.
func (b *Board) ownOf(p accounts.Person) Own {
	now := &member{person: p, view: b.presence.View(p.ID)}
	own := Own{Self: b.presence.Self(p.ID)}
	if m := b.roster.members[p.ID]; m != nil {
		if m.view == now.view {
			own.Entry = b.roster.entry(m, Full)
			return own
		}
		now.person = m.person
	}
	own.Entry = b.roster.entry(now, Full)
	return own
}

// readingFailed logs that the accounts can't be read, once until they can be again. What was to be read is still marked,
// and is asked for again with the next look.
func (b *Board) readingFailed(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	if failed := err != nil; failed != b.failing {
		if b.failing = failed; failed {
			b.log.Error("accounts cannot be read; the board goes on with what it knows", "err", err)
		} else {
			b.log.Info("accounts can be read again")
		}
	}
}

// load returns the list of q as new as the accounts are now. It is kept while somebody watches it or it was used lately.
func (b *Board) load(ctx context.Context, q Query) error {
	if err := b.CatchUp(ctx); err != nil {
		return err
	}
	if err := b.refreshTotals(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	l := b.lists.all[q]
	fresh := l != nil && !l.isStale()
	if fresh {
		l.used = time.Now()
	}
	b.mu.Unlock()
	if fresh {
		return nil
	}
	return b.reload(ctx, q)
}

// rereads is how often a reading that a change of the accounts overtook is repeated at once. After that it is taken as it
// is, and stays marked as stale.
const rereads = 3

// reload reads who is on the list of q.
func (b *Board) reload(ctx context.Context, q Query) error {
	for try := 1; ; try++ {
		b.mu.Lock()
		generation, applied := b.lists.generation, b.roster.applied
		b.mu.Unlock()
		start := time.Now()
		people, err := b.readWindow(ctx, q)
		if err != nil {
			return err
		}
		took := time.Since(start)
		again := false
		b.update(func() {
			overtaken := b.roster.applied != applied
			if again = overtaken && try < rereads; again {
				return
			}
			var l *list
			if l, err = b.roster.install(q, people, generation); err != nil {
				return
			}
			if l.cost = took; overtaken {
				b.lists.stale(l)
			}
		})
		if !again {
			return err
		}
	}
}

// refreshTotals counts everybody anew where that is needed.
func (b *Board) refreshTotals(ctx context.Context) error {
	if stale, _ := b.totalsStale(); !stale {
		return nil
	}
	return b.totals.do(ctx, b.readTotals)
}

// totalsStale reports whether everybody has to be counted anew, and the generation that a count from now on is of.
func (b *Board) totalsStale() (stale bool, generation uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.roster.tally.staleAt > b.roster.tally.readAt, b.lists.generation
}

func (b *Board) readTotals(ctx context.Context) error {
	stale, generation := b.totalsStale()
	if !stale { // the run before this one was enough
		return nil
	}
	teams, err := b.accounts.Tally(ctx)
	if err != nil {
		return err
	}
	t := tally{people: make(map[string]int, len(teams))}
	for _, team := range teams {
		t.total += team.People
		t.people[team.Key] = team.People
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	t.readAt, t.staleAt = generation, b.roster.tally.staleAt
	b.roster.tally = t
	b.flushes.want()
	return nil
}

// within runs f with the time that one reading may take.
func within(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	return f(ctx)
}

// Page is a list as it is now, for a page that is loaded.
type Page struct {
	Listing
	Links   Links
	Counts  Counts
	Arrived Arrivals
	Lost    time.Time // since when other replicas can't be reached; zero: they can
	Version string    // for Want.Shown
	Empty   bool      // nobody is on the list; while warming, also of those who aren't back yet
	Own     Own
}

// Load returns the list of q, as Clean returned it, for the eyes of p.
func (b *Board) Load(ctx context.Context, q Query, p accounts.Person) (Page, error) {
	for {
		if err := b.load(ctx, q); err != nil {
			return Page{}, err
		}
		if page, ok := b.page(q, p); ok {
			return page, nil
		}
	}
}

func (b *Board) page(q Query, p accounts.Person) (page Page, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	l := b.lists.all[q]
	if l == nil {
		return Page{}, false // dropped meanwhile: more lists are loaded than are kept
	}
	to := AudienceOf(p)
	b.roster.shown(l)
	return Page{
		Listing: *b.roster.listing(l, to), Links: *l.links(), Counts: b.roster.counts(l), Arrived: *b.roster.arrivals(l),
		Lost: b.roster.lost, Version: b.roster.version(l, to), Empty: len(l.members) == 0, Own: b.ownOf(p),
	}, true
}
