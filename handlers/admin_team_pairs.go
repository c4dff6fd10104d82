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

// teamPairs returns the teams that see each other. teams are those that have people.
func (s *Server) teamPairs(ctx context.Context, teams []accounts.Team) (ui.AdminTeamPairs, error) {
	p := ui.AdminTeamPairs{TeamsOnly: s.inForce().Visibility == accounts.VisibleTeams}
	all, err := s.cfg.Accounts.TeamPairs(ctx)
	if err != nil {
		return p, unavailable(fmt.Errorf("team pairs: %w", err))
	}
	names := map[string]string{}
	for _, t := range teams {
		if names[t.Key] = t.Name; t.Name != "" && len(p.Names) < maxTeams {
			p.Names = append(p.Names, t.Name)
		}
	}
	for _, x := range all {
		pair := ui.AdminTeamPair{Team: x.Team, Other: x.Other}
		for _, team := range []struct {
			key  string
			name *string
		}{{x.Key, &pair.Team}, {x.OtherKey, &pair.Other}} {
			if now := names[team.key]; now != "" {
				*team.name = now
			} else {
				pair.Note = "Nobody is in " + *team.name + "."
			}
		}
		p.TeamPairs = append(p.TeamPairs, pair)
	}
	return p, nil
}

// pairTeams lets two teams see each other.
func (s *Server) pairTeams(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	team, other := text(fields, "team", ""), text(fields, "other", "")
	if err = s.cfg.Accounts.PairTeams(c.Request().Context(), team, other); err == nil {
		return s.adminBack(c, "", "/admin/teams", "paired", 0)
	}
	f := accountFailure(err, "pair teams")
	if f == nil {
		return adminError(err, "pair teams")
	}
	p, err := s.teamsPage(c)
	if err != nil {
		return err
	}
	p.Errors, p.Message = f.formErrors(), f.formMessage()
	p.PairTeam, p.PairOther = echoed(team), echoed(other)
	return s.form(c, f, p)
}

// unpairTeams undoes pairTeams.
func (s *Server) unpairTeams(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	err = s.cfg.Accounts.UnpairTeams(c.Request().Context(), fields.Get("team"), fields.Get("other"))
	switch {
	case err == nil:
		return s.adminBack(c, "", "/admin/teams", "unpaired", 0)
	case errors.Is(err, accounts.ErrNotFound):
		return &failure{Status: http.StatusNotFound, Heading: "No such pair of teams", Err: err,
			Message: "These teams don't see each other. Somebody may have changed that already."}
	}
	return adminError(err, "unpair teams")
}
