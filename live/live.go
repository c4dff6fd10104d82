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
	reader   *reader
	flushes  flusher
	feed     *presence.Feed

	mu       sync.Mutex
	lists    lists
	roster   roster
	watching watching
}

// New returns a Board. Nothing runs before Run.
func New(cfg Config) *Board {
	b := &Board{
		accounts: cfg.Accounts, presence: cfg.Presence, log: cfg.Log,
		feed:     cfg.Presence.Subscribe(),
		flushes:  newFlusher(cfg.Flushed),
		watching: watching{all: map[*Watcher]struct{}{}, byPerson: map[string][]*Watcher{}},
	}
	b.reader = newReader(b)
	b.lists = lists{all: map[Query]*list{}, generation: 1, news: b.flushes.want, read: b.reader.want, readList: b.reader.wantList}
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

// CaughtUp counts the looks at the accounts that succeeded. While it doesn't grow, nothing that changes there is known here.
func (b *Board) CaughtUp() uint64 { return b.follower.caughtUp.Load() }

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
	People         int    // with an enabled account
	Present        int    // people on the roster who are here
	Pending        bool   // something waits for the next flush
	Looks          uint64 // at the accounts, for changes
}

// Stats returns the numbers as they are now.
func (b *Board) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Stats{
		Lists: len(b.lists.all), People: b.roster.tally.total, Present: len(b.roster.present),
		Pending: b.flushes.unsent.Load(), Looks: b.roster.looks,
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
		if err := b.reader.load(ctx, q); err != nil {
			return Page{}, err
		}
		if page, ok := b.page(q, p); ok {
			return page, nil
		}
	}
}

func (b *Board) page(q Query, p accounts.Person) (page Page, ok bool) {
	b.update(func() {
		l := b.lists.all[q]
		if ok = l != nil; !ok {
			return // dropped meanwhile: more lists are loaded than are kept
		}
		b.flushMoves(l)
		to := AudienceOf(p)
		b.roster.shown(l)
		page = Page{
			Listing: *b.roster.listing(l, to), Links: *l.links(), Counts: b.roster.counts(l), Arrived: *b.roster.arrivals(l),
			Lost: b.roster.lost, Version: b.roster.version(l, to), Empty: len(l.members) == 0, Own: b.ownOf(p),
		}
	})
	return page, ok
}

// flushMoves sends the watchers of l who was put onto it and taken off it. Whoever is shown l now must not be sent those
// changes later.
func (b *Board) flushMoves(l *list) {
	if l.moved() {
		b.roster.flush(l, b.send)
	}
}

// Resolve returns the list that answers a request for q. asked says that the request named Show. If it didn't, a board, or
// a team, that fits on one page shows everyone, and a larger one those who are here; a search shows everyone it finds. What
// fits on one page is always the list of everyone: there, the page itself filters by state.
func (b *Board) Resolve(ctx context.Context, q Query, asked bool) (Query, error) {
	everyone := q
	everyone.Show = Everyone
	switch {
	case q.After+q.Before != "" || asked && q.Show == Everyone:
		return q, nil
	case q.Search != "" && !asked:
		return everyone, nil
	}
	if err := b.reader.load(ctx, everyone); err != nil {
		return q, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch l := b.lists.all[everyone]; {
	case l != nil && l.whole():
		return everyone, nil
	case !asked:
		q.Show = Here
	}
	return q, nil
}

// PageStart returns the cursor behind which page n of the list of q begins, "" for the first and for pages that there
// aren't. Only lists whose Links have page numbers have numbered pages.
func (b *Board) PageStart(ctx context.Context, q Query, n int) (string, error) {
	f, err := newFilter(q)
	switch {
	case err != nil || n <= 1 || q.Search != "" || q.Show == Offline:
		return "", err
	case q.Show == Everyone:
		return b.accounts.CursorBehind(ctx, f.people(0).Team, (n-1)*PageRows)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.roster.presentBehind(&f, (n-1)*PageRows), nil
}
