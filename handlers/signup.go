package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// signupPage shows the form for a new account.
func (s *Server) signupPage(c echo.Context) error {
	if !s.cfg.SignupOpen {
		return signupClosed()
	}
	next := s.site.next(c.QueryParam("next"))
	if signedIn(c) != nil {
		return s.redirect(c, next)
	}
	return s.page(c, http.StatusOK, ui.SignupPage{Layout: s.layout(c, ""), Next: s.nextField(next)})
}

// signup makes an account and signs it in.
func (s *Server) signup(c echo.Context) error {
	if !s.cfg.SignupOpen {
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
	f, wrong := signupFailure(err)
	if f == nil {
		return notSaved(fmt.Errorf("sign up: %w", err))
	}
	p := ui.SignupPage{Layout: s.layout(c, ""), Username: echoed(t.username), DisplayName: echoed(t.displayName), Next: s.nextField(t.next), Errors: wrong}
	if wrong == nil {
		p.Message = f.Message
	}
	return s.form(c, f, p)
}

// create makes the account within the limit of the address, which is reserved before the password is hashed. Only
// accounts that were made count: a taken name or a weak password is no reason to make a class wait.
func (s *Server) create(c echo.Context, t typed) (accounts.User, error) {
	ctx := c.Request().Context()
	var held reservation
	networks := s.addresses.networks(c.Request())
	if err := held.takeNetworks(ctx, s.limiters.Strangers, "signup:address:", networks, s.cfg.Limits.Signups, signupWindow); err != nil {
		held.giveBack(ctx)
		return accounts.User{}, err
	}
	user, err := s.cfg.Accounts.Create(ctx, accounts.NewUser{Username: t.username, DisplayName: t.displayName, Password: t.password})
	if err != nil && !errors.Is(err, context.Canceled) {
		held.giveBack(ctx)
	}
	return user, err
}

// signupFailure is what the form says about err, in all and by field; nil when it is not the person's doing.
func signupFailure(err error) (*failure, map[string]string) {
	var over *limited
	var field *accounts.FieldError
	switch {
	case errors.As(err, &over):
		return tooMany("sign up from this network", over), nil
	case errors.As(err, &field):
		return &failure{Status: http.StatusUnprocessableEntity, Message: field.Message}, map[string]string{field.Field: field.Message}
	case errors.Is(err, accounts.ErrTaken):
		const taken = "This username is taken. Choose another one."
		return &failure{Status: http.StatusConflict, Message: taken}, map[string]string{"username": taken}
	case errors.Is(err, accounts.ErrBusy):
		return busy(err), nil
	}
	return nil, nil
}

func signupClosed() error {
	return &failure{Status: http.StatusForbidden, Heading: "Sign-up is closed", Message: "Ask whoever runs this Rollcall for an account."}
}
