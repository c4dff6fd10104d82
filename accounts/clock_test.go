package accounts

import (
	"errors"
	"testing"
	"time"
)

// TestClockJumps: when somebody corrects the clock, nobody is signed out early, readers of Changes still see new
// changes, and sessions expire on time by the new clock.
func TestClockJumps(t *testing.T) {
	for _, jump := range []time.Duration{-time.Hour, -5 * time.Minute, 5 * time.Minute, time.Hour} {
		t.Run(jump.String(), func(t *testing.T) {
			c := newClock()
			s := open(t, Config{Now: c.now})
			ctx := t.Context()
			ada, err := s.Create(ctx, NewUser{Username: "ada", Password: secret})
			do(t, "Create", err)
			token, _, err := s.StartSession(ctx, SignIn{UserID: ada.ID})
			do(t, "StartSession", err)
			rev := mustRev(t, s)
			c.add(jump)
			_, user, err := s.SessionByToken(ctx, token)
			do(t, "SessionByToken after the jump", err)
			if user.ID != ada.ID {
				t.Errorf("SessionByToken after the jump = %s, want ada", user.ID)
			}
			bob, err := s.Create(ctx, NewUser{Username: "bob", Password: secret})
			do(t, "Create after the jump", err)
			do(t, "Rename after the jump", s.Rename(ctx, ada.ID, "Ada"))
			do(t, "SetStatus after the jump", s.SetStatus(ctx, bob.ID, Status{Text: "here", Until: c.now().Add(time.Hour)}, ""))
			changes, err := s.Changes(ctx, rev)
			do(t, "Changes", err)
			if changes.Rev != rev+3 || len(changes.Users) != 2 {
				t.Errorf("Changes after the jump = rev %d of %d users, want %d of 2", changes.Rev, len(changes.Users), rev+3)
			}
			if fresh, _, err := s.StartSession(ctx, SignIn{UserID: bob.ID}); err != nil {
				t.Errorf("StartSession after the jump = %v", err)
			} else if _, _, err := s.SessionByToken(ctx, fresh); err != nil {
				t.Errorf("SessionByToken of a session from after the jump = %v", err)
			}
			c.add(SessionLife - jump - time.Second)
			_, _, err = s.SessionByToken(ctx, token)
			do(t, "SessionByToken a second before its end", err)
			c.add(2 * time.Second)
			if _, _, err := s.SessionByToken(ctx, token); !errors.Is(err, ErrNoSession) {
				t.Errorf("SessionByToken a second after its end = %v, want %v", err, ErrNoSession)
			}
		})
	}
}
