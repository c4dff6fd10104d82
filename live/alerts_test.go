package live

import (
	"slices"
	"testing"

	"rollcall/accounts"
	"rollcall/presence"
)

func (f *fixture) ask(a, b accounts.Person, kind string) {
	f.t.Helper()
	f.must(f.store.SetAlert(acting(f.t.Context()), a.ID, b.ID, kind))
	f.step()
}

// told returns about whom a page was told since the last call.
func (s *screen) told(t *testing.T) (names []string) {
	t.Helper()
	for _, c := range s.take(t) {
		for _, a := range c.Told {
			names = append(names, a.Username)
		}
	}
	return names
}

func (s *screen) wantTold(t *testing.T, what string, want ...string) {
	t.Helper()
	if got := s.told(t); !slices.Equal(got, want) {
		t.Errorf("%s: told about %v, want %v", what, got, want)
	}
}

func (f *fixture) status(p accounts.Person, state string) {
	f.t.Helper()
	f.must(f.store.SetStatus(acting(f.t.Context()), p.ID, accounts.Status{State: state}, ""))
}

// Every page of the person who asked is told once, whatever it lists, and even while it's hidden. Nobody else is told.
func TestAlert(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob, cleo := f.person("ada"), f.person("bob"), f.person("cleo")
	list, other, hidden := f.watch(Query{}, ada), f.watch(Query{Search: "nobody"}, ada), f.watch(Query{Show: Here}, ada)
	asked, stranger := f.watch(Query{}, bob), f.watch(Query{}, cleo)
	hidden.w.Pause()
	f.ask(ada, bob, accounts.AlertHere)
	list.wantTold(t, "while bob is absent")
	conn := f.arrive(bob)
	f.step()
	for _, s := range []*screen{list, other, hidden} {
		s.wantTold(t, "when bob arrived", "bob")
	}
	asked.wantTold(t, "bob")
	stranger.wantTold(t, "cleo")
	conn.Leave(presence.SignedOut)
	f.step()
	f.arrive(bob)
	f.step()
	list.wantTold(t, "when bob came again")

	// A page that connects a moment later may have missed it, and is told.
	late := f.watch(Query{}, ada)
	if n := len(late.changes); n == 0 ||
		!slices.ContainsFunc(late.changes, func(c *Change) bool { return len(c.Told) == 1 }) {
		t.Errorf("a page that connected a moment later got %d changes, want one about bob", n)
	}
}

// What an alert waits for.
func TestAlertComesTrue(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		kind, state string
		want        bool
	}{
		{accounts.AlertHere, "online", true}, {accounts.AlertHere, "dnd", true}, {accounts.AlertHere, "away", false},
		{accounts.AlertFree, "online", true}, {accounts.AlertFree, "dnd", false}, {accounts.AlertFree, "away", false},
	} {
		f := newFixture(t)
		ada, bob := f.person("ada"), f.person("bob")
		s := f.watch(Query{}, ada)
		f.status(bob, tt.state)
		f.ask(ada, bob, tt.kind)
		s.wantTold(t, tt.kind+" while bob is offline")
		f.arrive(bob)
		f.step()
		if got := len(s.told(t)) == 1; got != tt.want {
			t.Errorf("%s when bob is %s: told = %v, want %v", tt.kind, tt.state, got, tt.want)
		}
	}
}

// An invisible person triggers nothing until they go visible, and neither does a disabled one.
func TestAlertAboutInvisible(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob := f.person("ada"), f.person("bob")
	s := f.watch(Query{}, ada)
	f.must(f.store.SetInvisible(acting(t.Context()), bob.ID, true))
	f.ask(ada, bob, accounts.AlertHere)
	f.arrive(bob)
	f.step()
	f.status(bob, "online")
	f.step()
	s.take(t)
	if len(f.board.alerts.due) > 0 {
		t.Error("an invisible person's arrival makes an alert due")
	}
	f.must(f.store.SetInvisible(acting(t.Context()), bob.ID, false))
	f.must(f.store.SetDisabled(acting(t.Context()), bob.ID, true))
	f.step()
	s.wantTold(t, "while bob is disabled")
	f.must(f.store.SetDisabled(acting(t.Context()), bob.ID, false))
	f.step()
	s.wantTold(t, "when bob is visible and enabled", "bob")
}

// An alert waits until whoever asked has a page open. Withdrawn ones and those about people who forbid them aren't
// told.
func TestAlertWaits(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob, cleo, dora := f.person("ada"), f.person("bob"), f.person("cleo"), f.person("dora")
	for _, p := range []accounts.Person{bob, cleo, dora} {
		f.ask(ada, p, accounts.AlertHere)
	}
	f.must(f.store.DropAlert(acting(t.Context()), ada.ID, cleo.ID))
	f.must(setDetails(acting(t.Context()), f.store, dora.ID, accounts.Details{NoAlerts: true}))
	for _, p := range []accounts.Person{bob, cleo, dora} {
		f.arrive(p)
	}
	f.step()
	s := f.watch(Query{}, ada)
	f.step()
	s.wantTold(t, "when ada opens a page", "bob")
	if b := &f.board.alerts; len(b.about)+len(b.of)+len(b.due) != 0 {
		t.Errorf("after that the board still has %v", b)
	}
	f.must(f.store.Delete(acting(t.Context()), bob.ID))
	f.step()
	if len(f.board.alerts.told) != 0 {
		t.Errorf("after bob's deletion the board still has %v", f.board.alerts.told)
	}
}

// A board that starts with alerts in the accounts knows them.
func TestAlertSurvivesRestart(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob := f.person("ada"), f.person("bob")
	f.must(f.store.SetAlert(acting(t.Context()), ada.ID, bob.ID, accounts.AlertHere))
	f.board = New(Config{Accounts: f.store, Presence: f.here, Log: f.board.log})
	s := f.watch(Query{}, ada)
	f.arrive(bob)
	f.step()
	s.wantTold(t, "after a restart", "bob")
}
