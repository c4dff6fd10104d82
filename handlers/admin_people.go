package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// adminPeople lists accounts.
func (s *Server) adminPeople(c echo.Context) error {
	p, err := s.peoplePage(c, c.Request().URL)
	if err != nil {
		return err
	}
	return s.page(c, http.StatusOK, p)
}

// peoplePage returns the list of accounts at the address here.
func (s *Server) peoplePage(c echo.Context, here *url.URL) (p ui.AdminPeoplePage, err error) {
	query, q, err := adminQuery(here.Query())
	if err != nil {
		return p, err
	}
	ctx, viewer := c.Request().Context(), signedIn(c).user.ID
	p = ui.AdminPeoplePage{Query: query, Here: here.RequestURI()}
	var counts accounts.UserCounts
	if p.Admin, counts, err = s.countedPage(c, peopleSection); err != nil {
		return p, err
	}
	p.All, p.Admins, p.Disabled, p.NoTeam = counts.All, counts.Admins, counts.Disabled, counts.WithoutTeam
	page, err := s.cfg.Accounts.ListUsers(ctx, q)
	if err != nil {
		return p, notRead(fmt.Errorf("list of people: %w", err))
	}
	for _, u := range page.Users {
		p.Accounts = append(p.Accounts, account(u, viewer))
	}
	if page.Next != "" {
		p.Next = encodeAfter(page.Next)
	}
	if p.TeamNames, err = s.cfg.Accounts.TeamNames(ctx, maxTeams); err == nil && counts.Waiting > 0 {
		p.Waits, err = s.waits(ctx)
	}
	if err != nil {
		return p, unavailable(fmt.Errorf("list of people: %w", err))
	}
	return p, nil
}

// waits returns the people who wait for approval.
func (s *Server) waits(ctx context.Context) (all []ui.Account, err error) {
	waiting, err := s.cfg.Accounts.WaitingPeople(ctx)
	for _, w := range waiting {
		a := account(accounts.ListedUser{User: w.User, Waiting: true}, "")
		a.Note = w.Note
		all = append(all, a)
	}
	return all, err
}

// maxAdminSearch is the maximum length of a search for people, in bytes.
const maxAdminSearch = 400

// adminQuery reads the query string of the list of people.
func adminQuery(v url.Values) (ui.AdminQuery, accounts.UserQuery, error) {
	query := ui.AdminQuery{Q: v.Get("q"), Show: v.Get("show"), Sort: v.Get("sort"), Team: v.Get("team"), After: v.Get("after")}
	if len(query.Q) > maxAdminSearch {
		return query, accounts.UserQuery{}, &failure{Status: http.StatusBadRequest, Message: "This search is too long."}
	}
	after, err := decodeAfter(query.After)
	q := accounts.UserQuery{Search: query.Q, After: after, Order: accounts.UserOrder(query.Sort)}
	switch query.Show {
	case "":
		if query.Team != "" {
			q.Team = &query.Team
		}
	case "admins":
		q.Which = accounts.AdminUsers
	case "disabled":
		q.Which = accounts.DisabledUsers
	case "no-team":
		q.Team = new("")
	default:
		err = &failure{Status: http.StatusBadRequest, Message: "There is no such filter."}
	}
	return query, q, err
}

// approve lets somebody in who waits, and decline deletes their account.
func (s *Server) approve(c echo.Context) error {
	return s.decide(c, s.cfg.Accounts.Approve, "approved")
}

func (s *Server) decline(c echo.Context) error {
	return s.decide(c, s.cfg.Accounts.Decline, "declined")
}

func (s *Server) decide(c echo.Context, decide func(context.Context, string) error, done string) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	err = accounts.ErrNotFound
	if id := fields.Get("person"); plainID(id) {
		err = decide(c.Request().Context(), id)
	}
	if errors.Is(err, accounts.ErrNotFound) {
		return &failure{Status: http.StatusConflict, Heading: "Already decided", Err: err,
			Message: "This person isn't waiting any more. Perhaps another administrator was faster."}
	}
	if err != nil {
		return notSaved(fmt.Errorf("%s: %w", done, err))
	}
	return s.adminBack(c, fields.Get("next"), "/admin/people", done, 0)
}
