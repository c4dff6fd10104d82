package accounts

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestCleanEmail(t *testing.T) {
	for typed, want := range map[string]string{
		"": "", "  ": "", " Ada.L+x@Example.ORG ": "Ada.L+x@Example.ORG", "a@localhost": "a@localhost",
		strings.Repeat("a", 64) + "@example.org": strings.Repeat("a", 64) + "@example.org",
	} {
		if got, key, err := CleanEmail(typed); got != want || key != strings.ToLower(want) || err != nil {
			t.Errorf("CleanEmail(%q) = %q, %q, %v, want %q and its lower case", typed, got, key, err, want)
		}
	}
	for _, typed := range []string{"ada", "a@b", "a@b@example.org", `"a b"@example.org`, "Ada <ada@example.org>", "a@192.0.2.1",
		"a@[192.0.2.1]", "a@example..org", "a@-example.org", "a@example.org.", "ä@example.org", "a@exämple.org",
		"a b@example.org", "a@example.org\r\nBcc: b@example.org", strings.Repeat("a", 65) + "@example.org",
		"a@" + strings.Repeat("a.", 130) + "org", "a@exa_mple.org"} {
		_, _, err := CleanEmail(typed)
		wantField(t, "CleanEmail("+typed+")", err, "email")
	}
}

// An address belongs to one person, whatever its spelling.
func TestEmailIsUnique(t *testing.T) { onEach(t, testEmailIsUnique) }

func testEmailIsUnique(t *testing.T, db database) {
	s, _ := mailing(t, db)
	ctx := t.Context()
	ada, bob := add(t, s, "ada", "", ""), add(t, s, "bob", "", "")
	do(t, "SetEmail", s.SetEmail(ctx, ada.ID, "Ada@example.org"))
	do(t, "SetEmail", s.SetEmail(ctx, ada.ID, "ada@example.org"))
	wantField(t, "SetEmail", s.SetEmail(ctx, bob.ID, "ADA@example.org"), "email")
	_, err := s.Import(ctx, []NewUser{{Username: "cleo", Password: secret, Email: "aDa@example.org"}})
	wantField(t, "Import", err, "email")
	_, err = s.Import(ctx, []NewUser{{Username: "cleo", Password: secret, Email: "c@example.org"},
		{Username: "dan", Password: secret, Email: "C@example.org"}})
	wantField(t, "Import of one address for two", err, "email")
	token, err := s.NewVerifyLink(ctx, bob.ID, "ada@example.org")
	do(t, "NewVerifyLink", err)
	wantField(t, "ConfirmEmail", s.ConfirmEmail(ctx, bob.ID, token), "email")
	for _, typed := range []string{"ADA", "ADA@EXAMPLE.ORG"} {
		r, err := s.RecipientBy(ctx, typed)
		if err != nil || r.ID != ada.ID || r.Email != "ada@example.org" || !r.Resets {
			t.Errorf("RecipientBy(%q) = %+v, %v, want ada", typed, r, err)
		}
	}
	for _, typed := range []string{"", "@", "zoe", "zoe@example.org", "bob@example.org"} {
		_, err := s.RecipientBy(ctx, typed)
		wantErr(t, "RecipientBy("+typed+")", err, ErrNotFound)
	}
	all, err := s.Emails(ctx)
	if err != nil || len(all) != 1 || all[ada.ID] != "ada@example.org" {
		t.Errorf("Emails = %v, %v, want ada's", all, err)
	}
}

// A changed address can be restored by its old owner, whoever changes it in between.
func TestUndoEmail(t *testing.T) { onEach(t, testUndoEmail) }

func testUndoEmail(t *testing.T, db database) {
	s, c := mailing(t, db)
	ctx := t.Context()
	ada := add(t, s, "ada", "", "")
	withAddress(t, s, ada, "ada@example.org")
	change := func(to string) Mail {
		t.Helper()
		c.add(time.Second)
		token, err := s.NewVerifyLink(ctx, ada.ID, to)
		do(t, "NewVerifyLink", err)
		do(t, "ConfirmEmail", s.ConfirmEmail(ctx, ada.ID, token))
		wantErr(t, "ConfirmEmail again", s.ConfirmEmail(ctx, ada.ID, token), ErrNoLink)
		return take(t, s)
	}
	reset, err := s.MailedResetLink(ctx, ada.ID)
	do(t, "MailedResetLink", err)
	stolen := change("eve@example.org")
	if stolen.Kind != MailEmailChanged || stolen.Details.To != "ada@example.org" {
		t.Fatalf("the queue has %+v, want a notice to the old address", stolen)
	}
	_, err = s.ResetLinkUser(ctx, reset)
	wantErr(t, "the link for a new password, after a change of the address", err, ErrNoLink)
	moved := change("mallory@example.org")
	hers, err := s.NewUndoLink(ctx, stolen)
	do(t, "NewUndoLink", err)
	theirs, err := s.NewUndoLink(ctx, moved)
	do(t, "NewUndoLink", err)
	signIn(t, s, ada.ID)

	do(t, "UndoEmail", s.UndoEmail(ctx, theirs)) // by whoever stole the account
	if email, _ := s.Email(ctx, ada.ID); email != "eve@example.org" {
		t.Errorf("Email = %q, want eve's", email)
	}
	signIn(t, s, ada.ID)
	last := change("mallory@example.org")
	later, err := s.NewUndoLink(ctx, last)
	do(t, "NewUndoLink", err)
	do(t, "UndoEmail", s.UndoEmail(ctx, hers))
	_, err = s.UndoLink(ctx, later)
	wantErr(t, "UndoLink of a later change", err, ErrNoLink)
	if email, _ := s.Email(ctx, ada.ID); email != "ada@example.org" {
		t.Errorf("Email = %q, want the first one", email)
	}
	if sessions, _ := s.Sessions(ctx, ada.ID); len(sessions) != 0 {
		t.Errorf("%d sessions are left, want none", len(sessions))
	}
	wantErr(t, "UndoEmail by the later owner", s.UndoEmail(ctx, theirs), ErrNoLink)
	if n, _ := s.CountMails(ctx); n != 1 {
		t.Errorf("%d emails are left, want only the one whose link was used: not %s", n, last.ID)
	}
	c.add(UndoLinkAge)
	late, err := s.NewUndoLink(ctx, stolen)
	do(t, "NewUndoLink", err)
	wantErr(t, "UndoEmail a day after the change", s.UndoEmail(ctx, late), ErrNoLink)
}

// A link that confirms an address works for its own account only, once, and ends when a newer one is made.
func TestVerifyLink(t *testing.T) {
	s, c := mailing(t, onSQLite)
	ctx := t.Context()
	ada, eve := add(t, s, "ada", "", ""), add(t, s, "eve", "", "")
	older, err := s.NewVerifyLink(ctx, ada.ID, "ada@example.org")
	do(t, "NewVerifyLink", err)
	token, err := s.NewVerifyLink(ctx, ada.ID, "ada@example.com")
	do(t, "NewVerifyLink", err)
	_, err = s.VerifyLink(ctx, older)
	wantErr(t, "VerifyLink of an older link", err, ErrNoLink)
	l, err := s.VerifyLink(ctx, token)
	if err != nil || l.UserID != ada.ID || l.Email != "ada@example.com" {
		t.Errorf("VerifyLink = %+v, %v, want ada's", l, err)
	}
	wantErr(t, "ConfirmEmail by eve", s.ConfirmEmail(ctx, eve.ID, token), ErrNoLink)
	_, err = s.UndoLink(ctx, token)
	wantErr(t, "UndoLink of another kind", err, ErrNoLink)
	do(t, "ConfirmEmail", s.ConfirmEmail(ctx, ada.ID, token))
	token, err = s.NewVerifyLink(ctx, ada.ID, "ada@example.net")
	do(t, "NewVerifyLink", err)
	c.add(VerifyLinkAge)
	wantErr(t, "ConfirmEmail by an expired link", s.ConfirmEmail(ctx, ada.ID, token), ErrNoLink)
}

// A link that strangers can cause ends older ones of its kind, but not an administrator's.
func TestMailedResetLink(t *testing.T) {
	s, c := mailing(t, onSQLite)
	ctx := t.Context()
	ada := add(t, s, "ada", "", "")
	byAdmin, err := s.MakeResetLink(ctx, ada.ID)
	do(t, "MakeResetLink", err)
	var mailed [2]string
	for i := range mailed {
		mailed[i], err = s.MailedResetLink(ctx, ada.ID)
		do(t, "MailedResetLink", err)
	}
	for _, tt := range []struct {
		what, token string
		want        error
	}{{"the administrator's", byAdmin, nil}, {"the older", mailed[0], ErrNoLink}, {"the newer", mailed[1], nil}} {
		if _, err := s.ResetLinkUser(ctx, tt.token); err != tt.want {
			t.Errorf("%s link: %v, want %v", tt.what, err, tt.want)
		}
	}
	c.add(MailedResetAge)
	_, err = s.ResetLinkUser(ctx, mailed[1])
	wantErr(t, "after an hour", err, ErrNoLink)
	do(t, "SetDisabled", s.SetDisabled(ctx, ada.ID, true))
	_, err = s.MailedResetLink(ctx, ada.ID)
	wantErr(t, "of a disabled account", err, ErrNotFound)
}

// Whoever owns an address at one of the board's domains can make one account with it.
func TestSignUpByAddress(t *testing.T) {
	s, _ := mailing(t, onSQLite)
	ctx := t.Context()
	do(t, "ChangeSettings", s.ChangeSettings(ctx, func(x *Settings) error { x.Domains = " Example.org, @example.com,example.org"; return nil }))
	in, err := s.Settings(ctx)
	if err != nil || in.Domains != "example.com example.org" {
		t.Fatalf("Settings = %+v, %v, want both domains", in, err)
	}
	for email, want := range map[string]bool{"a@example.org": true, "A@EXAMPLE.COM": true, "a@sub.example.org": false,
		"a@notexample.org": false, "a@example.org.evil.com": false, "": false} {
		if got := in.Admits(email); got != want {
			t.Errorf("Admits(%q) = %t, want %t", email, got, want)
		}
	}
	for _, domains := range []string{"example", "exa mple.org x", "192.0.2.1", "*.example.org"} {
		err := s.ChangeSettings(ctx, func(x *Settings) error { x.Domains = domains; return nil })
		wantField(t, "Domains "+domains, err, "signup_domains")
	}
	token, err := s.NewSignUpLink(ctx, "Zoe@example.org")
	do(t, "NewSignUpLink", err)
	again, err := s.NewSignUpLink(ctx, "zoe@example.org")
	do(t, "NewSignUpLink", err)
	_, _, err = s.SignUp(ctx, NewUser{Username: "zoe", Password: "short"}, Joining{Address: token})
	wantField(t, "SignUp with a short password", err, "password")
	if email, err := s.SignUpLink(ctx, token); email != "Zoe@example.org" || err != nil {
		t.Errorf("SignUpLink = %q, %v, want the address: the link isn't used up", email, err)
	}
	zoe, waits, err := s.SignUp(ctx, NewUser{Username: "zoe", Password: secret}, Joining{Address: token})
	if email, _ := s.Email(ctx, zoe.ID); err != nil || waits || email != "Zoe@example.org" {
		t.Errorf("SignUp = %+v, %t, %v with the address %q, want zoe with hers", zoe, waits, err, email)
	}
	_, _, err = s.SignUp(ctx, NewUser{Username: "zoe2", Password: secret}, Joining{Address: token})
	wantErr(t, "SignUp again", err, ErrNoLink)
	_, _, err = s.SignUp(ctx, NewUser{Username: "zoe2", Password: secret}, Joining{Address: again})
	wantField(t, "SignUp with a taken address", err, "email")
}

// An invitation that's mailed gets its token when it's sent, and still counts as the same one.
func TestMailedInvitation(t *testing.T) {
	s, _ := mailing(t, onSQLite)
	ctx := t.Context()
	shown, i, err := s.Invite(As(ctx, CommandLine), NewInvitation{Team: "Ops", Uses: 1, Age: time.Hour, Email: "zoe@example.org"})
	do(t, "Invite", err)
	m := take(t, s)
	if m.Kind != MailInvitation || m.Details.To != "zoe@example.org" || m.Details.Link != i.ID {
		t.Fatalf("TakeMail = %+v, want the invitation", m)
	}
	first, _, err := s.RenewInvitation(ctx, m)
	do(t, "RenewInvitation", err)
	do(t, "RetryMail", s.RetryMail(ctx, m, 0, true))
	sent, by, err := s.RenewInvitation(ctx, take(t, s))
	if err != nil || by.MadeBy != CommandLine || !by.ExpiresAt.Equal(i.ExpiresAt) {
		t.Errorf("RenewInvitation = %+v, %v, want the same invitation", by, err)
	}
	for _, old := range []string{shown, first} {
		_, err := s.Invitation(ctx, old)
		wantErr(t, "Invitation with an older token", err, ErrNoLink)
	}
	zoe, _, err := s.SignUp(ctx, NewUser{Username: "zoe", Password: secret}, Joining{Invitation: sent})
	if err != nil || zoe.Team != "Ops" {
		t.Errorf("SignUp = %+v, %v, want zoe in Ops", zoe, err)
	}
	_, _, err = s.RenewInvitation(ctx, m)
	wantErr(t, "RenewInvitation of a used one", err, ErrNoLink)
}

// Both databases tell a taken address from a taken username, even if they're taken in the last moment.
func TestDuplicateEmail(t *testing.T) { onEach(t, testDuplicateEmail) }

func testDuplicateEmail(t *testing.T, db database) {
	s, _ := mailing(t, db)
	ada := add(t, s, "ada", "", "")
	do(t, "SetEmail", s.SetEmail(t.Context(), ada.ID, "ada@example.org"))
	for field, row := range map[string]newRow{
		"email":    {username: "bob", hash: "x", email: "ADA@example.org", emailKey: "ada@example.org"},
		"username": {username: "ada", hash: "x"},
	} {
		err := s.write(t.Context(), func(ctx context.Context, tx *transaction) error {
			_, err := insertUsers(ctx, tx, []newRow{row})
			return err
		})
		wantField(t, "insertUsers", err, field)
	}
}
