package accounts

import (
	"context"
	"sync"
	"testing"
	"time"
)

// TestSpendOnce: of eight that spend the same thing at once, one succeeds.
func TestSpendOnce(t *testing.T) {
	s := open(t, Config{})
	for range 20 {
		once := Once{Secret: newTokenOnly(), ExpiresAt: time.Now().Add(time.Minute)}
		var all sync.WaitGroup
		errs := make(chan error, 8)
		for range cap(errs) {
			all.Go(func() { errs <- s.Spend(context.Background(), once) })
		}
		all.Wait()
		close(errs)
		spent := 0
		for err := range errs {
			if err == nil {
				spent++
			} else {
				wantErr(t, "Spend again", err, ErrSpent)
			}
		}
		if spent != 1 {
			t.Fatalf("%d of 8 spent it, want 1", spent)
		}
	}
}

// TestSignInSpends: a sign-in that spends something twice starts no session, and one that fails spends nothing.
func TestSignInSpends(t *testing.T) {
	s := open(t, Config{})
	u := add(t, s, "ada", "", "")
	once := Once{Secret: "challenge", ExpiresAt: time.Now().Add(time.Minute)}
	_, _, err := s.StartSession(t.Context(), SignIn{UserID: "nobody", Spends: []Once{once}})
	wantErr(t, "StartSession(nobody)", err, ErrNotFound)
	token, _, err := s.StartSession(t.Context(), SignIn{
		UserID: u.ID, Method: ByProvider, Factors: "provider", Provider: "corp", Unproved: true, Spends: []Once{once}})
	do(t, "StartSession", err)
	session, _, err := s.SessionByToken(t.Context(), token)
	do(t, "SessionByToken", err)
	if session.Method != ByProvider || session.Provider != "corp" || !session.ProvedAt.IsZero() {
		t.Errorf("session = %+v, want one by the provider corp, without a proof", session)
	}
	if life := session.ExpiresAt.Sub(session.CreatedAt); life != ProviderSessionLife {
		t.Errorf("it lasts %v, want %v", life, ProviderSessionLife)
	}
	_, _, err = s.StartSession(t.Context(), SignIn{UserID: u.ID, Spends: []Once{once}})
	wantErr(t, "StartSession again", err, ErrSpent)
	sessions, err := s.Sessions(t.Context(), u.ID)
	if do(t, "Sessions", err); len(sessions) != 1 {
		t.Errorf("%d sessions, want 1", len(sessions))
	}
}
