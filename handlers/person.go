package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// noPerson is the answer for people who don't exist, who are disabled, or whose team the caller may not see.
func noPerson(err error) error {
	return &failure{Status: http.StatusNotFound, Heading: "No such person",
		Message: "Nobody here has this username. The account may have been deleted or disabled.", Err: err}
}

// personByName returns the enabled person with a username, in any spelling that folds to it. It takes the same steps
// for people whom eyes may not see as for those who don't exist.
func (s *Server) personByName(ctx context.Context, eyes accounts.Person, name string) (accounts.User, error) {
	if err := s.live.CatchUp(ctx); err != nil {
		return accounts.User{}, notRead(fmt.Errorf("person: %w", err))
	}
	user, err := s.cfg.Accounts.UserByName(ctx, name)
	switch {
	case err != nil && !errors.Is(err, accounts.ErrNotFound):
		return user, unavailable(fmt.Errorf("person: %w", err))
	case err != nil || user.Disabled || !s.live.Sees(eyes, user.Person):
		return accounts.User{}, noPerson(err)
	}
	return user, nil
}

// personPage answers GET /u/NAME with a page about one person, or with its inside for a script.
func (s *Server) personPage(c echo.Context) error {
	user, err := s.personByName(c.Request().Context(), signedIn(c).user.Person, c.Param("name"))
	if err != nil {
		return err
	}
	return s.answerPerson(c, http.StatusOK, user, "")
}

// answerPerson answers with the page of a person, or with its inside. said is why a form was refused.
func (s *Server) answerPerson(c echo.Context, status int, user accounts.User, said string) error {
	viewer := signedIn(c).user
	entry, warming, unlisted, err := s.live.Person(c.Request().Context(), user.Person, viewer.Person)
	switch {
	case err != nil:
		return notRead(fmt.Errorf("person: %w", err))
	case unlisted:
		return noPerson(nil)
	}
	p, err := s.person(c.Request().Context(), user, viewer.ID)
	if err != nil {
		return unavailable(fmt.Errorf("person: %w", err))
	}
	p.Row, p.Warming, p.Said = rowView(entry.Row), warming, said
	page := ui.PersonPage{Layout: s.layout(c, ""), Person: p, Row: s.row(entry)}
	if ofPanel(c) {
		body, err := s.cfg.UI.Person(p)
		if err != nil {
			return err
		}
		return c.HTMLBlob(status, body)
	}
	page.Socket = s.site.path("/ws?") + url.Values{"person": {user.ID}, "v": {""}}.Encode()
	return s.page(c, status, page)
}

// person returns what a person tells about themselves, and what the viewer has stored about them. What anybody may know
// about their presence comes from their row.
func (s *Server) person(ctx context.Context, user accounts.User, viewerID string) (ui.Person, error) {
	details, err := s.cfg.Accounts.Details(ctx, user.ID)
	if err != nil {
		return ui.Person{}, err
	}
	viewer, err := s.cfg.Accounts.UserByID(ctx, viewerID) // this request may have changed their favorites
	if err != nil {
		return ui.Person{}, err
	}
	p := ui.Person{
		Pronouns: details.Pronouns, Contacts: details.Contacts, NoAlerts: details.NoAlerts, Zone: user.Zone,
		Now: time.Now().In(accounts.Zone(user.Zone)), Own: user.ID == viewerID, MeCSS: s.meHref(viewer),
	}
	if p.Own {
		return p, nil
	}
	if p.Favorite, err = s.cfg.Accounts.IsFavorite(ctx, viewerID, user.ID); err != nil {
		return p, err
	}
	p.Waiting, err = s.cfg.Accounts.Alert(ctx, viewerID, user.ID)
	return p, err
}

// addFavorite pins a person to the top of the viewer's own board, and removeFavorite undoes it.
func (s *Server) addFavorite(c echo.Context) error    { return s.setFavorite(c, true) }
func (s *Server) removeFavorite(c echo.Context) error { return s.setFavorite(c, false) }

func (s *Server) setFavorite(c echo.Context, on bool) error {
	return s.aboutPerson(c, func(ctx context.Context, viewer, person string, _ url.Values) error {
		return s.cfg.Accounts.SetFavorite(ctx, viewer, person, on)
	})
}

// addAlert has the viewer told, once, when a person is here. What the row shows now doesn't matter: the answer is the
// same for somebody who is invisible and somebody who left.
func (s *Server) addAlert(c echo.Context) error {
	return s.aboutPerson(c, func(ctx context.Context, viewer, person string, fields url.Values) error {
		return s.cfg.Accounts.SetAlert(ctx, viewer, person, fields.Get("kind"))
	})
}

// removeAlert withdraws an alert.
func (s *Server) removeAlert(c echo.Context) error {
	return s.aboutPerson(c, func(ctx context.Context, viewer, person string, _ url.Values) error {
		return s.cfg.Accounts.DropAlert(ctx, viewer, person)
	})
}

// aboutPerson changes what the viewer has stored about the person whom a form names, and answers with that person's
// page.
func (s *Server) aboutPerson(c echo.Context,
	change func(ctx context.Context, viewer, person string, fields url.Values) error) error {
	fields, err := s.readAct(c)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	user, err := s.personByName(ctx, signedIn(c).user.Person, fields.Get("person"))
	if err != nil {
		return err
	}
	err = change(ctx, signedIn(c).user.ID, user.ID, fields)
	f := accountFailure(err, "change this")
	switch {
	case errors.Is(err, accounts.ErrNotFound):
		return noPerson(err)
	case err != nil && f == nil:
		return notSaved(fmt.Errorf("about a person: %w", err))
	case err != nil && wantsProblem(c.Request()):
		return f
	case err != nil:
		s.logFailure(f, c)
		return s.answerPerson(c, f.Status, user, f.Message)
	case ofPanel(c):
		return s.answerPerson(c, http.StatusOK, user, "")
	}
	return s.redirect(c, s.site.path("/u/")+user.Username)
}
