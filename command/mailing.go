package command

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"rollcall/accounts"
	"rollcall/handlers"
	"rollcall/mail"
	"rollcall/mailer"
)

// smtpURL is the variable with the address of the SMTP server, its user name and its password.
const smtpURL = "ROLLCALL_SMTP_URL"

// mailing holds the settings for emails.
type mailing struct {
	MailFrom string `group:"Email (with ROLLCALL_SMTP_URL):" variable:"ROLLCALL_MAIL_FROM" placeholder:"ADDRESS" help:"Address that emails come from, such as rollcall@example.org or Rollcall <rollcall@example.org>. If not set, it's the user name in ROLLCALL_SMTP_URL, which must then be an address."`

	mail *mail.Config // nil: no emails
}

// check reads the secret, and returns an error if a setting is invalid. It connects to nothing.
func (m *mailing) check(env environment, public *url.URL) error {
	server, err := env.secret(smtpURL)
	switch {
	case err != nil:
		return err
	case server == "" && m.MailFrom != "":
		return fmt.Errorf("--mail-from is set, but %s isn't: set both, or neither", smtpURL)
	case server == "":
		return nil
	case public == nil:
		return fmt.Errorf("%s needs --public-url, because emails have links to the board", smtpURL)
	}
	cfg, err := mail.ParseConfig(string(server), m.MailFrom, public.Hostname())
	if err != nil {
		return fmt.Errorf("%s: %w", smtpURL, err)
	}
	m.mail = &cfg
	return nil
}

// sendsMail reports whether the servers of a command's accounts send emails, as far as the command's variables say.
func (env environment) sendsMail() bool { return env[smtpURL] != "" || env[smtpURL+"_FILE"] != "" }

// newMailer returns what sends emails, or nil if none are sent.
func newMailer(a *app, boardName func() string) (*mailer.Mailer, error) {
	s := &a.settings
	if s.mail == nil {
		return nil, nil
	}
	templates, err := mail.NewTemplates()
	if err != nil {
		return nil, err
	}
	return mailer.New(mailer.Config{
		Accounts: a.store, Sender: mail.NewSender(*s.mail), Templates: templates, BoardName: boardName,
		URL: s.Public.String(), Log: a.log,
		Buttons:   func(ctx context.Context, userID string) []mail.Line { return buttons(ctx, a, userID) },
		Elsewhere: func(key string) string { return a.server.ElsewhereName(key) },
	}), nil
}

// buttons returns the labels on the sign-in page of the ways in which somebody without a password can sign in. The
// Mailer calls it only while the server runs.
func buttons(ctx context.Context, a *app, userID string) (all []mail.Line) {
	labels, err := a.server.SignInLabels(ctx, userID)
	if err != nil {
		a.log.Warn("an email doesn't say how to sign in", "err", err)
	}
	for _, label := range labels {
		all = append(all, mail.Line(label))
	}
	return all
}

// checkDomains returns an error if the domains can't be used.
func checkDomains(s *settings) (err error) {
	if s.SignupDomains, err = accounts.CleanDomains(s.SignupDomains); err != nil {
		return fmt.Errorf("--signup-domains: %w", plain(err))
	}
	return nil
}

// checkSignup returns an error if people could only sign up by email, but this server sends none, or has no domains.
func checkSignup(s *settings, stored accounts.Settings) error {
	in := accounts.Settings{SignUp: s.Signup, Domains: s.SignupDomains}.Or(stored)
	switch {
	case in.SignUp != accounts.SignUpDomains:
		return nil
	case s.mail == nil:
		return fmt.Errorf("sign-up by email address (signup=domains) needs %s: set it, or choose another mode with "+
			"--signup or rollcall board set signup=invite", smtpURL)
	case in.Domains == "":
		return errors.New("sign-up by email address (signup=domains) needs a domain: set --signup-domains, " +
			"or run rollcall board set signup_domains=example.org")
	}
	return nil
}

// checkMail prints where emails go, and sends a test email to an address if one is given.
func checkMail(ctx context.Context, c *doctorCmd, f *findings) {
	if c.mail == nil {
		f.line("email", "not set: no emails are sent")
		if c.MailTo != "" {
			f.problem(fmt.Errorf("--mail-to needs %s", smtpURL))
		}
		return
	}
	f.line("email", "%s, from %s", c.mail, c.mail.From)
	if c.MailTo == "" {
		return
	}
	if err := sendTest(ctx, c); err != nil {
		f.problem(err)
		return
	}
	f.line("email", "the server has taken a test email to %s", c.MailTo)
}

// sendTest sends a test email.
func sendTest(ctx context.Context, c *doctorCmd) error {
	to, err := mail.ParseAddress(c.MailTo)
	if err != nil {
		return fmt.Errorf("--mail-to %q: %s", c.MailTo,
			handlers.FieldMessage(&accounts.FieldError{Field: "email", Code: accounts.NotAnEmail}))
	}
	templates, err := mail.NewTemplates()
	if err != nil {
		return err
	}
	name := c.BoardName
	if name == "" {
		name = "Rollcall"
	}
	board := mail.Board{Name: mail.Line(name), URL: c.Public.String()}
	message, err := templates.Message(to, mail.Test{Board: board, Link: board.URL + "/"})
	if err != nil {
		return err
	}
	return mail.NewSender(*c.mail).Send(ctx, message)
}
