package handlers

import (
	"path/filepath"
	"testing"

	"rollcall/accounts"
	"rollcall/mailer"
)

// mailFixture is a fixture of a server that sends emails. They stay in the queue: package mailer has tests of its own,
// and package command one with an SMTP server.
func mailFixture(t *testing.T, changes ...func(*Config)) *fixture {
	t.Helper()
	store, err := accounts.Open(t.Context(), accounts.Config{Path: filepath.Join(t.TempDir(), "mail.db"), SendsMail: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return newFixture(t, append(changes, func(cfg *Config) {
		cfg.Accounts, cfg.Mailer = store, mailer.New(mailer.Config{})
	})...)
}

// mailed takes the email that was queued, which must be the only one.
func (f *fixture) mailed(what string, kind accounts.MailKind) accounts.Mail {
	f.t.Helper()
	m, ok, err := f.store.TakeMail(acting(f.t.Context()))
	if err != nil || !ok || m.Kind != kind {
		f.t.Fatalf("%s: TakeMail = %+v, %t, %v, want %s", what, m, ok, err, kind)
	}
	f.unmailed(what + ", more than one")
	if err := f.store.DropMail(acting(f.t.Context()), m.ID); err != nil {
		f.t.Fatal(err)
	}
	return m
}

// unmailed checks that no email was queued.
func (f *fixture) unmailed(what string) {
	f.t.Helper()
	if m, ok, err := f.store.TakeMail(acting(f.t.Context())); ok || err != nil {
		f.t.Fatalf("%s: TakeMail = %+v, %v, want nothing", what, m, err)
	}
}

// address gives somebody an email address.
func (f *fixture) address(name, email string) {
	f.t.Helper()
	if err := f.store.SetEmail(acting(f.t.Context()), f.uid(name), email); err != nil {
		f.t.Fatal(err)
	}
	f.mailed(email, accounts.MailAddressGiven)
}

// email returns somebody's address.
func (f *fixture) email(name string) string {
	f.t.Helper()
	email, err := f.store.Email(f.t.Context(), f.uid(name))
	if err != nil {
		f.t.Fatal(err)
	}
	return email
}
