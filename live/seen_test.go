package live

import (
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// withReplica gives the board's tracker a registry that it shares with another replica.
func withReplica(shared *presence.Memory) func(*Config, *presence.Config) {
	return func(_ *Config, p *presence.Config) { p.Registry = shared.Replica() }
}

// seenByBob returns a running board that bob watches, the other replica of it, and ada, who is offline.
func seenByBob(t *testing.T) (f *fixture, other presence.Registry, ada accounts.Person, s *screen) {
	shared := presence.NewMemory()
	f = newFixture(t, withReplica(shared))
	ada = f.person("ada")
	bob := f.person("bob")
	f.run()
	return f, shared.Replica(), ada, f.watch(Query{}, bob)
}

// When somebody was last seen is also shown where they weren't connected, once the replica that knows has stored it.
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

// The same of somebody with a tab here, who was last active on another replica and turns invisible.
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
