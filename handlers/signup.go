package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// signupPage shows the form for a new account.
func (s *Server) signupPage(c echo.Context) error {
	if s.inForce().SignUp != accounts.SignUpOpen {
		return signupClosed()
	}
	next := s.site.next(c.QueryParam("next"))
	if signedIn(c) != nil {
		return s.redirect(c, next)
	}
	return s.page(c, http.StatusOK, ui.SignupPage{Layout: s.layout(c, ""), Next: s.nextField(next)})
}

// signup creates an account and signs the person in.
func (s *Server) signup(c echo.Context) error {
	if s.inForce().SignUp != accounts.SignUpOpen {
		return signupClosed()
	}
	t, err := s.readTyped(c)
	if err != nil {
		return err
	}
	user, err := s.create(c, t)
	if err == nil {
		return s.signIn(c, user, t.next)
	}
	f := formFailure(err, "sign up from this network")
	if f == nil {
		return notSaved(fmt.Errorf("sign up: %w", err))
	}
	p := ui.SignupPage{
		Layout: s.layout(c, ""), Next: s.nextField(t.next), Errors: f.formErrors(), Message: f.formMessage(),
		Username: echoed(t.username), DisplayName: echoed(t.displayName), Password: echoedPassword(t.password),
	}
	return s.form(c, f, p)
}

// create creates the account.
func (s *Server) create(c echo.Context, t typed) (accounts.User, error) {
	return s.limitedSignup(c, func(ctx context.Context) (accounts.User, error) {
		return s.cfg.Accounts.Create(ctx,
			accounts.NewUser{Username: t.username, DisplayName: t.displayName, Password: t.password})
	})
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

func signupClosed() error {
	return &failure{Status: http.StatusForbidden, Heading: "Sign-up is closed",
		Message: "Ask the person who runs this Rollcall for an account."}
}
