package accounts

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// invite makes an invitation by a user.
func invite(tb testing.TB, s *Store, by string, n NewInvitation) (token string, _ Invitation) {
	tb.Helper()
	token, i, err := s.Invite(As(tb.Context(), ByUser(by)), n)
	do(tb, "Invite", err)
	return token, i
}

// An invitation lets as many people in as it says, into its team, until it expires or is revoked.
func TestInvitation(t *testing.T) { onEach(t, testInvitation) }

func testInvitation(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ctx := t.Context()
	boss := addAdmin(t, s, "boss")
	add(t, s, "old", "", "Night Desk")
	token, made := invite(t, s, boss.ID, NewInvitation{Label: " Spring  hires ", Team: "night desk", Uses: 2, Age: 48 * time.Hour})
	if made.Label != "Spring hires" || made.UsesLeft != 2 || made.MadeBy != ByUser(boss.ID) ||
		!made.ExpiresAt.Equal(c.now().Add(48*time.Hour)) {
		t.Errorf("Invite = %+v, want two uses within 48 h, made by boss", made)
	}
	ada, waits, err := s.SignUp(ctx, NewUser{Username: "ada", Password: secret}, Joining{Invitation: token, Approval: true})
	if err != nil || waits || ada.Disabled || ada.Team != "Night Desk" || ada.Admin {
		t.Errorf("SignUp = %+v, waits %t, %v, want a member of Night Desk at once", ada, waits, err)
	}
	_, _, err = s.SignUp(ctx, NewUser{Username: "ada", Password: secret}, Joining{Invitation: token})
	wantErr(t, "SignUp with a taken name", err, ErrTaken)
	all, err := s.Invitations(ctx)
	if err != nil || len(all) != 1 || all[0].Uses != 1 || all[0].UsesLeft != 1 || all[0].ID != made.ID {
		t.Errorf("Invitations = %+v, %v, want one with one of two uses left", all, err)
	}
	_, _, err = s.SignUp(ctx, NewUser{Username: "bob", Password: secret}, Joining{Invitation: token})
	do(t, "SignUp(bob)", err)
	_, _, err = s.SignUp(ctx, NewUser{Username: "eve", Password: secret}, Joining{Invitation: token})
	wantErr(t, "a third SignUp", err, ErrNoLink)

	late, _ := invite(t, s, boss.ID, NewInvitation{Uses: 1, Age: time.Hour})
	c.add(time.Hour)
	revoked, i := invite(t, s, boss.ID, NewInvitation{Uses: 1, Age: time.Hour})
	do(t, "Revoke", s.Revoke(ctx, i.ID))
	wantErr(t, "Revoke again", s.Revoke(ctx, i.ID), ErrNoLink)
	for what, token := range map[string]string{"an expired": late, "a revoked": revoked, "a made-up": "x", "no": newTokenOnly()} {
		_, err := s.Invitation(ctx, token)
		wantErr(t, "Invitation of "+what+" token", err, ErrNoLink)
		_, _, err = s.SignUp(ctx, NewUser{Username: "eve", Password: secret}, Joining{Invitation: token})
		wantErr(t, "SignUp with "+what+" token", err, ErrNoLink)
	}
	if all, err := s.Invitations(ctx); err != nil || len(all) != 0 {
		t.Errorf("Invitations in the end = %+v, %v, want none", all, err)
	}
	reset, err := s.MakeResetLink(ctx, ada.ID)
	do(t, "MakeResetLink", err)
	_, _, err = s.SignUp(ctx, NewUser{Username: "eve", Password: secret}, Joining{Invitation: reset})
	wantErr(t, "SignUp with a reset link", err, ErrNoLink)
}

func newTokenOnly() string {
	token, _ := newToken()
	return token
}

func TestInvitationRefuses(t *testing.T) {
	s := open(t, Config{})
	for field, n := range map[string]NewInvitation{
		"label": {Label: "a\u202eb", Uses: 1, Age: time.Hour}, "team": {Team: "\u0000", Uses: 1, Age: time.Hour},
		"uses": {Uses: 101, Age: time.Hour}, "days": {Uses: 1, Age: MaxInviteAge + 1},
	} {
		_, _, err := s.Invite(t.Context(), n)
		wantField(t, "Invite", err, field)
	}
	_, _, err := s.Invite(t.Context(), NewInvitation{})
	var wrong FieldErrors
	if !errors.As(err, &wrong) || len(wrong) != 2 {
		t.Errorf("Invite of nothing = %v, want two fields", err)
	}
}

// Three uses are three, whoever comes at the same moment.
func TestInvitationAtOnce(t *testing.T) { onEach(t, testInvitationAtOnce) }

func testInvitationAtOnce(t *testing.T, db database) {
	place := db.place(t)
	stores := []*Store{openAt(t, place), openAt(t, place)}
	boss := addAdmin(t, stores[0], "boss")
	hash, err := stores[0].HashPassword(t.Context(), secret)
	do(t, "HashPassword", err)
	for round := range 20 {
		token, _ := invite(t, stores[0], boss.ID, NewInvitation{Uses: 3, Age: time.Hour})
		errs := make([]error, 8)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() {
				n := NewUser{Username: fmt.Sprintf("guest%d-%d", round, i), PasswordHash: hash}
				_, _, errs[i] = stores[i%2].SignUp(t.Context(), n, Joining{Invitation: token})
			})
		}
		all.Wait()
		if n := failures(errs); n != 5 {
			t.Fatalf("round %d: %d of 8 were refused, want 5: %v", round, n, errs)
		}
	}
}

// A reset link sets a new password once and ends everything that the old one gave.
func TestResetLink(t *testing.T) { onEach(t, testResetLink) }

func testResetLink(t *testing.T, db database) {
	c := newClock()
	s := db.open(t, Config{Now: c.now})
	ctx := t.Context()
	ada := add(t, s, "ada", "", "")
	session, _ := signIn(t, s, ada.ID)
	browser, err := s.RememberBrowser(ctx, ada.ID, "")
	do(t, "RememberBrowser", err)
	first, err := s.MakeResetLink(ctx, ada.ID)
	do(t, "MakeResetLink", err)
	token, err := s.MakeResetLink(ctx, ada.ID)
	do(t, "MakeResetLink", err)
	_, err = s.ResetLinkUser(ctx, first)
	wantErr(t, "the first of two links", err, ErrNoLink)
	if u, err := s.ResetLinkUser(ctx, token); err != nil || u.ID != ada.ID {
		t.Errorf("ResetLinkUser = %+v, %v, want ada", u, err)
	}
	wantField(t, "ResetPassword", s.ResetPassword(ctx, token, "short"), "password")
	_, _, err = s.SessionByToken(ctx, session)
	do(t, "SessionByToken before the link is used", err)
	do(t, "ResetPassword", s.ResetPassword(ctx, token, "an entirely new one"))
	wantErr(t, "ResetPassword again", s.ResetPassword(ctx, token, "and another one"), ErrNoLink)
	_, _, err = s.SessionByToken(ctx, session)
	wantErr(t, "SessionByToken afterwards", err, ErrNoSession)
	if known, _, err := s.KnownBrowser(ctx, "ada", browser); known || err != nil {
		t.Errorf("KnownBrowser afterwards = %t, %v, want false", known, err)
	}
	_, err = s.Authenticate(ctx, "ada", secret)
	wantErr(t, "the old password", err, ErrCredentials)
	_, err = s.Authenticate(ctx, "ada", "an entirely new one")
	do(t, "the new password", err)

	late, err := s.MakeResetLink(ctx, ada.ID)
	do(t, "MakeResetLink", err)
	c.add(ResetLinkAge)
	wantErr(t, "an expired link", s.ResetPassword(ctx, late, "and another one"), ErrNoLink)
	off, err := s.MakeResetLink(ctx, ada.ID)
	do(t, "MakeResetLink", err)
	do(t, "SetDisabled", s.SetDisabled(ctx, ada.ID, true))
	wantErr(t, "the link of a disabled account", s.ResetPassword(ctx, off, "and another one"), ErrNoLink)
	_, err = s.MakeResetLink(ctx, "nobody")
	wantErr(t, "MakeResetLink(nobody)", err, ErrNotFound)
}

// A reset link works once, whoever uses it at the same moment.
func TestResetLinkAtOnce(t *testing.T) { onEach(t, testResetLinkAtOnce) }

func testResetLinkAtOnce(t *testing.T, db database) {
	place := db.place(t)
	stores := []*Store{openAt(t, place), openAt(t, place)}
	ada := add(t, stores[0], "ada", "", "")
	for range 10 {
		token, err := stores[0].MakeResetLink(t.Context(), ada.ID)
		do(t, "MakeResetLink", err)
		errs := make([]error, 8)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() { errs[i] = stores[i%2].ResetPassword(t.Context(), token, fmt.Sprint("new password ", i)) })
		}
		all.Wait()
		if n := failures(errs); n != 7 {
			t.Fatalf("%d of 8 were refused, want 7: %v", n, errs)
		}
	}
}

// Tokens of links aren't stored.
func TestLinkTokensAreHashed(t *testing.T) {
	s := open(t, Config{})
	ada := add(t, s, "ada", "", "")
	token, _ := invite(t, s, ada.ID, NewInvitation{Uses: 1, Age: time.Hour})
	reset, err := s.MakeResetLink(t.Context(), ada.ID)
	do(t, "MakeResetLink", err)
	var n int
	do(t, "count", s.r.queryRow(t.Context(), `SELECT count(*) FROM links WHERE token_hash IN ($1, $2)`, []any{token, reset}, &n))
	if n != 0 {
		t.Errorf("%d tokens are stored as they are, want none", n)
	}
}

// TestResetLinksEnd: a link for a new password ends with the role of the administrator who made it, with another new
// password, and when its person is disabled.
func TestResetLinksEnd(t *testing.T) { onEach(t, testResetLinksEnd) }

func testResetLinksEnd(t *testing.T, db database) {
	s := db.open(t, Config{})
	ada, boss, mallory := add(t, s, "ada", "", ""), add(t, s, "boss", "", ""), add(t, s, "mallory", "", "")
	do(t, "SetAdmin", errors.Join(s.SetAdmin(t.Context(), boss.ID, true), s.SetAdmin(t.Context(), mallory.ID, true)))
	byMallory := As(t.Context(), ByUser(mallory.ID))
	for what, act := range map[string]func() error{
		"the maker is demoted":          func() error { return s.SetAdmin(t.Context(), mallory.ID, false) },
		"the maker is disabled":         func() error { return s.SetDisabled(t.Context(), mallory.ID, true) },
		"the person has a new password": func() error { return s.SetPassword(t.Context(), ada.ID, secret+"!", "") },
		"the person changes it":         func() error { return s.ChangePassword(t.Context(), ada.ID, secret, secret+"?", "") },
		"the person was disabled": func() error {
			return errors.Join(s.SetDisabled(t.Context(), ada.ID, true), s.SetDisabled(t.Context(), ada.ID, false))
		},
	} {
		do(t, "prepare", errors.Join(s.SetDisabled(t.Context(), mallory.ID, false), s.SetAdmin(t.Context(), mallory.ID, true),
			s.SetPassword(t.Context(), ada.ID, secret, "")))
		token, err := s.MakeResetLink(byMallory, ada.ID)
		do(t, "MakeResetLink", err)
		do(t, what, act())
		wantErr(t, "ResetPassword after "+what, s.ResetPassword(t.Context(), token, secret+"#"), ErrNoLink)
	}
}

// TestLastAdministratorCanSignIn: an administrator without a way to sign in isn't enough for a board.
func TestLastAdministratorCanSignIn(t *testing.T) {
	s := open(t, Config{})
	boss := add(t, s, "boss", "", "")
	_, err := s.Import(t.Context(), []NewUser{{Username: "ghost", NoPassword: true}})
	do(t, "Import", err)
	ghost, err := s.UserByName(t.Context(), "ghost")
	do(t, "UserByName", err)
	do(t, "SetAdmin", errors.Join(s.SetAdmin(t.Context(), boss.ID, true), s.SetAdmin(t.Context(), ghost.ID, true)))
	wantErr(t, "Delete(boss)", s.Delete(t.Context(), boss.ID), ErrLastAdmin)
	do(t, "SetPassword", s.SetPassword(t.Context(), ghost.ID, secret, ""))
	do(t, "Delete(boss) when the other can sign in", s.Delete(t.Context(), boss.ID))
}
