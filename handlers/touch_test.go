package handlers

import (
	"context"
	"fmt"
	"testing"
	"time"
)

func TestTouches(t *testing.T) {
	var used touches
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	used.mark("fresh", now.Add(-9*time.Minute), now)
	used.mark("old", now.Add(-10*time.Minute), now)
	used.mark("old", now.Add(-10*time.Minute), now.Add(time.Second))
	if got := used.take(); len(got) != 1 || !got["old"].Equal(now) {
		t.Errorf("take = %v, want old at %v", got, now)
	}
	if got := used.take(); len(got) != 0 {
		t.Errorf("second take = %v, want nothing", got)
	}
	for i := range maxTouches + 10 {
		used.note(fmt.Sprint(i), now)
	}
	if got := used.take(); len(got) != maxTouches {
		t.Errorf("%d sessions remembered, want at most %d", len(got), maxTouches)
	}
}

// Marked sessions are written when the server stops. GET doesn't write them.
func TestTouchesAreWritten(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.person("ada")
	b := f.browser()
	b.login("ada", goodPassword)
	token := b.cookies["rollcall"]
	session, _, err := f.store.SessionByToken(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	later := session.UsedAt.Add(11 * time.Minute).Truncate(time.Millisecond)
	f.server.touched.sessions.mark(session.ID, session.UsedAt, later)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.server.Run(ctx); err != nil {
		t.Fatal(err)
	}
	session, _, err = f.store.SessionByToken(t.Context(), token)
	if err != nil || !session.UsedAt.Equal(later) {
		t.Errorf("UsedAt = %v, %v, want %v", session.UsedAt, err, later)
	}
}
