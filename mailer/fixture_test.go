package mailer

import (
	"bytes"
	"context"
	"log/slog"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/accounts/filetest"
	"rollcall/mail"
)

const (
	boardURL = "https://board.example.org/rollcall"
	// hash is of "correct horse battery"; making one takes a while.
	hash = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdCBmb3IgdGVzdGluZw$oy2SooeagdRCQlNX6zQRBvvg3FhU5JCNN6V1PmWdv/M"
)

// fixture is a store and a Mailer whose messages arrive in the fixture.
type fixture struct {
	t      *testing.T
	store  *accounts.Store
	mailer *Mailer
	logs   *bytes.Buffer

	mu     sync.Mutex
	now    time.Time      // guarded by mu
	sent   []mail.Message // guarded by mu
	refuse error          // what Send returns
	hold   chan struct{}  // if set, Send tells it that it has begun, and waits until its context ends
	offers []mail.Line    // buttons on the sign-in page
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{t: t, logs: &bytes.Buffer{}, now: time.Now()}
	var err error
	f.store, err = accounts.Open(t.Context(), accounts.Config{
		Path: filetest.New(t), Now: f.clock, Actor: accounts.CommandLine, SendsMail: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.store.Close() })
	templates, err := mail.NewTemplates()
	if err != nil {
		t.Fatal(err)
	}
	f.mailer = New(Config{
		Accounts: f.store, Sender: f, Templates: templates, BoardName: func() string { return "Harbor Works" }, URL: boardURL,
		Log:       slog.New(slog.NewTextHandler(f.logs, nil)),
		Buttons:   func(context.Context, string) []mail.Line { return f.offers },
		Elsewhere: func(key string) string { return "Name of " + key },
	})
	return f
}

func (f *fixture) clock() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now
}

func (f *fixture) later(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.now = f.now.Add(d)
}

// Send is part of Sender.
func (f *fixture) Send(ctx context.Context, m mail.Message) error {
	if f.hold != nil {
		f.hold <- struct{}{}
		<-ctx.Done()
		return &mail.Error{Kind: mail.Temporary, Step: mail.StepContent, Err: ctx.Err()}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.refuse != nil {
		return f.refuse
	}
	f.sent = append(f.sent, m)
	return nil
}

// deliver sends what is due and returns it.
func (f *fixture) deliver() []mail.Message {
	f.t.Helper()
	f.mailer.sendDue(f.t.Context())
	f.mu.Lock()
	defer f.mu.Unlock()
	sent := slices.Clone(f.sent)
	f.sent = nil
	return sent
}

// one sends what is due, which must be one message to an address.
func (f *fixture) one(what, to string) mail.Message {
	f.t.Helper()
	sent := f.deliver()
	if len(sent) != 1 || string(sent[0].To) != to {
		f.t.Fatalf("%s: sent %+v, want one message to %s\n%s", what, sent, to, f.logs)
	}
	return sent[0]
}

// person adds an account with an address ("": none).
func (f *fixture) person(name, email string, changes ...func(*accounts.NewUser)) string {
	f.t.Helper()
	n := accounts.NewUser{Username: name, PasswordHash: hash, Email: email}
	for _, change := range changes {
		change(&n)
	}
	all, err := f.store.Import(f.t.Context(), []accounts.NewUser{n})
	if err != nil {
		f.t.Fatalf("Import(%q) = %v", name, err)
	}
	return all[0].ID
}

// waiting returns the number of emails in the queue.
func (f *fixture) waiting() int {
	f.t.Helper()
	n, err := f.store.CountMails(f.t.Context())
	f.do("CountMails", err)
	return n
}

func (f *fixture) do(what string, err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatalf("%s = %v", what, err)
	}
}

var linkPattern = regexp.MustCompile(regexp.QuoteMeta(boardURL) + `/(\w+)/([\w-]{43})`)

// link returns the token of the message's link to path.
func (f *fixture) link(m mail.Message, path string) string {
	f.t.Helper()
	found := linkPattern.FindStringSubmatch(m.Text)
	if found == nil || found[1] != path {
		f.t.Fatalf("the message has no link to %s:\n%s", path, m.Text)
	}
	return found[2]
}
