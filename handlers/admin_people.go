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
	query, q, err := adminQuery(c.QueryParams())
	if err != nil {
		return err
	}
	ctx, viewer := c.Request().Context(), signedIn(c).user.ID
	p := ui.AdminPeoplePage{Query: query, Here: c.Request().URL.RequestURI()}
	var counts accounts.UserCounts
	if p.Admin, counts, err = s.countedPage(c, peopleSection); err != nil {
		return err
	}
	p.All, p.Admins, p.Disabled, p.NoTeam = counts.All, counts.Admins, counts.Disabled, counts.WithoutTeam
	page, err := s.cfg.Accounts.ListUsers(ctx, q)
	if err != nil {
		return notRead(fmt.Errorf("list of people: %w", err))
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
		return unavailable(fmt.Errorf("list of people: %w", err))
	}
	return s.page(c, http.StatusOK, p)
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

// bulk changes the people who were selected.
func (s *Server) bulk(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	ids := cleanIDs(fields["person"])
	if len(ids) == 0 {
		return s.adminBack(c, fields.Get("next"), "/admin/people", "nobody", 0)
	}
	if len(ids) > accounts.MaxBulk {
		return &failure{Status: http.StatusUnprocessableEntity,
			Message: fmt.Sprintf("Select up to %d people.", accounts.MaxBulk)}
	}
	act := fields.Get("act")
	if act == "delete" && fields.Get("sure") != "yes" {
		return s.confirmDelete(c, fields)
	}
	done, n, err := s.changeAll(c.Request().Context(), ids, act, fields.Get("team"))
	if err != nil {
		return adminError(err, "change these people")
	}
	return s.adminBack(c, fields.Get("next"), "/admin/people", done, n)
}

// changeAll does act to people, and returns the name of the confirmation and their number. It leaves out whoever does
// it.
func (s *Server) changeAll(ctx context.Context, ids []string, act, team string) (done string, n int, err error) {
	switch act {
	case "team":
		n, err = s.cfg.Accounts.SetTeamOf(ctx, ids, team)
		return "team", n, err
	case "sessions":
		n, err = s.cfg.Accounts.SignOut(ctx, ids)
		return "sessions", n, err
	case "disable":
		n, err = s.cfg.Accounts.DisableAll(ctx, ids)
		return "disabled", n, err
	case "delete":
		n, err = s.cfg.Accounts.DeleteAll(ctx, ids)
		return "deleted", n, err
	}
	return "", 0, &failure{Status: http.StatusUnprocessableEntity, Message: "Choose what to do with these people."}
}

// confirmDelete shows whom a bulk deletion is about.
func (s *Server) confirmDelete(c echo.Context, fields url.Values) (err error) {
	p := ui.AdminConfirmPage{Back: s.site.next(fields.Get("next"))}
	if p.Admin, err = s.adminPage(c, peopleSection); err != nil {
		return err
	}
	viewer := signedIn(c).user.ID
	for _, id := range cleanIDs(fields["person"]) {
		u, err := s.listedByID(c.Request().Context(), id)
		var gone *failure
		if errors.As(err, &gone) && gone.Status == http.StatusNotFound || u.ID == viewer {
			continue
		}
		if err != nil {
			return err
		}
		p.Accounts = append(p.Accounts, account(u, viewer))
		p.Kept = append(p.Kept, ui.Kept{Name: "person", Value: u.ID})
	}
	if len(p.Accounts) == 0 {
		return s.adminBack(c, fields.Get("next"), "/admin/people", "nobody", 0)
	}
	p.Kept = append(p.Kept, ui.Kept{Name: "act", Value: "delete"}, ui.Kept{Name: "next", Value: p.Back})
	return s.page(c, http.StatusOK, p)
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
