package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// adminTeams lists teams, and those that see each other.
func (s *Server) adminTeams(c echo.Context) error {
	p, err := s.teamsPage(c)
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, p)
}

func (s *Server) teamsPage(c echo.Context) (p ui.AdminTeamsPage, err error) {
	if p.Admin, err = s.adminPage(c, teamsSection); err != nil {
		return p, err
	}
	teams, err := s.cfg.Accounts.Tally(c.Request().Context())
	if err != nil {
		return p, unavailable(fmt.Errorf("teams: %w", err))
	}
	for _, t := range teams {
		p.All = append(p.All, ui.AdminTeam{Name: t.Name, People: t.People})
	}
	p.AdminTeamPairs, err = s.teamPairs(c.Request().Context(), teams)
	return p, err
}

// adminTeam shows the forms that change one team.
func (s *Server) adminTeam(c echo.Context) error {
	p, err := s.teamPage(c, c.QueryParam("name"))
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, p)
}

// teamPage returns the page of a team, in any spelling.
func (s *Server) teamPage(c echo.Context, name string) (p ui.AdminTeamPage, err error) {
	if p.Admin, err = s.adminPage(c, teamsSection); err != nil {
		return p, err
	}
	teams, err := s.cfg.Accounts.Tally(c.Request().Context())
	if err != nil {
		return p, unavailable(fmt.Errorf("team: %w", err))
	}
	for _, t := range teams {
		switch {
		case t.Name == "":
		case t.Key == accounts.TeamKey(name):
			p.Team, p.To = ui.AdminTeam{Name: t.Name, People: t.People}, t.Name
		case len(p.Others) < maxTeams:
			p.Others = append(p.Others, t.Name)
		}
	}
	if p.Team.Name == "" {
		return p, noTeam(nil)
	}
	return p, nil
}

func noTeam(err error) *failure {
	return &failure{Status: http.StatusNotFound, Heading: "No such team",
		Message: "Nobody is in a team with this name. It may have been renamed or merged.", Err: err}
}

// changeTeam runs change for the team that the form names in from, and redirects to the list. change gets the names of
// all teams.
func (s *Server) changeTeam(c echo.Context, done, field string,
	change func(ctx context.Context, from, to string, taken bool) (int, error)) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	ctx, from, to := c.Request().Context(), fields.Get("from"), text(fields, field, "")
	teams, err := s.cfg.Accounts.Tally(ctx)
	if err != nil {
		return unavailable(fmt.Errorf("team: %w", err))
	}
	if !slices.ContainsFunc(teams, func(t accounts.Team) bool { return t.Name != "" && t.Key == accounts.TeamKey(from) }) {
		return noTeam(nil)
	}
	key := accounts.TeamKey(to)
	taken := key != accounts.TeamKey(from) && to != "" &&
		slices.ContainsFunc(teams, func(t accounts.Team) bool { return t.Key == key })
	n, err := change(ctx, from, to, taken)
	if err == nil {
		return s.adminBack(c, "", "/admin/teams", done, n)
	}
	if errors.Is(err, accounts.ErrNotFound) {
		return noTeam(err)
	}
	f := accountFailure(err, "change this team")
	if f == nil {
		return adminError(err, "change this team")
	}
	p, err := s.teamPage(c, from)
	if err != nil {
		return err
	}
	p.Errors, p.Message = f.formErrors(), f.formMessage()
	if field == "into" {
		p.Into = echoed(to)
	} else {
		p.To = echoed(to)
	}
	return s.form(c, f, p)
}

// renameTeam gives a team a name that no other team has.
func (s *Server) renameTeam(c echo.Context) error {
	return s.changeTeam(c, "renamed-team", "team", func(ctx context.Context, from, to string, taken bool) (int, error) {
		switch {
		case to == "":
			return 0, &accounts.FieldError{Field: "team", Code: accounts.Missing}
		case taken:
			return 0, &accounts.FieldError{Field: "team", Code: teamExists}
		}
		return s.cfg.Accounts.RenameTeam(ctx, from, to)
	})
}

// mergeTeam moves everybody in a team to another one.
func (s *Server) mergeTeam(c echo.Context) error {
	return s.changeTeam(c, "merged", "into", func(ctx context.Context, from, to string, taken bool) (int, error) {
		if !taken {
			return 0, &accounts.FieldError{Field: "into", Code: otherExisting}
		}
		return s.cfg.Accounts.RenameTeam(ctx, from, to)
	})
}

// deleteTeam leaves everybody in a team without one.
func (s *Server) deleteTeam(c echo.Context) error {
	return s.changeTeam(c, "deleted-team", "", func(ctx context.Context, from, _ string, _ bool) (int, error) {
		return s.cfg.Accounts.RenameTeam(ctx, from, "")
	})
}
