package handlers

import (
	"strings"
	"testing"
	"time"

	"rollcall/presence"
)

// TestSeenElsewhere: when somebody was last seen is shown also where they were not connected, as soon as the replica
// that knows has stored it.
func TestSeenElsewhere(t *testing.T) {
	shared := presence.NewMemory()
	other := shared.Replica()
	l := newLiveBoard(t, func(cfg *Config) {
		p := presence.DefaultConfig()
		p.Warming, p.Registry = 0, shared.Replica()
		cfg.Presence.Close()
		cfg.Presence = presence.NewTracker(p)
	})
	l.person("ada")
	ada := l.uid("ada")
	tab := l.open(l.member("bob"), "/", "a")
	tab.sees("ada", "offline")
	other.Publish(ada, presence.Digest{Connected: true})
	tab.sees("ada", "away")
	other.Publish(ada, presence.Digest{})
	tab.sees("ada", "offline")
	if err := l.store.StampSeen(t.Context(), map[string]time.Time{ada: time.Now()}); err != nil {
		t.Fatal(err)
	}
	l.server.board.askSeen(time.Now().Add(time.Minute))
	tab.until("ada was seen today", func() bool { return strings.Contains(tab.rows["ada"], "seen today") })
}
