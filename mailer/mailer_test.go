package mailer

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/mail"
)

// Only people who exist, have an address, and could use a link get one, by username or by address.
func TestForgot(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	f.person("ada", "Ada@example.org")
	f.person("bob", "")
	f.do("SetDisabled", f.store.SetDisabled(ctx, f.person("cleo", "cleo@example.org"), true))
	ask := func(typed string) { t.Helper(); f.do("AskReset", f.store.AskReset(ctx, typed)) }
	for _, typed := range []string{"bob", "cleo", "cleo@example.org", "zoe", "zoe@example.org", "", "@", "\x00"} {
		ask(typed)
	}
	if sent := f.deliver(); len(sent) != 0 || f.waiting() != 0 {
		t.Errorf("sent %+v, and %d wait, want nothing", sent, f.waiting())
	}
	for _, typed := range []string{"ADA", "ada@EXAMPLE.org"} {
		ask(typed)
		m := f.one(typed, "Ada@example.org")
		if !strings.Contains(m.Subject, "Reset your password on Harbor Works") || !strings.Contains(m.HTML, "ada") {
			t.Errorf("the message is %q\n%s", m.Subject, m.HTML)
		}
		token := f.link(m, "reset")
		u, err := f.store.ResetLinkUser(ctx, token)
		if err != nil || u.Username != "ada" {
			t.Errorf("ResetLinkUser = %+v, %v, want ada", u, err)
		}
		f.later(accounts.MailedResetAge)
		if _, err := f.store.ResetLinkUser(ctx, token); !errors.Is(err, accounts.ErrNoLink) {
			t.Errorf("ResetLinkUser after an hour = %v, want no link", err)
		}
	}
	for range accounts.MailsPerHour + 2 {
		ask("ada")
	}
	if sent := f.deliver(); len(sent) != accounts.MailsPerHour {
		t.Errorf("%d messages in an hour, want %d", len(sent), accounts.MailsPerHour)
	}
}

// People who sign in elsewhere learn how. People who never chose a password get a link.
func TestForgotWithoutPassword(t *testing.T) {
	f := newFixture(t)
	f.person("ada", "ada@example.org", func(n *accounts.NewUser) { n.PasswordHash, n.NoPassword = "", true })
	f.do("AskReset", f.store.AskReset(t.Context(), "ada"))
	f.link(f.one("no password yet", "ada@example.org"), "reset")
}

// An email that may be sent later is tried again, until there are no tries left. One that the server refuses isn't.
func TestRetries(t *testing.T) {
	f := newFixture(t)
	id := f.person("ada", "ada@example.org")
	reset := func() { t.Helper(); f.do("MailResetLink", f.store.MailResetLink(t.Context(), id)) }
	reset()
	f.refuse = &mail.Error{Kind: mail.Temporary, Step: mail.StepRecipient, Code: 450, Text: "ada@example.org is busy"}
	for i, pause := range pauses {
		f.deliver()
		f.later(pause - time.Millisecond)
		f.refuse, f.sent = nil, nil
		if sent := f.deliver(); len(sent) != 0 {
			t.Fatalf("try %d: sent before %v", i+2, pause)
		}
		f.refuse = &mail.Error{Kind: mail.Temporary, Step: mail.StepRecipient, Code: 450, Text: "ada@example.org is busy"}
		f.later(time.Millisecond)
	}
	if f.waiting() != 1 {
		t.Fatalf("%d emails wait before the last try, want 1", f.waiting())
	}
	f.deliver()
	if s := f.mailer.Stats(); f.waiting() != 0 || s != (Stats{Retried: uint64(len(pauses)), Dropped: 1}) {
		t.Errorf("%d emails wait, and Stats = %+v, want none after the last try", f.waiting(), s)
	}

	reset()
	f.refuse = &mail.Error{Kind: mail.Permanent, Step: mail.StepRecipient, Code: 550, Text: "no ada@example.org here"}
	f.deliver()
	if f.waiting() != 0 {
		t.Error("an email that was refused for good still waits")
	}

	reset()
	reset()
	f.refuse = &mail.Error{Kind: mail.Permanent, Step: mail.StepSignIn, Code: 535, Text: "wrong password"}
	f.deliver()
	if n := strings.Count(f.logs.String(), "code=535"); n != 1 || f.waiting() != 2 {
		t.Errorf("%d attempts, and %d emails wait, want one attempt: the server refuses us, not the emails", n, f.waiting())
	}
	f.refuse = nil
	f.later(time.Minute)
	if sent := f.deliver(); len(sent) != 2 {
		t.Errorf("%d messages once the server accepts us, want 2", len(sent))
	}
	if log := f.logs.String(); strings.Contains(log, "ada") || linkPattern.MatchString(log) || !strings.Contains(log, "535 wrong password") {
		t.Errorf("the log has an address, or not the reason:\n%s", log)
	}
}

// A Mailer that stops while it sends puts the email back, and the try doesn't count.
func TestStop(t *testing.T) {
	f := newFixture(t)
	f.hold = make(chan struct{})
	f.do("MailResetLink", f.store.MailResetLink(t.Context(), f.person("ada", "ada@example.org")))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		f.mailer.Run(ctx)
	}()
	<-f.hold
	stop()
	<-done
	m, ok, err := f.store.TakeMail(t.Context())
	if err != nil || !ok || m.Tries != 1 {
		t.Errorf("TakeMail = %+v, %t, %v, want the email at its first try", m, ok, err)
	}
}

// Each kind of email about a user has its content, and goes to where it belongs.
func TestMessages(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	boss := f.person("boss", "boss@example.org", func(n *accounts.NewUser) { n.Admin, n.DisplayName = true, "Bo Ss" })
	ada := f.person("ada", "ada@example.org")

	f.do("SetPassword", f.store.SetPassword(ctx, ada, "another phrase", ""))
	if m := f.one("a changed password", "ada@example.org"); !strings.Contains(m.Text, boardURL+"/forgot") {
		t.Errorf("no link to the form for a new password:\n%s", m.Text)
	}
	f.do("AskEmail", f.store.AskEmail(ctx, ada, "ada@example.com"))
	token := f.link(f.one("a new address", "ada@example.com"), "verify")
	f.do("ConfirmEmail", f.store.ConfirmEmail(ctx, ada, token))
	token = f.link(f.one("a changed address", "ada@example.org"), "undo")
	f.do("SetDisabled", f.store.SetDisabled(ctx, ada, true))
	f.do("SetDisabled", f.store.SetDisabled(ctx, ada, false))
	f.do("UndoEmail", f.store.UndoEmail(ctx, token))

	f.do("SetEmail", f.store.SetEmail(ctx, ada, "ada@example.net"))
	sent := f.deliver()
	if len(sent) != 2 || sent[0].To != "ada@example.org" || sent[1].To != "ada@example.net" ||
		!strings.Contains(sent[0].Text, "don't come here") || !strings.Contains(sent[1].Text, "this the email address") ||
		linkPattern.MatchString(sent[0].Text) {
		t.Errorf("an administrator changed the address: sent %+v, want one to each, without a link that undoes it", sent)
	}
	f.do("SetEmail", f.store.SetEmail(ctx, ada, "ada@example.org"))
	f.deliver()
	f.do("Link", f.store.Link(ctx, ada, accounts.Identity{Issuer: "https://i.example", Subject: "1", Provider: "corp"}))
	if m := f.one("a linked account", "ada@example.org"); !strings.Contains(m.Text, "sign-in with Name of corp was added") {
		t.Errorf("the message doesn't name the provider:\n%s", m.Text)
	}
	f.do("MailResetLink", f.store.MailResetLink(ctx, ada))
	token = f.link(f.one("an administrator's link", "ada@example.org"), "reset")
	f.later(accounts.ResetLinkAge - time.Minute)
	if u, err := f.store.ResetLinkUser(ctx, token); err != nil || u.ID != ada {
		t.Errorf("ResetLinkUser = %+v, %v, want ada", u, err)
	}
	for range 2 {
		_, _, err := f.store.StartSession(ctx, accounts.SignIn{UserID: ada, NewBrowser: true, Browser: "Firefox on Linux",
			Address: "192.0.2.7"})
		f.do("StartSession", err)
	}
	if m := f.one("a new device", "ada@example.org"); !strings.Contains(m.Text, "Firefox on Linux") ||
		!strings.Contains(m.Text, "192.0.2.7") || !strings.Contains(m.Text, boardURL+"/settings") {
		t.Errorf("the message about a new device:\n%s", m.Text)
	}
	_, _, err := f.store.Invite(accounts.As(ctx, accounts.ByUser(boss)), accounts.NewInvitation{Uses: 1, Age: time.Hour,
		Email: "zoe@example.net"})
	f.do("Invite", err)
	m := f.one("an invitation", "zoe@example.net")
	if i, err := f.store.Invitation(ctx, f.link(m, "join")); err != nil || !strings.Contains(m.Text, "Bo Ss invites you") {
		t.Errorf("Invitation = %+v, %v, in\n%s", i, err, m.Text)
	}
}

// Administrators learn how many wait, but not more often than a few times an hour.
func TestWaiting(t *testing.T) {
	f := newFixture(t)
	f.person("boss", "boss@example.org", func(n *accounts.NewUser) { n.Admin = true })
	join := func(name string) {
		t.Helper()
		_, _, err := f.store.SignUp(t.Context(), accounts.NewUser{Username: name, PasswordHash: hash}, accounts.Joining{Approval: true})
		f.do("SignUp", err)
	}
	for i, name := range []string{"ann", "ben", "cat"} {
		join(name)
		if m := f.one(name, "boss@example.org"); !strings.HasSuffix(m.Subject, ": "+string(rune('1'+i))) {
			t.Errorf("the subject is %q, want it to end with %d", m.Subject, i+1)
		}
	}
	join("dan")
	join("eli")
	if sent := f.deliver(); len(sent) != 0 || f.waiting() != 1 {
		t.Errorf("sent %+v, and %d wait, want one that waits", sent, f.waiting())
	}
	f.later(time.Hour)
	if m := f.one("an hour later", "boss@example.org"); !strings.HasSuffix(m.Subject, ": 5") {
		t.Errorf("the subject is %q, want all five", m.Subject)
	}
}

// Who wants an account gets a link, or learns that there is one already. Nobody can tell which without the mailbox.
func TestSignUp(t *testing.T) {
	f := newFixture(t)
	ctx := t.Context()
	f.person("ada", "ada@example.org")
	f.do("SetDisabled", f.store.SetDisabled(ctx, f.person("cleo", "cleo@example.org"), true))
	ask := func(email string) { t.Helper(); f.do("AskSignUp", f.store.AskSignUp(ctx, email)) }
	ask("Zoe@example.org")
	token := f.link(f.one("a new address", "Zoe@example.org"), "signup")
	if email, err := f.store.SignUpLink(ctx, token); email != "Zoe@example.org" || err != nil {
		t.Errorf("SignUpLink = %q, %v, want zoe's", email, err)
	}
	ask("ADA@example.org")
	if m := f.one("a known address", "ADA@example.org"); !strings.Contains(m.Text, "ada") || linkPattern.MatchString(m.Text) {
		t.Errorf("the message to somebody with an account:\n%s", m.Text)
	}
	ask("cleo@example.org")
	for range accounts.MailsPerHour {
		ask("zoe@example.org")
	}
	if sent := f.deliver(); len(sent) != accounts.MailsPerHour-1 {
		t.Errorf("%d messages, want %d: none to a disabled person, and three an hour", len(sent), accounts.MailsPerHour-1)
	}
}
