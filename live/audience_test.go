package live

import (
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// seen changes only when p was last seen.
func (f *fixture) seen(p accounts.Person, ago time.Duration) {
	f.t.Helper()
	f.board.update(func() {
		m := f.member(p)
		m.person.LastSeen = time.Now().Add(-ago)
		f.board.roster.redraw(m)
	})
}

// If a row is the same for two audiences, they share one entry, which is encoded once.
func TestAudiencesShareEntries(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob := f.person("ada"), f.person("bob")
	f.arrive(ada)
	f.step()
	f.list(Query{})
	r := &f.board.roster
	for _, p := range []accounts.Person{ada, bob} {
		if m := f.member(p); r.entry(m, Reticent) != r.entry(m, Full) {
			t.Errorf("%s has no last seen, but two entries for the same row", p.Username)
		}
	}
	f.seen(bob, time.Hour)
	if m := f.member(bob); r.entry(m, Reticent) == r.entry(m, Full) || r.entry(m, Reticent).Row.Seen != "" {
		t.Errorf("the row of bob for people who hide theirs is %+v, want no last seen", r.entry(m, Reticent).Row)
	}
}

// When "today" becomes "this week", watchers who can't see last seen get nothing, not even an empty change, and not
// even if so many people change that other watchers get the whole list.
func TestReticentWatchersGetNoLastSeen(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, eve, bob, cat, dan := f.person("ada"), f.person("eve"), f.person("bob"), f.person("cat"), f.person("dan")
	f.prefer(eve, accounts.Nobody)
	f.step()
	a, e := f.watch(Query{}, ada), f.watch(Query{}, eve)
	f.step()
	a.take(t)
	e.take(t)
	for _, p := range []accounts.Person{bob, cat, dan} {
		f.seen(p, time.Hour)
	}
	f.board.flush()
	if a.take(t); a.rows["bob"].Seen != "today" {
		t.Errorf("ada sees %+v, want last seen today", a.rows["bob"])
	}
	f.seen(bob, 2*time.Hour)
	f.board.flush()
	if c := a.take(t); len(c) != 0 {
		t.Errorf("the same word again sent %+v, want nothing", c)
	}
	f.seen(bob, 48*time.Hour)
	f.board.flush()
	if a.take(t); a.rows["bob"].Seen != "this week" {
		t.Errorf("ada sees %+v, want last seen this week", a.rows["bob"])
	}
	if c := e.take(t); len(c) != 0 {
		t.Errorf("eve, who hides her last seen, got %d changes, want none", len(c))
	}
}

// People who hide when they were last seen stop seeing it for others at once. When they show it, they see it again.
func TestAudienceFollowsThePerson(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	eve, bob := f.person("eve"), f.person("bob")
	e := f.watch(Query{}, eve)
	f.step()
	f.seen(bob, time.Hour)
	f.board.flush()
	for _, step := range []struct{ choice, want string }{{accounts.Nobody, ""}, {accounts.Exact, "today"}} {
		f.prefer(eve, step.choice)
		f.step()
		if e.take(t); e.rows["bob"].Seen != step.want {
			t.Errorf("showing last seen as %q, eve sees %q, want %q", step.choice, e.rows["bob"].Seen, step.want)
		}
	}
}

// If a person hides when they were last seen just before their watcher starts, the watcher doesn't get it for others,
// even if its request was older, and even if the person isn't on the list: a search for bob doesn't find eve.
func TestAudienceThatChangesBeforeTheStart(t *testing.T) {
	t.Parallel()
	for _, q := range []Query{{}, {Search: "bob"}} {
		f := newFixture(t)
		eve, bob := f.person("eve"), f.person("bob")
		f.list(q)
		f.seen(bob, time.Hour)
		w, err := f.board.Watch(t.Context(), Want{List: &q, Eyes: eve, Own: true})
		f.must(err)
		f.prefer(eve, accounts.Nobody)
		f.must(f.board.CatchUp(t.Context()))
		if !w.Start(func() {}) {
			t.Fatal("Start = false, want true")
		}
		s := &screen{w: w, rows: map[string]Row{}}
		if s.take(t); s.rows["bob"].Seen != "" || s.rows["bob"].State != presence.Offline {
			t.Errorf("with %+v, eve, who hides her last seen, sees %+v", q, s.rows["bob"])
		}
		w.Stop()
	}
}

// A watcher that never starts leaves nothing behind.
func TestStopWithoutStart(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	eve := f.person("eve")
	w, err := f.board.Watch(t.Context(), Want{List: &Query{}, Eyes: eve, Own: true})
	f.must(err)
	f.prefer(eve, accounts.Nobody)
	f.step()
	w.Stop()
	if changes, ok := w.Take(); len(changes) != 0 || !ok {
		t.Errorf("Take before Start = %d changes, %t, want none", len(changes), ok)
	}
	if n := len(f.board.watching.byPerson); n != 0 {
		t.Errorf("%d people are still watching, want 0", n)
	}
}

// An invisible person's row equals that of someone who left at the same moment, for every audience.
func TestInvisibleRowEqualsDeparted(t *testing.T) {
	t.Parallel()
	for _, choice := range []string{accounts.Approximate, accounts.Exact, accounts.Nobody} {
		row := func(leave func(f *fixture, bob accounts.Person, c *presence.Connection)) (rows [Audiences]Row) {
			f := newFixture(t)
			bob := f.person("bob")
			f.prefer(bob, choice)
			c := f.arrive(bob)
			f.step()
			f.list(Query{})
			leave(f, bob, c)
			f.step()
			for to := range Audiences {
				rows[to] = f.board.roster.entry(f.member(bob), to).Row
				rows[to].ID = "" // new for every account
			}
			return rows
		}
		gone := row(func(_ *fixture, _ accounts.Person, c *presence.Connection) { c.Leave(presence.SignedOut) })
		invisible := row(func(f *fixture, bob accounts.Person, c *presence.Connection) {
			f.must(f.store.SetInvisible(acting(t.Context()), bob.ID, true))
			f.step()
			c.Record(presence.Activity{})
			f.arrive(bob)
		})
		for to := range Audiences {
			gone[to].SeenAt, invisible[to].SeenAt = gone[to].SeenAt.Truncate(time.Hour), invisible[to].SeenAt.Truncate(time.Hour)
			if gone[to] != invisible[to] {
				t.Errorf("showing last seen as %q, audience %d: invisible is %+v, gone is %+v", choice, to, invisible[to], gone[to])
			}
		}
	}
}
