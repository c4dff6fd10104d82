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
	l := s.layout(c, "")
	l.Viewer = nil // the page is about the person of the link
	return ui.ResetPage{Layout: l, Action: s.site.path("/reset/") + c.Param("token"), Username: u.Username}, nil
}

// reset sets the password. The person then signs in with it: the link alone opens no session.
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
		s.dropCookie(c, s.site.cookie) // its session has ended if it was the same person's
		return s.redirect(c, s.site.path("/login")+"?reset=1")
	case errors.Is(err, accounts.ErrNoLink):
		return s.afterReset(err)
	}
	f := formFailure(err, "change the password")
	if f == nil {
		return notSaved(fmt.Errorf("reset password: %w", err))
	}
	p.Error, p.Message, p.Password = f.formErrors()["password"], f.formMessage(), echoedPassword(password)
	return s.form(c, f, p)
}

func noResetLink(err error) *failure {
	return &failure{Status: http.StatusNotFound, Heading: "This link isn't valid", Err: err,
		Message: "It has expired or was used. Ask an administrator of this board for a new one."}
}
