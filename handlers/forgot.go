package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// Limits of forms that make Rollcall send an email.
const (
	asksPerAddress = 5 // by people who aren't signed in, per address and hour
	asksPerPerson  = 5 // by one who is, per hour
	asksWindow     = time.Hour
)

// sendsMail reports whether this server sends emails.
func (s *Server) sendsMail() bool { return s.cfg.Mailer != nil }

// wantMail returns the failure for pages that exist only on boards that send emails.
func (s *Server) wantMail() error {
	if s.sendsMail() {
		return nil
	}
	return &failure{Status: http.StatusNotFound, Heading: "This board sends no emails",
		Message: "Ask an administrator of this board for a link to choose a new password."}
}

// forgotPage shows the form for people who forgot their password.
func (s *Server) forgotPage(c echo.Context) error {
	if err := s.wantMail(); err != nil {
		return err
	}
	return s.page(c, http.StatusOK, ui.ForgotPage{Layout: s.layout(c, "")})
}

// forgot stores what was typed, and answers the same to everybody: it doesn't look whether there is such a person. The
// mailer does that later.
func (s *Server) forgot(c echo.Context) error {
	if err := s.wantMail(); err != nil {
		return err
	}
	fields, err := readForm(c.Request())
	if err != nil {
		return err
	}
	typed := text(fields, "who", "")
	refuse := func(f *failure) error {
		return s.form(c, f, ui.ForgotPage{Layout: s.layout(c, ""), Typed: echoed(typed), Message: f.Message})
	}
	if typed == "" {
		return refuse(&failure{Status: http.StatusUnprocessableEntity,
			Message: "Type your username or your email address."})
	}
	return s.askByMail(c, refuse, ui.MailedPage{Layout: s.layout(c, "")}, func(ctx context.Context) error {
		return s.cfg.Accounts.AskReset(ctx, typed)
	})
}

// askByMail queues an email with ask for somebody who isn't signed in, and answers with the page done, or with refuse
// if they asked too often.
func (s *Server) askByMail(c echo.Context, refuse func(*failure) error, done ui.Page,
	ask func(context.Context) error) error {
	ctx := c.Request().Context()
	var held reservation
	err := held.takeNetworks(ctx, s.limiters.Strangers, "mail:address:", s.addresses.networks(c.Request()),
		asksPerAddress, asksWindow)
	if err == nil {
		err = ask(ctx)
	}
	if err == nil {
		return s.page(c, http.StatusOK, done)
	}
	if f := accountFailure(err, "ask for an email"); f != nil {
		return refuse(f)
	}
	return notSaved(fmt.Errorf("ask for an email: %w", err))
}

// mailsFull is the failure when too many emails wait to be sent.
func mailsFull(err error) *failure {
	return &failure{Status: http.StatusServiceUnavailable, Heading: "Too many emails are waiting", Err: err,
		Message: "Rollcall can't send more emails right now. Try again in an hour.", RetryAfter: asksWindow}
}

// afterReset returns the failure for a reset link that isn't valid, and where to get a new one.
func (s *Server) afterReset(err error) *failure {
	f := noResetLink(err)
	if s.sendsMail() {
		f.Message = "It has expired, was used, or was replaced by a newer one. To get a new one, choose " +
			"“Forgot your password?” on the sign-in page, or ask an administrator of this board."
	}
	return f
}

// signupMailPage shows the form for an address, on boards where people with certain addresses can join.
func (s *Server) signupMailPage(c echo.Context, next string) ui.SignupMailPage {
	return ui.SignupMailPage{Layout: s.layout(c, ""), Domains: s.inForce().Domains, Next: s.nextField(next)}
}

// askSignup sends a link for a new account to an address, if it's at one of the domains. Whether somebody has the
// address already makes no difference here.
func (s *Server) askSignup(c echo.Context) error {
	fields, err := readForm(c.Request())
	if err != nil {
		return err
	}
	typed := text(fields, "email", "")
	refuse := func(f *failure) error {
		p := s.signupMailPage(c, s.site.path("/"))
		p.Email, p.Error, p.Message = echoed(typed), f.formErrors()["email"], f.formMessage()
		return s.form(c, f, p)
	}
	email, _, err := accounts.CleanEmail(typed)
	switch {
	case err == nil && email == "":
		err = &accounts.FieldError{Field: "email", Code: accounts.Missing}
	case err == nil && !s.inForce().Admits(email):
		err = &accounts.FieldError{Field: "email", Code: otherDomain, Detail: s.inForce().Domains}
	}
	if err != nil {
		return refuse(accountFailure(err, ""))
	}
	return s.askByMail(c, refuse, ui.MailedPage{Layout: s.layout(c, ""), Signup: true}, func(ctx context.Context) error {
		return s.cfg.Accounts.AskSignUp(ctx, email)
	})
}

// addressForm returns the form for a new account behind a link that was sent to an address.
func (s *Server) addressForm(c echo.Context) (ui.SignupPage, error) {
	email, err := s.cfg.Accounts.SignUpLink(c.Request().Context(), c.Param("token"))
	switch {
	case err == nil && s.inForce().SignUp != accounts.SignUpDomains || errors.Is(err, accounts.ErrNoLink):
		return ui.SignupPage{}, noSignupLink(err)
	case err != nil:
		return ui.SignupPage{}, unavailable(fmt.Errorf("sign-up link: %w", err))
	case !s.inForce().Admits(email): // the domains have changed
		return ui.SignupPage{}, noSignupLink(nil)
	}
	return ui.SignupPage{Layout: s.layout(c, ""), Action: s.site.path("/signup/") + c.Param("token"), Email: email}, nil
}

// addressPage shows that form. It doesn't use the link, because programs that check links for people fetch them, too.
func (s *Server) addressPage(c echo.Context) error {
	p, err := s.addressForm(c)
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, p)
}

// joinByAddress creates an account with such a link.
func (s *Server) joinByAddress(c echo.Context) error {
	p, err := s.addressForm(c)
	if err != nil {
		return err
	}
	fields, err := readForm(c.Request())
	if err != nil {
		return err
	}
	return s.makeAccount(c, fields, p, accounts.Joining{Address: c.Param("token")})
}

func noSignupLink(err error) *failure {
	return &failure{Status: http.StatusNotFound, Heading: "This link isn't valid", Err: cmp.Or(err, accounts.ErrNoLink),
		Message: "It has expired or was used. On the sign-in page, choose “Create an account” to get a new one."}
}
