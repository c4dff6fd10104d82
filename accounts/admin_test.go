package accounts

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// addAdmin adds an administrator.
func addAdmin(tb testing.TB, s *Store, username string) User {
	tb.Helper()
	u, err := s.Create(tb.Context(), NewUser{Username: username, Password: secret, Admin: true})
	do(tb, "Create", err)
	return u
}

// The last administrator can't be demoted, disabled or deleted, one by one or together with others. The command line
// may.
func TestLastAdministrator(t *testing.T) { onEach(t, testLastAdministrator) }

func testLastAdministrator(t *testing.T, db database) {
	s := db.open(t, Config{})
	ctx := t.Context()
	ada, eve, bob := addAdmin(t, s, "ada"), addAdmin(t, s, "eve"), add(t, s, "bob", "", "")
	do(t, "SetDisabled(eve)", s.SetDisabled(ctx, eve.ID, true))
	removals := map[string]func(context.Context) error{
		"SetAdmin":    func(ctx context.Context) error { return s.SetAdmin(ctx, ada.ID, false) },
		"SetDisabled": func(ctx context.Context) error { return s.SetDisabled(ctx, ada.ID, true) },
		"Delete":      func(ctx context.Context) error { return s.Delete(ctx, ada.ID) },
		"DisableAll":  func(ctx context.Context) error { return second(s.DisableAll(ctx, []string{bob.ID, ada.ID})) },
		"DeleteAll":   func(ctx context.Context) error { return second(s.DeleteAll(ctx, []string{bob.ID, ada.ID})) },
	}
	for name, remove := range removals {
		before := mustRev(t, s)
		wantErr(t, name+" of the only administrator", remove(ctx), ErrLastAdmin)
		if after := mustRev(t, s); after != before {
			t.Errorf("%s of the only administrator took a rev", name)
		}
		for _, u := range []User{ada, bob} {
			if now, err := s.UserByID(ctx, u.ID); err != nil || now.Disabled || now.Admin != u.Admin {
				t.Errorf("after %s, %s is %+v, %v, want no change", name, u.Username, now, err)
			}
		}
	}
	do(t, "SetAdmin(bob)", s.SetAdmin(ctx, bob.ID, true))
	do(t, "SetAdmin(ada, false)", s.SetAdmin(ctx, ada.ID, false))
	do(t, "Delete(ada)", s.Delete(ctx, ada.ID))
	wantErr(t, "SetAdmin(bob, false)", s.SetAdmin(ctx, bob.ID, false), ErrLastAdmin)
	do(t, "SetAdmin by force", s.SetAdmin(Forced(ctx), bob.ID, false))
	do(t, "SetDisabled without administrators", s.SetDisabled(ctx, bob.ID, true))
}

// Two administrators who leave at the same moment, each relying on the other, don't both succeed, however they leave
// and whichever servers they use.
func TestLastAdministratorRace(t *testing.T) { onEach(t, testLastAdministratorRace) }

func testLastAdministratorRace(t *testing.T, db database) {
	place := db.place(t)
	stores := []*Store{openAt(t, place), openAt(t, place)}
	leave := []func(s *Store, id string) error{
		func(s *Store, id string) error { return s.SetAdmin(t.Context(), id, false) },
		func(s *Store, id string) error { return s.SetDisabled(t.Context(), id, true) },
		func(s *Store, id string) error { return s.Delete(t.Context(), id) },
		func(s *Store, id string) error { return second(s.DisableAll(t.Context(), []string{id})) },
	}
	hash, err := stores[0].HashPassword(t.Context(), secret)
	do(t, "HashPassword", err)
	for round := range 200 {
		admins := make([]User, 2)
		for i, name := range []string{"ada", "eve"} {
			admins[i], err = stores[0].Create(t.Context(), NewUser{Username: name, PasswordHash: hash, Admin: true})
			do(t, "Create", err)
		}
		errs := make([]error, 2)
		var both sync.WaitGroup
		for i := range admins {
			both.Go(func() { errs[i] = leave[(round>>i)%len(leave)](stores[i], admins[i].ID) })
		}
		both.Wait()
		if n := failures(errs); n != 1 || !errors.Is(errors.Join(errs...), ErrLastAdmin) {
			t.Fatalf("round %d: the administrators left with %v, want one of them refused", round, errs)
		}
		if any, err := stores[0].AnyAdmin(t.Context()); !any || err != nil {
			t.Fatalf("round %d: AnyAdmin = %t, %v, want true", round, any, err)
		}
		for _, u := range admins {
			if err := stores[0].Delete(Forced(t.Context()), u.ID); err != nil && !errors.Is(err, ErrNotFound) {
				t.Fatal(err)
			}
		}
	}
}

func failures(errs []error) (n int) {
	for _, err := range errs {
		if err != nil {
			n++
		}
	}
	return n
}

// Whoever isn't an administrator any more leaves no invitations behind.
func TestInvitationsEndWithTheirMaker(t *testing.T) { onEach(t, testInvitationsEndWithTheirMaker) }

func testInvitationsEndWithTheirMaker(t *testing.T, db database) {
	s := db.open(t, Config{})
	addAdmin(t, s, "boss")
	for name, end := range map[string]func(id string) error{
		"ada": func(id string) error { return s.SetAdmin(t.Context(), id, false) },
		"eve": func(id string) error { return s.SetDisabled(t.Context(), id, true) },
		"joe": func(id string) error { return s.Delete(t.Context(), id) },
	} {
		maker := addAdmin(t, s, name)
		token, _ := invite(t, s, maker.ID, NewInvitation{Uses: 1, Age: MaxInviteAge})
		do(t, "end "+name, end(maker.ID))
		_, err := s.Invitation(t.Context(), token)
		wantErr(t, "the invitation of "+name, err, ErrNoLink)
	}
}
