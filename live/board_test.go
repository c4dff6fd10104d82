package live

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// If a page is loaded between a change of presence and when the board applies it, other lists still get the change.
func TestArrivalBetweenChangeAndLook(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	bob := f.person("bob")
	watched := f.list(Query{Show: Online})
	f.arrive(bob)
	f.list(Query{})
	f.board.applyViews(f.board.feed.Take())
	if len(watched.members) != 1 {
		t.Errorf("after bob came online, the list of online people has %d people, want 1", len(watched.members))
	}
}

// If a list is read with a change before the board applies that change, the totals and other lists still get it.
func TestReadAhead(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	b, ctx := f.board, t.Context()
	f.person("ada")
	all := f.list(Query{})
	bob := f.person("bob")
	search := Query{Search: "bob"}
	f.must(b.reader.reload(ctx, search))
	f.must(b.CatchUp(ctx))
	f.must(b.reader.refreshTotals(ctx))
	if b.roster.tally.total != 2 || !all.isStale() {
		t.Errorf("after a sign-up that one list was read with, the total is %d and the other list is stale: %t, want 2, true",
			b.roster.tally.total, all.isStale())
	}
	f.list(Query{})
	f.must(f.store.SetTeam(acting(ctx), bob.ID, "Design"))
	f.must(b.reader.reload(ctx, search))
	f.must(b.CatchUp(ctx))
	f.must(b.reader.refreshTotals(ctx))
	if n := b.roster.tally.people[accounts.Person{Team: "Design"}.TeamKey()]; n != 1 || !all.isStale() {
		t.Errorf("after a move that one list was read with, the team has %d people and the other list is stale: %t, want 1, true",
			n, all.isStale())
	}
}

// After more changes than the accounts keep, the board reads everything again.
func TestReset(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	b, ctx := f.board, t.Context()
	resets := 0
	b.Subscribe(func(u Update) {
		if u.Reset {
			resets++
		}
	})
	bob, eve, kim := f.person("bob"), f.person("eve"), f.person("kim")
	for _, p := range []accounts.Person{bob, eve, kim} {
		f.arrive(p)
	}
	f.must(f.store.SetInvisible(acting(ctx), kim.ID, true))
	f.step()
	f.must(f.store.SetInvisible(acting(ctx), kim.ID, false))
	f.must(f.store.SetTeam(acting(ctx), bob.ID, "Design"))
	f.must(f.store.Rename(acting(ctx), bob.ID, "Robert"))
	f.must(f.store.Delete(acting(ctx), eve.ID))
	f.crowd(10_001, "p")
	f.step()
	got := names(f.list(Query{Show: Online}).members)
	if want := "[Robert/Design kim/]"; fmt.Sprint(got) != want || f.here.Counts().Online != 2 {
		t.Errorf("after the reset, the list of online people has %v and %d are online, want %s and 2",
			got, f.here.Counts().Online, want)
	}
	if resets != 2 {
		t.Errorf("subscribers got %d resets, want 2: the start, and this one", resets)
	}
}

// A list whose reading was overtaken by a change is read again.
func TestOvertakenReading(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	b, ctx := f.board, t.Context()
	bob := f.person("bob")
	l := f.list(Query{})
	generation, applied := b.lists.generation, b.roster.applied
	old, err := b.reader.readWindow(ctx, Query{})
	f.must(err)
	f.must(f.store.Rename(acting(ctx), bob.ID, "BOB")) // its place stays the same
	f.must(b.CatchUp(ctx))
	if b.roster.applied == applied {
		t.Error("CatchUp applied a change without counting it, so an overtaken reading wouldn't be noticed")
	}
	_, err = b.roster.install(Query{}, old, generation) // what reload does after its last try
	f.must(err)
	b.lists.stale(l)
	if got := f.list(Query{}).members[0].person.DisplayName; got != "BOB" {
		t.Errorf("a list loaded later shows %q, want BOB", got)
	}
}

// While SQL hangs, watchers still see people come and go.
func TestSlowStoreDelaysNoChanges(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	read, hang := f.board.follower.read, make(chan struct{})
	ada, bob := f.person("ada"), f.person("bob")
	s := f.watch(Query{}, ada)
	f.board.follower.read = func(ctx context.Context) error { <-hang; return read(ctx) }
	f.run()
	defer close(hang)
	c := f.arrive(bob)
	s.until(t, "bob online", func() bool { return s.rows["bob"].State == presence.Online })
	c.Leave(presence.SignedOut)
	s.until(t, "bob offline", func() bool { return s.rows["bob"].State == presence.Offline })
}

// The wait for a flush is measured from the first change.
func TestFlushLag(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	b := &f.board.flushes
	b.want()
	first := b.wanted.Load()
	time.Sleep(time.Millisecond) // so that a second reading of the clock would differ
	b.want()
	if b.wanted.Load() != first || first == 0 {
		t.Errorf("wanted = %d after a second change, want the time of the first, %d", b.wanted.Load(), first)
	}
	f.board.flush()
	if b.wanted.Load() != 0 {
		t.Errorf("wanted = %d after the flush, want 0", b.wanted.Load())
	}
}

// If only a part of a backlog could be stored, the next write stores only the rest.
func TestSeenBacklogShrinks(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	w := f.board.seen
	for i := range 2*accounts.StampsAtOnce + 1 {
		w.pending[fmt.Sprint(i)] = time.Now()
	}
	calls, slow := 0, errors.New("slow")
	store := w.store
	w.store = func(context.Context, map[string]time.Time) error {
		if calls++; calls == 3 {
			return slow
		}
		return nil
	}
	if err := w.write(t.Context()); !errors.Is(err, slow) || len(w.pending) != 1 {
		t.Errorf("write = %v with %d left, want %v with 1", err, len(w.pending), slow)
	}
	w.store = store
	if err := w.write(t.Context()); err != nil || len(w.pending) != 0 {
		t.Errorf("write again = %v with %d left, want none", err, len(w.pending))
	}
}

// Lists that show different things have different versions: for each audience, and with or without people who are
// coming back.
func TestVersions(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	r := &f.board.roster
	for _, version := range []uint64{1, 27, 63, 68, 32, 2304} {
		seen := map[string]bool{}
		for _, l := range []*list{{version: version}, {version: version * 36}, {version: version*36 + 27},
			{version: version*36 + 32}} {
			for _, warming := range []bool{false, true} {
				for to := range Audiences {
					r.warming = warming
					v := r.version(l, to)
					if seen[v] {
						t.Errorf("version %d for audience %d, warming %t, is %q, which another list has",
							l.version, to, warming, v)
					}
					seen[v] = true
				}
			}
		}
	}
}

// A page that was loaded with counts that were never sent, and have changed again, doesn't count as current.
func TestCountsShownEarly(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.person("ada")
	f.list(Query{})
	load := func() Page {
		t.Helper()
		p, err := f.board.Load(t.Context(), Query{}, ada)
		f.must(err)
		return p
	}
	f.board.flush()
	c := f.arrive(ada)
	f.board.applyViews(f.board.feed.Take())
	before := load()
	if before.Counts.Online != 1 {
		t.Fatalf("the page counts %+v, want ada online", before.Counts)
	}
	c.Leave(presence.SignedOut)
	f.board.applyViews(f.board.feed.Take())
	f.board.flush() // nobody watches
	if after := load(); after.Version == before.Version {
		t.Errorf("pages with the counts %+v and %+v have the same version", before.Counts, after.Counts)
	}
}

// A disabled person disappears at once, even if presence learns of it from another replica before the accounts are
// read. Nobody sees them go offline first.
func TestDisabledElsewhere(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob := f.person("ada"), f.person("bob")
	f.arrive(bob)
	f.step()
	s := f.watch(Query{}, ada)
	f.here.SetFacts(bob.ID, presence.Facts{Disabled: true, AsOf: 1 << 40})
	f.board.applyViews(f.board.feed.Take())
	f.board.flush()
	for _, c := range s.take(t) {
		for _, e := range c.Rows {
			t.Errorf("a watcher got a row of %s, %s, want none", e.Row.Username, e.Row.State)
		}
	}
	if _, listed := s.rows["bob"]; listed {
		t.Error("bob, who is disabled, is still on the list")
	}
}
