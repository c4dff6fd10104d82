package handlers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// replicated gives a server a Tracker that shares what it knows with others, and is warm.
func replicated(shared *presence.Memory) func(*Config) {
	return func(cfg *Config) {
		p := presence.DefaultConfig()
		p.Warming, p.Registry = 0, shared.Replica()
		cfg.Presence.Close()
		cfg.Presence = presence.NewTracker(p)
	}
}

// TestSeenElsewhere: when somebody was last seen is shown also where they were not connected, as soon as the replica
// that knows has stored it.
func TestSeenElsewhere(t *testing.T) {
	shared := presence.NewMemory()
	other := shared.Replica()
	l := newLiveBoard(t, replicated(shared))
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

// TestSeenHereAndElsewhere: the same of somebody with a tab here, who was seen last at one on another replica and
// turns invisible.
func TestSeenHereAndElsewhere(t *testing.T) {
	shared := presence.NewMemory()
	other := shared.Replica()
	l := newLiveBoard(t, replicated(shared))
	l.person("ada")
	ada := l.uid("ada")
	tab := l.open(l.member("bob"), "/", "a")
	other.Publish(ada, presence.Digest{Connected: true, Active: true})
	tab.sees("ada", "online")
	l.server.board.presence.Join(ada, presence.Client{}, presence.Activity{Ago: 40 * time.Hour})
	if err := l.store.SetInvisible(t.Context(), ada, true); err != nil {
		t.Fatal(err)
	}
	tab.until("ada was seen by this replica", func() bool { return strings.Contains(tab.rows["ada"], "seen this week") })
	if err := l.store.StampSeen(t.Context(), map[string]time.Time{ada: time.Now()}); err != nil {
		t.Fatal(err)
	}
	l.server.board.askSeen(time.Now().Add(time.Minute))
	tab.until("ada was seen today", func() bool { return strings.Contains(tab.rows["ada"], "seen today") })
}

// What was stored of a backlog is not stored again when the rest fails, and is on the rows.
func TestSeenBacklogShrinks(t *testing.T) {
	l := newLiveBoard(t)
	pending := map[string]time.Time{}
	for i := range 2*accounts.StampsAtOnce + 1 {
		pending[fmt.Sprint(i)] = time.Now()
	}
	calls, slow := 0, errors.New("slow")
	err := l.server.board.storeSeen(t.Context(), pending, func(context.Context, map[string]time.Time) error {
		if calls++; calls == 3 {
			return slow
		}
		return nil
	})
	if !errors.Is(err, slow) || len(pending) != 1 {
		t.Errorf("storeSeen = %v with %d left, want %v with 1", err, len(pending), slow)
	}
	if err := l.server.board.storeSeen(t.Context(), pending, l.store.StampSeen); err != nil || len(pending) != 0 {
		t.Errorf("storeSeen again = %v with %d left, want none", err, len(pending))
	}
}
