package handlers

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// hookForm returns the form for a webhook as it's stored.
func (s *Server) hookForm(c echo.Context, h accounts.Hook) ui.HookPage {
	p := ui.HookPage{
		Layout: s.layout(c, ""), ID: h.ID, Name: h.Label, Label: h.Label, URL: h.URL, About: string(h.About), Team: h.Team,
		Format: string(h.Format), Settle: strconv.Itoa(int(h.Settle / time.Second)), States: h.States, Texts: h.Texts,
		Stopped: h.Stopped != "", BothUntil: h.OldUntil, OnePerson: h.About == accounts.AboutOnePerson,
		DeliveriesKept: accounts.MaxDeliveries, Teams: s.teamsSeen(c),
	}
	p.State, p.StateAt, p.Bad = hookState(h)
	p.Person = s.hookPerson(c.Request().Context(), signedIn(c).user.Person, h)
	return p
}

// teamsSeen returns some teams that the person may see, to choose from. Without them, a team can still be typed.
func (s *Server) teamsSeen(c echo.Context) []string {
	names, err := s.cfg.Accounts.TeamNames(c.Request().Context(), maxTeams)
	if err != nil {
		return nil
	}
	eyes := signedIn(c).user.Person
	return slices.DeleteFunc(names, func(name string) bool { return name == "" || !s.live.SeesTeam(eyes, accounts.TeamKey(name)) })
}

// refuseHook shows the form again, with what was typed and what is wrong.
func (s *Server) refuseHook(c echo.Context, err error, fields url.Values, p ui.HookPage) error {
	f := accountFailure(err, "change this")
	if f == nil {
		return hookFailure(err)
	}
	p.Label, p.URL = echoed(fields.Get("name")), echoedUpTo(fields.Get("url"), accounts.MaxHookURL+1)
	p.About, p.Format, p.Settle = fields.Get("about"), fields.Get("format"), fields.Get("settle")
	p.Team, p.Person = echoed(fields.Get("team")), echoed(fields.Get("person"))
	p.States, p.Texts = fields.Has("states"), fields.Has("texts")
	p.Errors, p.Message = f.formErrors(), f.formMessage()
	if p.Errors["hooks"] != "" {
		p.Message = p.Errors["hooks"]
	}
	return s.form(c, f, p)
}

// hookWish returns what a form chose. was is the stored webhook, if there's one.
func (s *Server) hookWish(c echo.Context, fields url.Values, was accounts.Hook) (accounts.HookWish, error) {
	w := accounts.HookWish{
		Label: fields.Get("name"), URL: fields.Get("url"), Format: accounts.HookFormat(fields.Get("format")),
		About: accounts.HookScope(fields.Get("about")), Team: fields.Get("team"),
		States: fields.Has("states"), Texts: fields.Has("texts"),
	}
	w.Settle = w.Format.Settle()
	if text := fields.Get("settle"); text != "" {
		n, err := strconv.ParseUint(text, 10, 31)
		if w.Settle = time.Duration(n) * time.Second; err != nil {
			w.Settle = -1 // accounts refuses it
		}
	}
	return s.seenWish(c.Request().Context(), signedIn(c).user.Person, w, fields.Get("person"), was)
}

// seenWish returns w with the person of a username, if whoever wishes it may see whom it's about. was is the stored
// webhook, if there's one. Errors: FieldErrors with everything that is wrong.
func (s *Server) seenWish(ctx context.Context, eyes accounts.Person, w accounts.HookWish, person string,
	was accounts.Hook) (_ accounts.HookWish, err error) {
	switch w.About {
	case accounts.AboutOneTeam:
		err = s.wantTeamSeen(ctx, eyes, w.Team, was)
	case accounts.AboutOnePerson:
		w.PersonID, err = s.personSeen(ctx, eyes, person, was)
	}
	wrong := accounts.WrongFields(err)
	if err != nil && len(wrong) == 0 {
		return w, err
	}
	for _, e := range accounts.WrongFields(w.Check()) { // so that everything that is wrong is said at once
		if len(wrong) == 0 || wrong[0].Field != e.Field {
			wrong = append(wrong, e)
		}
	}
	if len(wrong) > 0 {
		return w, wrong
	}
	return w, nil
}

// wantTeamSeen returns a *FieldError if there's no such team, or none that eyes may see, unless was is about it.
func (s *Server) wantTeamSeen(ctx context.Context, eyes accounts.Person, team string, was accounts.Hook) error {
	key := accounts.TeamKey(team)
	if strings.TrimSpace(team) == "" || was.About == accounts.AboutOneTeam && was.TeamKey == key {
		return nil // accounts refuses an empty one
	}
	if err := s.live.CatchUp(ctx); err != nil {
		return unavailable(err)
	}
	n, err := s.cfg.Accounts.CountPeople(ctx, accounts.PeopleQuery{Team: &team})
	switch {
	case err != nil:
		return unavailable(err)
	case n == 0 || !s.live.SeesTeam(eyes, key):
		return &accounts.FieldError{Field: "team", Code: unseenTeam}
	}
	return nil
}

// personSeen returns the ID of the person with a username, or a *FieldError if there's none whom eyes may see. Without
// a username, it's the one that was is about.
func (s *Server) personSeen(ctx context.Context, eyes accounts.Person, name string, was accounts.Hook) (string, error) {
	name = strings.TrimPrefix(strings.TrimSpace(name), "@")
	if name == "" {
		return was.PersonID, nil // accounts refuses an empty one
	}
	u, err := s.cfg.Accounts.UserByName(ctx, name)
	if err == nil {
		err = s.live.CatchUp(ctx)
	}
	unknown := &accounts.FieldError{Field: "person", Code: accounts.UnknownPerson}
	switch {
	case errors.Is(err, accounts.ErrNotFound), len(accounts.WrongFields(err)) > 0:
		return "", unknown
	case err != nil:
		return "", unavailable(err)
	case u.Disabled || !s.live.Sees(eyes, u.Person):
		return "", unknown
	}
	return u.ID, nil
}
