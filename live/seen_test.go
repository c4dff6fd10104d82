package live

import (
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// withReplica connects the board's tracker to another replica.
func withReplica(shared *presence.Memory) func(*Config, *presence.Config) {
	return func(_ *Config, p *presence.Config) { p.Registry = shared.Replica() }
}

// seenByBob returns a running board, another replica, ada, who is offline, and the screen of bob, who watches the
// board.
func seenByBob(t *testing.T) (f *fixture, other presence.Registry, ada accounts.Person, s *screen) {
	shared := presence.NewMemory()
	f = newFixture(t, withReplica(shared))
	ada = f.person("ada")
	bob := f.person("bob")
	f.run()
	return f, shared.Replica(), ada, f.watch(Query{}, bob)
}

// A replica also shows when a person was last seen on another one, after the other one has stored it.
func TestSeenElsewhere(t *testing.T) {
	t.Parallel()
	f, other, ada, s := seenByBob(t)
	other.Publish(ada.ID, presence.Digest{Connected: true})
	s.until(t, "ada away", func() bool { return s.rows["ada"].State == presence.Away })
	other.Publish(ada.ID, presence.Digest{})
	s.until(t, "ada offline", func() bool { return s.rows["ada"].State == presence.Offline })
	f.must(f.store.StampSeen(acting(t.Context()), map[string]time.Time{ada.ID: time.Now()}))
	f.board.askSeen(time.Now().Add(time.Minute))
	s.until(t, "ada seen today", func() bool { return s.rows["ada"].Seen == "today" })
}

// The same is true for a person with a tab on this replica who was last active on another one and goes invisible.
func TestSeenHereAndElsewhere(t *testing.T) {
	t.Parallel()
	f, other, ada, s := seenByBob(t)
	other.Publish(ada.ID, presence.Digest{Connected: true, Active: true})
	s.until(t, "ada online", func() bool { return s.rows["ada"].State == presence.Online })
	f.here.Join(ada.ID, presence.Client{}, presence.Activity{Ago: 40 * time.Hour})
	f.must(f.store.SetInvisible(acting(t.Context()), ada.ID, true))
	s.until(t, "ada seen by this replica", func() bool { return s.rows["ada"].Seen == "this week" })
	f.must(f.store.StampSeen(acting(t.Context()), map[string]time.Time{ada.ID: time.Now()}))
	f.board.askSeen(time.Now().Add(time.Minute))
	s.until(t, "ada seen today", func() bool { return s.rows["ada"].Seen == "today" })
}
