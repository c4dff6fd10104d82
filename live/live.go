// Package live keeps lists of people current for watchers, and limits them to what each watcher may know.
//
// It combines accounts (who exists) with presence (who is here). A Board follows both, keeps the roster, and provides
// lists of people as snapshots and changes. A Watcher gets a snapshot and then every change after it, without a gap.
// Everything that a watcher learns about a person comes from one projection, NewRow. It depends on the audience but not
// on the watcher, so nobody can tell an invisible person from one who left.
//
// A watcher isn't a connection: its caller decides whether it makes its person present.
//
// The package doesn't know HTTP, HTML, sockets or SQL. Callers encode what it provides, and it caches the bytes.
package live

import (
	"context"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// Config is what a Board needs. Accounts, Presence and Log are required.
type Config struct {
	Accounts *accounts.Store
	Presence *presence.Tracker
	Log      *slog.Logger
	Fixed    accounts.Settings                // what flags fix
	Stored   accounts.Settings                // what administrators had chosen when the process started
	Bell     Bell                             // nil if there are no other replicas
	Flushed  func(took, waited time.Duration) // called after each flush that sent something; can be nil
}

// Board keeps lists of people current. One mutex guards all of it, and isn't held during I/O or callbacks.
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
	journals *journals
	alerts   alerts
	visible  visibility
}

// New returns a Board. Call Run to start it.
func New(cfg Config) *Board {
	b := &Board{
		accounts: cfg.Accounts, presence: cfg.Presence, log: cfg.Log,
		feed:     cfg.Presence.Subscribe(),
		flushes:  newFlusher(cfg.Flushed),
		watching: watching{all: map[*Watcher]struct{}{}, byPerson: map[string][]*Watcher{}},
	}
	b.alerts, b.visible = newAlerts(b), newVisibility(cfg)
	b.reader = newReader(b)
	b.lists = lists{all: map[Query]*list{}, generation: 1, news: b.flushes.want, read: b.reader.want,
		readList: b.reader.wantList}
	b.roster = newRoster(cfg.Presence, &b.lists)
	b.journals = newJournals(&b.roster, b.visible.of)
	b.roster.journals = b.journals
	b.seen = &seenWriter{
		presence: cfg.Presence, log: cfg.Log, store: cfg.Accounts.StampSeen, pending: map[string]time.Time{},
		written: map[string]time.Time{},
		stored:  func(stamps map[string]time.Time) { b.update(func() { b.roster.noteSeen(stamps) }) },
	}
	b.follower = newFollower(cfg, b.watched, b.countRead)
	b.follower.subscribe(b.hear)
	return b
}

// update runs f with the lock held, and then wakes the watchers that f queued changes for, and the streams that have
// news.
func (b *Board) update(f func()) {
	b.mu.Lock()
	f()
	woken, streams := b.watching.take(), b.journals.takeWoken()
	b.mu.Unlock()
	wakeAll(woken)
	for _, s := range streams {
		s.wake()
	}
}

// wakeAlone is the number of watchers up to which one goroutine wakes them all.
const wakeAlone = 250

// wakeAll wakes watchers and returns when all of them have been woken. If there are many, the processors share the work,
// because each watcher writes to a connection.
func wakeAll(watchers []*Watcher) {
	shares := runtime.GOMAXPROCS(0)
	size := max(wakeAlone, (len(watchers)+shares-1)/shares)
	var others sync.WaitGroup
	defer others.Wait()
	for ; len(watchers) > size; watchers = watchers[size:] {
		share := watchers[:size]
		others.Go(func() { wakeEach(share) })
	}
	wakeEach(watchers)
}

func wakeEach(watchers []*Watcher) {
	for _, w := range watchers {
		w.wake()
	}
}

// Subscribe registers hear, which is then called with every update of the accounts, in order, after the Board has
// applied it. hear may take locks, but must not block otherwise. Call Subscribe before Run.
func (b *Board) Subscribe(hear func(Update)) { b.follower.subscribe(hear) }

// CatchUp applies every change of the accounts that was committed before the call.
func (b *Board) CatchUp(ctx context.Context) error { return b.follower.catchUp(ctx) }

// CaughtUp counts the successful checks for changes of the accounts. While it doesn't grow, the Board knows of no
// changes.
func (b *Board) CaughtUp() uint64 { return b.follower.caughtUp.Load() }

// hear applies an update of the accounts.
func (b *Board) hear(u Update) {
	b.update(func() {
		b.roster.hear(u)
		changed := b.visible.hear(u)
		for _, p := range u.People {
			b.readdress(p)
			b.journals.readdress(p)
		}
		b.alerts.hear(u)
		if changed {
			b.readjust()
			b.journals.readjustAll()
		}
		if u.Reset {
			b.journals.reset()
		}
	})
}

// watched returns the people whom the follower reads again after a reset.
func (b *Board) watched() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	ids := make([]string, 0, len(b.roster.members))
	for id := range b.roster.members {
		ids = append(ids, id)
	}
	return ids
}

func (b *Board) countRead() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roster.reads++
}

// signal makes c, of capacity 1, readable.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Stats are numbers for metrics.
type Stats struct {
	Active, Paused int // watchers
	Lists          int
	Streams        int    // open ones
	Streamed       int    // people whom they can show, who are held in memory for that
	People         int    // enabled accounts
	Present        int    // people on the roster who are here
	Pending        bool   // something waits for the next flush
	Stale          int    // watched lists that wait to be read again
	Reads          uint64 // checks for changes of the accounts
}

// Stats returns the current numbers.
func (b *Board) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := Stats{
		Lists: len(b.lists.all), People: b.roster.tally.total, Present: len(b.roster.present),
		Pending: b.flushes.unsent.Load(), Reads: b.roster.reads,
	}
	for w := range b.watching.all {
		if w.paused {
			s.Paused++
		} else {
			s.Active++
		}
	}
	for _, l := range b.lists.all {
		if l.isStale() && len(l.watchers.active) > 0 {
			s.Stale++
		}
	}
	s.Streams, s.Streamed = b.journals.count()
	return s
}

// Own returns what p sees of themselves now.
func (b *Board) Own(p accounts.Person) Own {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ownOf(p)
}

// ownOf returns what p sees of themselves, with the row that others get or are about to get.
func (b *Board) ownOf(p accounts.Person) Own {
	return Own{Self: b.presence.Self(p.ID), Entry: b.entryOf(p, Full)}
}

// entryOf returns the row of p that an audience gets or is about to get.
func (b *Board) entryOf(p accounts.Person, to Audience) *Entry {
	now := &member{person: p, view: b.presence.View(p.ID)}
	if m := b.roster.members[p.ID]; m != nil {
		if m.view == now.view {
			return b.roster.entry(m, to)
		}
		now.person = m.person
	}
	return b.roster.entry(now, to)
}

// Person returns the row of p for a page about them that eyes looks at. warming says that people are still coming back,
// so that p, if offline, may be one of them. unlisted says that p is disabled, maybe only known to another replica, or
// that eyes may not see p's team.
func (b *Board) Person(ctx context.Context, p, eyes accounts.Person) (e *Entry, warming, unlisted bool, err error) {
	if err := b.CatchUp(ctx); err != nil {
		return nil, false, false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	unlisted = !b.presence.View(p.ID).Listed || !b.visible.of(eyes).shows(p)
	return b.entryOf(p, AudienceOf(eyes)), b.roster.warming, unlisted, nil
}

// People returns the rows of those of people whom eyes may see and who are listed, in the same order. warming is as for
// Person.
func (b *Board) People(ctx context.Context, people []accounts.Person, eyes accounts.Person) (rows []*Entry, warming bool,
	err error) {
	if err := b.CatchUp(ctx); err != nil {
		return nil, false, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	teams, to := b.visible.of(eyes), AudienceOf(eyes)
	for _, p := range people {
		if b.presence.View(p.ID).Listed && teams.shows(p) {
			rows = append(rows, b.entryOf(p, to))
		}
	}
	return rows, b.roster.warming, nil
}

// teamsOf returns the teams that p may see now.
func (b *Board) teamsOf(p accounts.Person) *teamSet {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.visible.of(p)
}

// Sees reports whether eyes may know that p exists. It's as current as the last CatchUp.
func (b *Board) Sees(eyes, p accounts.Person) bool { return b.teamsOf(eyes).shows(p) }

// TeamsMark identifies the teams that p may see. It's "" if that's everyone.
func (b *Board) TeamsMark(p accounts.Person) string {
	if s := b.teamsOf(p); s != nil {
		return s.mark
	}
	return ""
}

// readjust gives all watchers the lists that they may see now.
func (b *Board) readjust() {
	for w := range b.watching.all {
		w.show(b.visible.of(w.eyes))
	}
	b.roster.trim(nil)
	for person := range b.alerts.about {
		b.alerts.checkAbout(person)
	}
}

// Observe returns an Observer of what changes from now on. Call it before Run.
func (b *Board) Observe() *Observer {
	o := &Observer{feed: b.presence.Subscribe(), news: News{Accounts: map[string]bool{}}}
	b.Subscribe(o.hear)
	return o
}

// RowFor returns what eyes may know about p now. ok is false if that's nothing: eyes may not see p, or p is disabled.
func (b *Board) RowFor(eyes, p accounts.Person) (row Row, ok bool) {
	view := b.presence.View(p.ID)
	if !view.Listed || !b.Sees(eyes, p) {
		return Row{}, false
	}
	return NewRow(p, view, AudienceOf(eyes), time.Now()), true
}

// Sure reports whether the board knows who is offline: people have had the time to come back after a start, and other
// replicas can be reached.
func (b *Board) Sure() bool {
	b.mu.Lock()
	warming := b.roster.warming || b.roster.unsure()
	b.mu.Unlock()
	peers := b.presence.Peers()
	return !warming && peers.Lost.IsZero() && peers.Conflict == nil
}

// SeesTeam reports whether eyes may know that somebody is in the team with this key. It's as current as the last
// CatchUp.
func (b *Board) SeesTeam(eyes accounts.Person, key string) bool { return b.teamsOf(eyes).has(key) }
