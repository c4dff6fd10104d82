package handlers

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// resetPage shows the form for a new password to somebody with a link for it. It doesn't use the link.
func (s *Server) resetPage(c echo.Context) error {
	p, err := s.resetForm(c)
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, p)
}

func (s *Server) resetForm(c echo.Context) (ui.ResetPage, error) {
	u, err := s.cfg.Accounts.ResetLinkUser(c.Request().Context(), c.Param("token"))
	switch {
	case errors.Is(err, accounts.ErrNoLink):
		return ui.ResetPage{}, s.afterReset(err)
	case err != nil:
		return ui.ResetPage{}, unavailable(fmt.Errorf("reset link: %w", err))
	}
	p := ui.ResetPage{Layout: s.layout(c, ""), Action: s.site.path("/reset/") + c.Param("token"), Username: u.Username}
	p.Viewer, p.NewDevices = nil, nil // the page is about the person of the link
	if v := signedIn(c); v != nil && v.user.ID != u.ID {
		p.Other, p.OtherUsername = v.user.DisplayName, v.user.Username
	}
	return p, nil
}

// reset sets the password. The person then signs in with it: the link alone opens no session. If somebody else is
// signed in with this browser, that ends, so that nobody mistakes their account for the one of the link.
func (s *Server) reset(c echo.Context) error {
	p, err := s.resetForm(c)
	if err != nil {
		return err
	}
	fields, err := readForm(c.Request())
	if err != nil {
		return err
	}
	password := fields.Get("password")
	err = s.cfg.Accounts.ResetPassword(c.Request().Context(), c.Param("token"), password)
	switch {
	case err == nil:
		if err := s.endOther(c, p); err != nil {
			return err
		}
		s.dropCookie(c, s.site.cookie)
		return s.redirect(c, s.site.path("/login")+"?reset=1")
	case errors.Is(err, accounts.ErrNoLink):
		return s.afterReset(err)
	}
	f := accountFailure(err, "change the password")
	if f == nil {
		return notSaved(fmt.Errorf("reset password: %w", err))
	}
	p.Error, p.Message, p.Password = f.formErrors()["password"], f.formMessage(), echoedPassword(password)
	return s.form(c, f, p)
}

// endOther ends the session of the browser if it's not that of the person who has a new password, which has ended.
func (s *Server) endOther(c echo.Context, p ui.ResetPage) error {
	if p.Other == "" {
		return nil
	}
	err := s.cfg.Accounts.EndSession(c.Request().Context(), signedIn(c).session.ID)
	if err == nil || errors.Is(err, accounts.ErrNoSession) {
		return nil
	}
	return &failure{Status: http.StatusServiceUnavailable, Heading: "The password is changed",
		Message: "But you're still signed in as " + p.Other + ". Sign out, and then sign in with the new password.", Err: err}
}

func noResetLink(err error) *failure {
	return &failure{Status: http.StatusNotFound, Heading: "This link isn't valid", Err: err,
		Message: "It has expired or was used. Ask an administrator of this board for a new one."}
}
