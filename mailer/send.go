package mailer

import (
	"context"
	"errors"
	"time"

	"rollcall/accounts"
	"rollcall/mail"
)

// pauses are the times between the tries of one email. After the last one, it's given up.
var pauses = [...]time.Duration{time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 6 * time.Hour}

// send tries an email once. It reports whether the next one may succeed: false means that the SMTP server can't be
// used, or that ctx has ended.
func (m *Mailer) send(ctx context.Context, x accounts.Mail) (next bool) {
	message, err := m.message(ctx, x)
	var later *postponed
	switch {
	case errors.Is(err, errNobody):
		m.drop(ctx, x)
		return true
	case errors.As(err, &later):
		m.putBack(ctx, x, later.until, false)
		return true
	case ctx.Err() != nil:
		m.putBack(ctx, x, 0, false)
		return false
	case err != nil: // the database, or a bug
		m.log.Error("an email can't be written", "kind", x.Kind, "try", x.Tries, "err", err)
		m.failed(ctx, x)
		return true
	}
	err = m.cfg.Sender.Send(ctx, message)
	switch {
	case err == nil:
		m.sent.Add(1)
		m.drop(ctx, x)
		m.log.Info("email sent", "kind", x.Kind, "try", x.Tries)
		return true
	case ctx.Err() != nil:
		m.putBack(ctx, x, 0, false)
		return false
	}
	return m.refused(ctx, x, err)
}

// refused handles an error of the Sender. The text of the server can hold the recipient's address, so only the text
// from before the recipient was named is logged.
func (m *Mailer) refused(ctx context.Context, x accounts.Mail, err error) (next bool) {
	var known *mail.Error
	if !errors.As(err, &known) {
		known = &mail.Error{Kind: mail.Temporary, Step: mail.StepConnect, Err: err}
	}
	attrs := []any{"kind", x.Kind, "try", x.Tries, "step", known.Step, "code", known.Code}
	switch known.Step {
	case mail.StepConnect, mail.StepGreeting, mail.StepTLS, mail.StepSignIn, mail.StepSender:
		m.log.Error("the SMTP server can't be used", append(attrs, "err", err)...)
		m.failed(ctx, x)
		return false
	}
	if known.Kind == mail.Permanent {
		m.dropped.Add(1)
		m.log.Warn("an email was refused for good", attrs...)
		m.drop(ctx, x)
		return true
	}
	m.log.Warn("an email wasn't sent", attrs...)
	m.failed(ctx, x)
	return true
}

// failed makes an email due again, or gives it up.
func (m *Mailer) failed(ctx context.Context, x accounts.Mail) {
	if x.Tries > len(pauses) {
		m.dropped.Add(1)
		m.log.Error("an email was given up", "kind", x.Kind, "try", x.Tries)
		m.drop(ctx, x)
		return
	}
	m.retried.Add(1)
	m.putBack(ctx, x, pauses[x.Tries-1], true)
}

func (m *Mailer) drop(ctx context.Context, x accounts.Mail) {
	m.settle(ctx, func(ctx context.Context) error { return m.cfg.Accounts.DropMail(ctx, x.ID) })
}

func (m *Mailer) putBack(ctx context.Context, x accounts.Mail, after time.Duration, tried bool) {
	m.settle(ctx, func(ctx context.Context) error { return m.cfg.Accounts.RetryMail(ctx, x, after, tried) })
}

// settle stores what became of an email, also if ctx has ended. If that fails, another replica sends the email later,
// perhaps for the second time.
func (m *Mailer) settle(ctx context.Context, store func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), letGo)
	defer cancel()
	if err := store(ctx); err != nil {
		m.log.Warn("what became of an email couldn't be stored", "err", err)
	}
}
