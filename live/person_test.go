package live

import (
	"context"
	"testing"

	"rollcall/accounts"
	"rollcall/presence"
)

// shownPerson returns the row that a page about one person was sent last, or nil, and whether it was told to remove it.
func shownPerson(t *testing.T, s *screen) (row *Row, removed bool) {
	t.Helper()
	for _, c := range s.take(t) {
		if c.List != nil || c.Counts != nil || c.Links != nil || c.Title != nil || len(c.Teams) > 0 || c.Arrived != nil {
			t.Errorf("a page about one person was sent %+v, want only rows", c)
		}
		for _, e := range c.Rows {
			row = &e.Row
		}
		removed = removed || len(c.Removed) > 0
	}
	return row, removed
}

// A page about one person gets their row and nothing else, whatever happens to them and to others.
func TestWatchOnePerson(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob, zoe := f.person("ada"), f.person("bob"), f.person("zoe")
	s := f.watch(Query{Person: bob.ID}, ada)
	if len(s.changes) == 0 || len(s.changes[0].Rows) != 1 {
		t.Fatalf("the page starts with %+v, want bob's row", s.changes)
	}
	conn := f.arrive(bob)
	f.step()
	if row, _ := shownPerson(t, s); row == nil || row.State != presence.Online {
		t.Errorf("after bob's arrival the page was sent %+v", row)
	}
	f.arrive(zoe)
	f.arrive(ada)
	f.step()
	if row, _ := shownPerson(t, s); row != nil {
		t.Errorf("after others arrived the page was sent %+v, want nothing", row)
	}
	f.must(f.store.SetTeam(acting(t.Context()), bob.ID, "Lab"))
	f.step()
	if row, _ := shownPerson(t, s); row == nil || row.Team != "Lab" {
		t.Errorf("after bob changed teams the page was sent %+v", row)
	}
	s.w.Pause()
	conn.Leave(presence.SignedOut)
	f.step()
	f.board.sendTitles()
	if row, _ := shownPerson(t, s); row != nil {
		t.Errorf("a hidden page was sent %+v", row)
	}
	s.w.Resume()
	if row, _ := shownPerson(t, s); row == nil || row.State != presence.Offline {
		t.Errorf("when it was shown again the page was sent %+v", row)
	}
	f.must(f.store.SetDisabled(acting(t.Context()), bob.ID, true))
	f.step()
	if _, removed := shownPerson(t, s); !removed {
		t.Error("after bob was disabled his row stays")
	}
	f.must(f.store.SetDisabled(acting(t.Context()), bob.ID, false))
	f.step()
	if row, _ := shownPerson(t, s); row == nil {
		t.Error("after bob was enabled the page wasn't sent his row")
	}
}

func TestPersonQueryIsAlone(t *testing.T) {
	for _, q := range []Query{{Person: "x", Search: "a"}, {Person: "x", Show: Here}, {Person: string(make([]byte, 65))}} {
		if _, err := q.Clean(); err == nil {
			t.Errorf("Clean(%.30v) = nil, want an error", q)
		}
	}
}

// People who share their local time have their zone in the row while they aren't offline, for both audiences.
func TestZoneOnRows(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, shy, bob := f.person("ada"), f.person("shy"), f.person("bob")
	f.prefer(shy, accounts.Nobody)
	f.must(f.store.ChangePreferences(acting(t.Context()), bob.ID,
		func(p *accounts.Preferences) { p.TimeZone = "Asia/Kolkata" }))
	f.step()
	screens := []*screen{f.watch(Query{}, ada), f.watch(Query{}, shy)}
	want := func(what, zone string) {
		t.Helper()
		f.step()
		for _, s := range screens {
			s.take(t)
			if got := s.rows["bob"].Zone; got != zone {
				t.Errorf("%s: zone = %q, want %q", what, got, zone)
			}
		}
		e, _, _, err := f.board.Person(t.Context(), bob, ada)
		if err != nil || e.Row.Zone != zone {
			t.Errorf("%s: Person = %+v, %v, want the zone %q", what, e.Row, err, zone)
		}
	}
	f.arrive(bob)
	want("not shared", "")
	f.must(setDetails(acting(t.Context()), f.store, bob.ID, accounts.Details{ShareTime: true}))
	want("shared", "Asia/Kolkata")
	f.must(f.store.SetInvisible(acting(t.Context()), bob.ID, true))
	want("invisible", "")
	f.must(f.store.SetInvisible(acting(t.Context()), bob.ID, false))
	want("visible again", "Asia/Kolkata")
	f.must(setDetails(acting(t.Context()), f.store, bob.ID, accounts.Details{}))
	want("no longer shared", "")
}

// setDetails sets all details of a person.
func setDetails(ctx context.Context, s *accounts.Store, userID string, d accounts.Details) error {
	return s.ChangeDetails(ctx, userID, func(was *accounts.Details) error {
		*was = d
		return nil
	})
}
