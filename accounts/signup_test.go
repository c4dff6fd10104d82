package accounts

import (
	"fmt"
	"testing"
	"time"
)

// Somebody who waits for approval can't sign in and isn't on the board. Approval lets them in; declining forgets them.
func TestApproval(t *testing.T) { onEach(t, testApproval) }

func testApproval(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ctx := t.Context()
	boss := As(ctx, ByUser(addAdmin(t, s, "boss").ID))
	ada, waits, err := s.SignUp(ctx, NewUser{Username: "ada", Password: secret}, Joining{Approval: true, Note: " New  here "})
	if err != nil || !waits || !ada.Disabled {
		t.Fatalf("SignUp = %+v, waits %t, %v, want a disabled account that waits", ada, waits, err)
	}
	c.add(time.Minute)
	eve, _, err := s.SignUp(ctx, NewUser{Username: "eve", Password: secret}, Joining{Approval: true})
	do(t, "SignUp(eve)", err)
	_, err = s.Authenticate(ctx, "ada", secret)
	wantErr(t, "Authenticate while waiting", err, ErrDisabled)
	if waits, err := s.IsWaiting(ctx, ada.ID); !waits || err != nil {
		t.Errorf("IsWaiting(ada) = %t, %v, want true", waits, err)
	}
	if people, _, err := s.People(ctx, PeopleQuery{}); err != nil || len(people) != 1 {
		t.Errorf("People = %+v, %v, want only boss", people, err)
	}
	all, err := s.WaitingPeople(ctx)
	if err != nil || len(all) != 2 || all[0].ID != ada.ID || all[0].Note != "New here" || !all[0].Since.Equal(ada.CreatedAt) {
		t.Errorf("WaitingPeople = %+v, %v, want ada with her note, then eve", all, err)
	}
	do(t, "Approve", s.Approve(boss, ada.ID))
	wantErr(t, "Approve again", s.Approve(boss, ada.ID), ErrNotFound)
	_, err = s.Authenticate(ctx, "ada", secret)
	do(t, "Authenticate after approval", err)
	do(t, "Decline", s.Decline(boss, eve.ID))
	wantErr(t, "Decline of somebody who is in", s.Decline(boss, ada.ID), ErrNotFound)
	_, err = s.UserByID(ctx, eve.ID)
	wantErr(t, "UserByID of somebody who was declined", err, ErrNotFound)

	do(t, "SetDisabled", s.SetDisabled(boss, ada.ID, true))
	if waits, err := s.IsWaiting(ctx, ada.ID); waits || err != nil {
		t.Errorf("IsWaiting of somebody who was disabled = %t, %v, want false", waits, err)
	}
	wantErr(t, "Approve of somebody who was disabled", s.Approve(boss, ada.ID), ErrNotFound)
	wantField(t, "SignUp with a bad note", second3(s.SignUp(ctx, NewUser{Username: "joe", Password: secret},
		Joining{Approval: true, Note: "a\u202eb"})), "note")
}

func second3[T, U any](_ T, _ U, err error) error { return err }

// Enabling somebody who waits is approval, too.
func TestEnablingApproves(t *testing.T) {
	s := open(t, Config{})
	ada, _, err := s.SignUp(t.Context(), NewUser{Username: "ada", Password: secret}, Joining{Approval: true, Note: "Hi"})
	do(t, "SignUp", err)
	do(t, "SetDisabled", s.SetDisabled(t.Context(), ada.ID, false))
	if all, err := s.WaitingPeople(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("WaitingPeople = %+v, %v, want nobody", all, err)
	}
}

// A hundred people may wait, each for 30 days.
func TestWaitingIsBounded(t *testing.T) {
	c := newClock()
	s := open(t, Config{Now: c.now})
	ctx := t.Context()
	hash, err := s.HashPassword(ctx, secret)
	do(t, "HashPassword", err)
	for i := range maxWaiting {
		_, _, err := s.SignUp(ctx, NewUser{Username: fmt.Sprint("user", i), PasswordHash: hash}, Joining{Approval: true})
		do(t, "SignUp", err)
	}
	late := NewUser{Username: "late", PasswordHash: hash}
	wantErr(t, "one more", second3(s.SignUp(ctx, late, Joining{Approval: true})), ErrFull)
	c.add(waitingAge + time.Millisecond)
	do(t, "Prune", s.Prune(ctx))
	do(t, "one more, a month later", second3(s.SignUp(ctx, late, Joining{Approval: true})))
	if n, err := s.CountUsers(ctx); err != nil || n.All != 1 || n.Waiting != 1 {
		t.Errorf("CountUsers = %+v, %v, want one who waits", n, err)
	}
}

// With FirstRules, the first account is an administrator's, and doesn't wait.
func TestFirstRules(t *testing.T) { onEach(t, testFirstRules) }

func testFirstRules(t *testing.T, db database) {
	s := db.open(t, Config{})
	ctx := t.Context()
	ada, waits, err := s.SignUp(ctx, NewUser{Username: "ada", Password: secret}, Joining{FirstRules: true, Approval: true})
	if err != nil || waits || !ada.Admin {
		t.Errorf("SignUp = %+v, waits %t, %v, want an administrator", ada, waits, err)
	}
	eve, waits, err := s.SignUp(ctx, NewUser{Username: "eve", Password: secret}, Joining{FirstRules: true, Approval: true})
	if err != nil || !waits || eve.Admin {
		t.Errorf("a second SignUp = %+v, waits %t, %v, want a member who waits", eve, waits, err)
	}
}

// Nobody who waits for approval becomes an administrator, who would be let in without it.
func TestWaitingPeopleCantRule(t *testing.T) { onEach(t, testWaitingPeopleCantRule) }

func testWaitingPeopleCantRule(t *testing.T, db database) {
	s := db.open(t, Config{})
	u, _, err := s.SignUp(t.Context(), NewUser{Username: "ada", Password: secret}, Joining{Approval: true})
	do(t, "SignUp", err)
	wantErr(t, "SetAdmin", s.SetAdmin(t.Context(), u.ID, true), ErrWaiting)
	do(t, "SetAdmin off", s.SetAdmin(t.Context(), u.ID, false))
	do(t, "Approve", s.Approve(t.Context(), u.ID))
	do(t, "SetAdmin", s.SetAdmin(t.Context(), u.ID, true))
}
