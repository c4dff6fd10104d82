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

// shares returns the teams that see each other. teams are those that have people.
func (s *Server) shares(ctx context.Context, teams []accounts.Team) (ui.AdminShares, error) {
	p := ui.AdminShares{TeamsOnly: s.inForce().Visibility == accounts.VisibleTeams}
	all, err := s.cfg.Accounts.Shares(ctx)
	if err != nil {
		return p, unavailable(fmt.Errorf("shares: %w", err))
	}
	names := map[string]string{}
	for _, t := range teams {
		if names[t.Key] = t.Name; t.Name != "" && len(p.Names) < maxTeams {
			p.Names = append(p.Names, t.Name)
		}
	}
	for _, x := range all {
		share := ui.AdminShare{Team: x.Team, Other: x.Other}
		for _, team := range []struct {
			key  string
			name *string
		}{{x.Key, &share.Team}, {x.OtherKey, &share.Other}} {
			if now := names[team.key]; now != "" {
				*team.name = now
			} else {
				share.Note = "Nobody is in " + *team.name + "."
			}
		}
		p.Shares = append(p.Shares, share)
	}
	return p, nil
}

// shareTeams lets two teams see each other.
func (s *Server) shareTeams(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	team, other := text(fields, "team", ""), text(fields, "other", "")
	if err = s.cfg.Accounts.ShareTeams(c.Request().Context(), team, other); err == nil {
		return s.adminBack(c, "", "/admin/teams", "shared", 0)
	}
	f := formFailure(err, "share teams")
	if f == nil {
		return adminError(err, "share teams")
	}
	p, err := s.teamsPage(c)
	if err != nil {
		return err
	}
	p.Errors, p.Message = f.formErrors(), f.formMessage()
	p.ShareTeam, p.ShareOther = echoed(team), echoed(other)
	return s.form(c, f, p)
}

// unshareTeams undoes shareTeams.
func (s *Server) unshareTeams(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	err = s.cfg.Accounts.UnshareTeams(c.Request().Context(), fields.Get("team"), fields.Get("other"))
	switch {
	case err == nil:
		return s.adminBack(c, "", "/admin/teams", "unshared", 0)
	case errors.Is(err, accounts.ErrNotFound):
		return &failure{Status: http.StatusNotFound, Heading: "No such pair of teams", Err: err,
			Message: "These teams don't share with each other. Somebody may have changed that already."}
	}
	return adminError(err, "stop sharing")
}
