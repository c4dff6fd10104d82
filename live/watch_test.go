package live

import (
	"sync"
	"testing"
	"time"
	"unsafe"

	"rollcall/accounts"
	"rollcall/presence"
)

// A watcher without a person, such as a wall board, sees people come and go. It doesn't count as a person, and doesn't
// get last seen.
func TestWatcherWithoutAPerson(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	bob := f.person("bob")
	f.must(f.store.StampSeen(acting(t.Context()), map[string]time.Time{bob.ID: time.Now()}))
	wall := f.watch(Query{}, accounts.Person{})
	if row := wall.rows["bob"]; row.State != presence.Offline || row.Seen != "" {
		t.Errorf("a wall board shows %+v, want offline and no last seen", row)
	}
	if n := f.here.Counts().Here(); n != 0 {
		t.Errorf("while a wall board watches, %d people are here, want 0", n)
	}
	f.arrive(bob)
	f.step()
	wall.take(t)
	if row := wall.rows["bob"]; row.State != presence.Online {
		t.Errorf("a wall board shows bob as %s, want online", row.State)
	}
	for _, c := range wall.changes {
		if c.Own != nil {
			t.Errorf("a wall board got its own state: %+v", c.Own)
		}
	}
}

// A watcher that wants only its own state gets no lists.
func TestWatcherOfOwnState(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob := f.person("ada"), f.person("bob")
	w, err := f.board.Watch(t.Context(), Want{Eyes: ada, Own: true})
	f.must(err)
	if !w.Start(func() {}) {
		t.Fatal("Start = false, want true")
	}
	defer w.Stop()
	if len(f.board.lists.all) != 0 {
		t.Errorf("%d lists are kept for a watcher that wants none", len(f.board.lists.all))
	}
	c, _ := w.Take()
	if len(c) != 1 || c[0].Own == nil || c[0].Own.Now.Why.Rule != presence.ByNoConnection {
		t.Fatalf("Take = %+v, want only its own state", c)
	}
	f.arrive(bob)
	f.step()
	if c, _ := w.Take(); len(c) != 0 {
		t.Errorf("bob's arrival sent %+v, want nothing", c)
	}
	f.arrive(ada)
	f.step()
	if c, _ := w.Take(); len(c) != 1 || c[0].Own == nil || c[0].Own.Now.View.State != presence.Online || c[0].List != nil {
		t.Errorf("its own arrival sent %+v, want only its own state", c)
	}
}

// Whenever a watcher starts, its snapshot and the changes after it add up to the current list.
func TestSnapshotAndChangesAddUp(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.person("ada")
	people := make([]accounts.Person, 8)
	for i := range people {
		people[i] = f.person("p" + string(rune('a'+i)))
	}
	f.list(Query{})
	turn := func() {
		f.board.applyViews(f.board.feed.Take())
		f.board.flush()
	}
	const watchers = 200
	var screens [watchers]*screen
	started := make(chan struct{})
	go func() {
		defer close(started)
		for i := range screens {
			s := &screen{rows: map[string]Row{}}
			var taking sync.Mutex
			var err error
			if s.w, err = f.board.Watch(t.Context(), Want{List: &Query{}, Eyes: ada}); err != nil {
				t.Error(err)
				return
			}
			screens[i] = s
			s.w.Start(func() { taking.Lock(); defer taking.Unlock(); s.take(t) }) // like a socket
		}
	}()
	for i, done := 0, false; !done; i++ {
		c := f.arrive(people[i%len(people)])
		turn()
		if i%3 != 0 {
			c.Leave(presence.SignedOut)
			turn()
		}
		select {
		case <-started:
			done = true
		default:
		}
	}
	turn()
	for i, s := range screens {
		for _, m := range f.list(Query{}).members {
			if want := f.board.roster.entry(m, Full).Row; s.rows[want.Username] != want {
				t.Fatalf("watcher %d shows %+v, want %+v", i, s.rows[want.Username], want)
			}
		}
		s.w.Stop()
	}
}

// If a watcher doesn't take its changes, Take reports that it fell behind, and it gets nothing more.
func TestWatcherFallsBehind(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob := f.person("ada"), f.person("bob")
	s := f.watch(Query{}, ada)
	for range maxQueue {
		c := f.arrive(bob)
		f.step()
		c.Leave(presence.SignedOut)
		f.step()
	}
	if c, ok := s.w.Take(); ok || len(c) != 0 {
		t.Errorf("Take = %d changes, %t, want none, false", len(c), ok)
	}
	s.w.Stop()
	if n := len(f.board.watching.all); n != 0 {
		t.Errorf("%d watchers are left, want 0", n)
	}
}

// Every subscriber gets every change of the accounts.
func TestSubscribersGetEveryChange(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	var heard [2][]Update
	for i := range heard {
		f.board.Subscribe(func(u Update) { heard[i] = append(heard[i], u) })
	}
	f.step()
	bob := f.person("bob")
	f.step()
	_, session, err := f.store.StartSession(acting(ctx), accounts.SignIn{UserID: bob.ID})
	f.must(err)
	f.must(f.store.EndSessionOf(acting(ctx), bob.ID, session.ID))
	f.step()
	f.must(f.store.Delete(acting(ctx), bob.ID))
	f.step()
	for i, updates := range heard {
		var people, sessions, deleted int
		for _, u := range updates {
			people, sessions, deleted = people+len(u.People), sessions+len(u.Sessions), deleted+len(u.Deleted)
		}
		if people == 0 || sessions != 1 || deleted != 1 {
			t.Errorf("subscriber %d got %d people, %d sessions, %d deletions, want some, 1, 1", i, people, sessions, deleted)
		}
	}
}

// Paused watchers get only the title. When they resume, they get everything that they missed.
func TestPausedWatchers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob := f.person("ada"), f.person("bob")
	s := f.watch(Query{}, ada)
	f.step()
	s.take(t)
	s.w.Pause()
	f.arrive(bob)
	f.step()
	if c := s.take(t); len(c) != 0 {
		t.Errorf("a paused watcher got %+v, want nothing", c)
	}
	f.board.sendTitles()
	if c := s.take(t); len(c) != 1 || c[0].Title == nil || c[0].Title.Here() != 1 {
		t.Errorf("a paused watcher got %+v, want the title", c)
	}
	f.board.sendTitles()
	if c := s.take(t); len(c) != 0 {
		t.Errorf("the same title was sent again: %+v", c)
	}
	s.w.Resume()
	if s.take(t); s.rows["bob"].State != presence.Online {
		t.Errorf("after Resume, the watcher shows bob as %s, want online", s.rows["bob"].State)
	}
}

// Most of a server's memory belongs to watchers of idle pages, so a watcher must stay small.
func TestWatcherSize(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	s := f.watch(Query{Search: "bob"}, f.person("ada"))
	if s.w.want != nil {
		t.Errorf("after Start, want = %+v, want nil", s.w.want)
	}
	if size := unsafe.Sizeof(*s.w); size > 576 { // a size class of the allocator
		t.Errorf("a Watcher is %d bytes, want 576 at most", size)
	}
}
