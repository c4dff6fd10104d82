package handlers

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// joinPage shows the form for a new account to somebody with an invitation. It doesn't use the invitation, because
// programs that check links for people fetch them, too.
func (s *Server) joinPage(c echo.Context) error {
	p, err := s.joinForm(c)
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, p)
}

// joinForm returns the form, or the failure for an invitation that isn't valid.
func (s *Server) joinForm(c echo.Context) (ui.SignupPage, error) {
	i, err := s.cfg.Accounts.Invitation(c.Request().Context(), c.Param("token"))
	switch {
	case errors.Is(err, accounts.ErrNoLink):
		return ui.SignupPage{}, noInvitation(err)
	case err != nil:
		return ui.SignupPage{}, unavailable(fmt.Errorf("invitation: %w", err))
	}
	return ui.SignupPage{
		Layout: s.layout(c, ""), TeamsOnly: s.inForce().Visibility == accounts.VisibleTeams,
		Action: s.site.path("/join/") + c.Param("token"), Invited: true, Team: i.Team,
	}, nil
}

// join creates an account with an invitation.
func (s *Server) join(c echo.Context) error {
	p, err := s.joinForm(c)
	if err != nil {
		return err
	}
	fields, err := readForm(c.Request())
	if err != nil {
		return err
	}
	return s.makeAccount(c, fields, p, accounts.Joining{Invitation: c.Param("token")})
}

func noInvitation(err error) *failure {
	return &failure{Status: http.StatusNotFound, Heading: "This invitation isn't valid", Err: err,
		Message: "It has expired, was used up, or was revoked. Ask an administrator of this board for a new one."}
}
