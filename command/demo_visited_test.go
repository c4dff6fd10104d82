package command

import (
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// When a visitor signs in as a player, the cast doesn't change that person's status or presence anymore, even after the
// visitor signs out.
func TestCastReleasesVisitedPeople(t *testing.T) {
	store, err := accounts.Open(t.Context(), accounts.Config{CheapHashes: true, Path: filepath.Join(t.TempDir(), "rollcall.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	players, err := invite(t.Context(), store, demoStaff(usualPeople), newPassword())
	if err != nil {
		t.Fatal(err)
	}
	tracker, earlier := demoTracker(presence.Config{IdleAfter: 10 * time.Minute})
	defer tracker.Close()
	c := newCast(store, tracker, earlier, players, rand.New(rand.NewPCG(7, 0)))
	if err := c.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	var visited []string
	mine := accounts.Status{State: "away", Text: "Mine"}
	for _, p := range players[:3] {
		visited = append(visited, p.id)
		_, session, err := store.StartSession(accounts.As(t.Context(), accounts.ByUser(p.id)), accounts.SignIn{UserID: p.id})
		if err != nil {
			t.Fatal(err)
		}
		ctx := accounts.As(t.Context(), accounts.ByUser(p.id))
		if err := store.SetStatus(ctx, p.id, mine, accounts.LastsForever); err != nil {
			t.Fatal(err)
		}
		if err := c.step(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := store.EndSession(accounts.As(t.Context(), accounts.ByUser(p.id)), session.ID); err != nil {
			t.Fatal(err)
		}
	}
	for range 300 {
		if err := c.step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range visited {
		user, err := store.UserByID(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if user.Status.Text != mine.Text || user.Status.State != mine.State {
			t.Errorf("the status of %s is %q after 300 steps of the cast, want %q", user.Username, user.Status.Text, mine.Text)
		}
		if got := tracker.Self(id).Devices; got != 0 {
			t.Errorf("%s still has %d of the cast's devices, want none", user.Username, got)
		}
	}
}

// When visitors have signed in as everyone, the cast has nothing to do.
func TestCastWithoutPlayers(t *testing.T) {
	tracker, earlier := demoTracker(presence.Config{IdleAfter: 10 * time.Minute})
	defer tracker.Close()
	c := newCast(newFakeStore(nil), tracker, earlier, nil, rand.New(rand.NewPCG(7, 0)))
	if err := c.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.step(t.Context()); err != nil {
		t.Fatal(err)
	}
}
