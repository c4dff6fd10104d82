// Package mailer sends the emails that wait in the queue of package accounts.
//
// Each replica runs one Mailer. The queue has only intents: a Mailer looks up the person, makes the link right before
// it sends the email, and has package mail write and send it. It doesn't decide what is queued, knows no HTTP, and logs
// neither addresses nor links.
package mailer

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"rollcall/accounts"
	"rollcall/mail"
)

const (
	pollEvery = 10 * time.Second // to find emails that are due again, or that other processes queued
	letGo     = time.Second      // to put an email back when the Mailer stops
)

// Sender sends one message. Its errors are *mail.Error.
type Sender interface {
	Send(context.Context, mail.Message) error
}

// Config is what a Mailer needs. All but Buttons and Elsewhere must be given.
type Config struct {
	Accounts  *accounts.Store
	Sender    Sender
	Templates *mail.Templates
	BoardName func() string // now
	URL       string        // of the board, without a slash at the end
	Log       *slog.Logger

	// Buttons returns the labels on the sign-in page of the ways in which a person without a password can sign in.
	Buttons func(ctx context.Context, userID string) []mail.Line

	// Elsewhere returns the name of the provider with a key, or of the proxy.
	Elsewhere func(key string) string
}

// Mailer sends emails, one at a time. Its methods may be called from any goroutine, but Run only once.
type Mailer struct {
	cfg Config
	log *slog.Logger

	waiting                atomic.Int64
	sent, retried, dropped atomic.Uint64
}

// Stats says what a Mailer has done since it was made.
type Stats struct {
	Waiting int    // emails in the queue of all replicas, as of the last look
	Sent    uint64 // to the SMTP server
	Retried uint64 // failed attempts after which there is another one
	Dropped uint64 // emails given up
}

// New returns a Mailer. Nothing runs yet.
func New(cfg Config) *Mailer {
	if cfg.Buttons == nil {
		cfg.Buttons = func(context.Context, string) []mail.Line { return nil }
	}
	if cfg.Elsewhere == nil {
		cfg.Elsewhere = func(key string) string { return key }
	}
	return &Mailer{cfg: cfg, log: cfg.Log}
}

// Stats returns the numbers of now.
func (m *Mailer) Stats() Stats {
	return Stats{int(m.waiting.Load()), m.sent.Load(), m.retried.Load(), m.dropped.Load()}
}

// Run sends emails until ctx ends. An email that it's sending then goes back to the queue.
func (m *Mailer) Run(ctx context.Context) {
	ctx = accounts.As(ctx, accounts.System)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		m.sendDue(ctx)
		select {
		case <-ctx.Done():
			return
		case <-m.cfg.Accounts.MailQueued():
		case <-tick.C:
		}
	}
}

// sendDue sends emails until none is due. It stops earlier if the SMTP server can't be used at all.
func (m *Mailer) sendDue(ctx context.Context) {
	for ctx.Err() == nil {
		x, ok, err := m.cfg.Accounts.TakeMail(ctx)
		if err != nil && ctx.Err() == nil {
			m.log.Warn("the queue of emails can't be read; the next try is soon", "err", err)
		}
		if err != nil || !ok || !m.send(ctx, x) {
			break
		}
	}
	if n, err := m.cfg.Accounts.CountMails(ctx); err == nil {
		m.waiting.Store(int64(n))
	}
}
