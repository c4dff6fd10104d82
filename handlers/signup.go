package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// signupPage shows the form for a new account.
func (s *Server) signupPage(c echo.Context) error {
	if err := s.wantSignup(c.Request()); err != nil {
		return err
	}
	next := s.site.next(c.QueryParam("next"))
	if signedIn(c) != nil {
		return s.redirect(c, next)
	}
	if s.inForce().SignUp == accounts.SignUpDomains {
		return s.page(c, http.StatusOK, s.signupMailPage(c, next))
	}
	p := s.signupForm(c)
	p.Next = s.nextField(next)
	return s.page(c, http.StatusOK, p)
}

// signUpMode returns who may sign up. Sign-up is open by default only to those who use this machine.
func (s *Server) signUpMode(r *http.Request) string {
	in := s.inForce()
	if in.openByDefault && s.throughProxy(r) {
		return accounts.SignUpInvite
	}
	return in.SignUp
}

// wantSignup returns the failure for a board on which not everybody may sign up.
func (s *Server) wantSignup(r *http.Request) error {
	switch s.signUpMode(r) {
	case accounts.SignUpOpen, accounts.SignUpApprove:
		return nil
	case accounts.SignUpDomains:
		return s.wantMail()
	case accounts.SignUpInvite:
		return &failure{Status: http.StatusForbidden, Heading: "You need an invitation",
			Message: "Ask an administrator of this board for an invitation link."}
	}
	return &failure{Status: http.StatusForbidden, Heading: "Sign-up is closed",
		Message: "Ask the person who runs this board for an account."}
}

func (s *Server) signupForm(c echo.Context) ui.SignupPage {
	return ui.SignupPage{
		Layout: s.layout(c, ""), TeamsOnly: s.inForce().Visibility == accounts.VisibleTeams,
		Action: s.site.path("/signup"), Approval: s.inForce().SignUp == accounts.SignUpApprove,
	}
}

// signup creates an account. It signs the person in, unless an administrator has to approve the account.
func (s *Server) signup(c echo.Context) error {
	if err := s.wantSignup(c.Request()); err != nil {
		return err
	}
	if s.inForce().SignUp == accounts.SignUpDomains {
		return s.askSignup(c)
	}
	fields, err := readForm(c.Request())
	if err != nil {
		return err
	}
	return s.makeAccount(c, fields, s.signupForm(c), accounts.Joining{
		Approval: s.inForce().SignUp == accounts.SignUpApprove, Note: fields.Get("note"),
		FirstRules: !s.cfg.AsksSetupCode() && !s.throughProxy(c.Request()),
	})
}

// makeAccount creates an account from the fields of p's form.
func (s *Server) makeAccount(c echo.Context, fields url.Values, p ui.SignupPage, j accounts.Joining) error {
	next := s.site.next(fields.Get("next"))
	n := accounts.NewUser{
		Username: strings.TrimSpace(fields.Get("username")), DisplayName: strings.TrimSpace(fields.Get("display_name")),
		Password: fields.Get("password"),
	}
	waits := false
	user, err := s.limitedSignup(c, func(ctx context.Context) (u accounts.User, err error) {
		u, waits, err = s.cfg.Accounts.SignUp(ctx, n, j)
		return u, err
	})
	switch {
	case err == nil && waits:
		return s.page(c, http.StatusAccepted, ui.WaitingPage{Layout: s.layout(c, ""), Name: user.DisplayName})
	case err == nil:
		return s.signIn(c, accounts.Authenticated{User: user}, next)
	case errors.Is(err, accounts.ErrNoLink) && j.Address != "":
		return noSignupLink(err)
	case errors.Is(err, accounts.ErrNoLink):
		return noInvitation(err)
	}
	f := accountFailure(err, "sign up from this network")
	if errors.Is(err, accounts.ErrFull) {
		f = tooManyWait(err)
	}
	if f == nil {
		return notSaved(fmt.Errorf("sign up: %w", err))
	}
	p.Next, p.Errors, p.Message = s.nextField(next), f.formErrors(), f.formMessage()
	if message := p.Errors["email"]; message != "" { // taken since the link was sent; the form has no such field
		p.Message = message
	}
	p.Username, p.DisplayName, p.Note = echoed(n.Username), echoed(n.DisplayName), echoed(j.Note)
	p.Password = echoedPassword(n.Password)
	return s.form(c, f, p)
}

func tooManyWait(err error) *failure {
	return &failure{Status: http.StatusServiceUnavailable, Heading: "Too many people are waiting", Err: err, quiet: true,
		Message: "An administrator has to look at the waiting accounts first. Try again tomorrow."}
}

// limitedSignup runs create within the limit of the address, which is reserved before the password is hashed. Only new
// accounts count, so that typos don't use up the limit of a school or office that shares an address.
func (s *Server) limitedSignup(c echo.Context,
	create func(context.Context) (accounts.User, error)) (accounts.User, error) {
	ctx := c.Request().Context()
	var held reservation
	networks := s.addresses.networks(c.Request())
	if err := held.takeNetworks(ctx, s.limiters.Strangers, "signup:address:", networks, s.cfg.Limits.Signups,
		signupWindow); err != nil {
		held.giveBack(ctx)
		return accounts.User{}, err
	}
	user, err := create(ctx)
	if err != nil && !errors.Is(err, context.Canceled) {
		held.giveBack(ctx)
	}
	return user, err
}

// echoedPassword returns a typed password that can be put back into its field, or "" if a field can't hold it.
func echoedPassword(password string) string {
	if len(password) > accounts.MaxPassword || !utf8.ValidString(password) ||
		strings.ContainsFunc(password, unicode.IsControl) {
		return ""
	}
	return password
}
