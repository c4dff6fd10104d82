package live

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/accounts/filetest"
	"rollcall/presence"
)

// someHash is the hash of an unknown password.
const someHash = "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$L8vLhz8wGpbyLHbSxRQ0H5cAHqv6C0rYZ8hEGYe0w2M"

// fixture is a Board with a real store. Its loops run only if a test calls run. Otherwise, step does one round of them.
type fixture struct {
	t      testing.TB
	folder string // contains the database
	store  *accounts.Store
	here   *presence.Tracker
	board  *Board
}

func newFixture(t testing.TB, changes ...func(*Config, *presence.Config)) *fixture {
	t.Helper()
	path := filetest.New(t)
	store, err := accounts.Open(t.Context(), accounts.Config{CheapHashes: true, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	cfg, p := Config{Accounts: store, Log: slog.New(slog.DiscardHandler)}, presence.DefaultConfig()
	p.GraceClean, p.GraceDropped, p.Warming = 0, 0, 0
	for _, change := range changes {
		change(&cfg, &p)
	}
	cfg.Presence = presence.NewTracker(p)
	t.Cleanup(cfg.Presence.Close)
	return &fixture{t, filepath.Dir(path), store, cfg.Presence, New(cfg)}
}

func (f *fixture) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// run starts the loops of the board until the test ends.
func (f *fixture) run() {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { f.board.Run(ctx) })
	f.t.Cleanup(func() { stop(); running.Wait() })
}

// step does what the loops would do next.
func (f *fixture) step() {
	f.t.Helper()
	ctx := f.t.Context()
	f.must(f.board.CatchUp(ctx))
	f.board.applyViews(f.board.feed.Take())
	f.must(f.board.reader.meet(ctx))
	f.must(f.board.reader.tellAlerts(ctx))
	f.must(f.board.CatchUp(ctx))
	f.reread()
	f.must(f.board.reader.refreshTotals(ctx))
	f.board.flush()
}

// reread reads every stale list with a watcher.
func (f *fixture) reread() {
	f.t.Helper()
	for q, l := range f.board.lists.all {
		if l.isStale() && len(l.watchers.active) > 0 {
			f.must(f.board.reader.reload(f.t.Context(), q))
		}
	}
}

func (f *fixture) person(name string) accounts.Person {
	f.t.Helper()
	u, err := f.store.Create(acting(f.t.Context()), accounts.NewUser{Username: name, PasswordHash: someHash})
	f.must(err)
	return u.Person
}

func (f *fixture) crowd(n int, prefix string) {
	f.t.Helper()
	people := make([]accounts.NewUser, n)
	for i := range people {
		people[i] = accounts.NewUser{Username: fmt.Sprintf("%s%05d", prefix, i), PasswordHash: someHash}
	}
	f.must(errOf(f.store.Import(acting(f.t.Context()), people)))
}

func (f *fixture) arrive(p accounts.Person) *presence.Connection {
	return f.here.Join(p.ID, presence.Client{}, presence.Activity{})
}

func (f *fixture) prefer(p accounts.Person, showLastSeen string) {
	f.t.Helper()
	change := func(p *accounts.Preferences) { *p = accounts.Preferences{ShowLastSeen: showLastSeen} }
	f.must(f.store.ChangePreferences(acting(f.t.Context()), p.ID, change))
}

// list loads the list of q and returns it.
func (f *fixture) list(q Query) *list {
	f.t.Helper()
	f.must(f.board.reader.load(f.t.Context(), q))
	return f.board.lists.all[q]
}

func (f *fixture) member(p accounts.Person) *member { return f.board.roster.members[p.ID] }

// screen is what the page of a watcher shows.
type screen struct {
	w       *Watcher
	rows    map[string]Row // by username
	order   []string       // usernames in the order of the page
	lacking string         // a change that the page couldn't apply; "" if none
	changes []*Change
	woken   chan struct{}
}

// watch starts a watcher for p. shown is the version of the list that the page already shows, if any.
func (f *fixture) watch(q Query, p accounts.Person, shown ...string) *screen {
	f.t.Helper()
	s := &screen{rows: map[string]Row{}, woken: make(chan struct{}, 1)}
	var err error
	s.w, err = f.board.Watch(f.t.Context(), Want{List: &q, Eyes: p, Own: p.ID != "", Shown: strings.Join(shown, "")})
	f.must(err)
	if !s.w.Start(func() { signal(s.woken) }) {
		f.t.Fatal("Start = false, want true")
	}
	f.t.Cleanup(s.w.Stop)
	s.take(f.t)
	return s
}

// take applies the changes that have come.
func (s *screen) take(t testing.TB) []*Change {
	t.Helper()
	changes, ok := s.w.Take()
	if !ok {
		t.Fatal("Take: fell behind")
	}
	for _, c := range changes {
		s.show(c)
	}
	s.changes = append(s.changes, changes...)
	return changes
}

// show applies c as a page would.
func (s *screen) show(c *Change) {
	if c.List != nil {
		clear(s.rows)
		s.order = nil
		for _, section := range c.List.Sections {
			for _, e := range section.Rows {
				s.rows[e.Row.Username] = e.Row
				s.order = append(s.order, e.Row.Username)
			}
		}
	}
	for _, a := range c.Added { // like a browser, look up all places before anything changes
		if a.Before != "" && s.place(a.Before) < 0 {
			s.lacking = "a row before " + a.Before
		}
	}
	for _, id := range c.Removed {
		s.remove(id)
	}
	for _, a := range c.Added {
		s.add(a)
	}
	for _, e := range c.Rows {
		if _, listed := s.rows[e.Row.Username]; listed {
			s.rows[e.Row.Username] = e.Row
		}
	}
}

func (s *screen) place(id string) int {
	return slices.IndexFunc(s.order, func(name string) bool { return s.rows[name].ID == id })
}

func (s *screen) remove(id string) {
	i := s.place(id)
	if i < 0 {
		s.lacking = "remove " + id
		return
	}
	delete(s.rows, s.order[i])
	s.order = slices.Delete(s.order, i, i+1)
}

func (s *screen) add(a Added) {
	i := len(s.order)
	if a.Before != "" {
		i = s.place(a.Before)
	}
	for _, e := range a.Rows {
		if _, twice := s.rows[e.Row.Username]; i < 0 || twice {
			s.lacking = fmt.Sprintf("%s before %q, twice: %t", e.Row.Username, a.Before, twice)
			return
		}
		s.order = slices.Insert(s.order, i, e.Row.Username)
		s.rows[e.Row.Username] = e.Row
		i++
	}
}

// until applies changes until ok returns true.
func (s *screen) until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	late := time.After(10 * time.Second)
	for s.take(t); !ok(); s.take(t) {
		select {
		case <-s.woken:
		case <-late:
			t.Fatalf("waited 10 s for %s; rows %v", what, s.rows)
		}
	}
}

func names(members []*member) (names []string) {
	for _, m := range members {
		names = append(names, m.person.DisplayName+"/"+m.person.Team)
	}
	return slices.Clip(names)
}

// acting returns ctx with an actor, for the test's own writes. The board's writes have their own actor.
func acting(ctx context.Context) context.Context { return accounts.As(ctx, accounts.CommandLine) }

// errOf returns the error of a call whose result doesn't matter.
func errOf[T any](_ T, err error) error { return err }
