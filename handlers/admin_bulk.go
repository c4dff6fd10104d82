package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// bulk changes the people who were selected. A deletion is confirmed on a page of its own, and so is anything that was
// asked for oneself, too, which isn't done.
func (s *Server) bulk(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	ids, act := cleanIDs(fields["person"]), fields.Get("act")
	if len(ids) == 0 {
		return s.adminBack(c, fields.Get("next"), "/admin/people", "nobody", 0)
	}
	if len(ids) > accounts.MaxBulk {
		return s.refuseBulk(c, fields, &failure{Status: http.StatusUnprocessableEntity,
			Message: fmt.Sprintf("Select up to %d people.", accounts.MaxBulk)})
	}
	own := slices.Contains(ids, signedIn(c).user.ID)
	if (act == "delete" || own && bulkWords[act] != "") && fields.Get("sure") != "yes" {
		return s.confirmBulk(c, fields, ids)
	}
	done, n, err := s.changeAll(c.Request().Context(), ids, act, fields.Get("team"))
	if err != nil {
		if f := accountFailure(err, "change these people"); f != nil {
			return s.refuseBulk(c, fields, f)
		}
		return adminError(err, "change these people")
	}
	return s.adminBack(c, fields.Get("next"), "/admin/people", done, n)
}

// bulkWords holds what can be done to several people, as the pages that ask for a confirmation call it.
var bulkWords = map[string]string{"team": "Move", "sessions": "End all sessions of", "disable": "Disable", "delete": "Delete"}

// changeAll does act to people, and returns the name of the confirmation and their number. It leaves out the person who
// does it.
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

// listOf returns the address of the list of people that a form names in next.
func (s *Server) listOf(fields url.Values) *url.URL {
	list := &url.URL{Path: s.site.path("/admin/people")}
	if wanted, err := url.Parse(s.site.next(fields.Get("next"))); err == nil && wanted.Path == list.Path {
		query := wanted.Query()
		query.Del("done")
		query.Del("n")
		list.RawQuery = query.Encode()
	}
	return list
}

// refuseBulk shows the list again, with the same people selected.
func (s *Server) refuseBulk(c echo.Context, fields url.Values, f *failure) error {
	p, err := s.peoplePage(c, s.listOf(fields))
	if err != nil {
		return err
	}
	for i := range p.Accounts {
		p.Accounts[i].Picked = slices.Contains(fields["person"], p.Accounts[i].ID)
	}
	p.Errors, p.Message, p.BulkTeam = f.formErrors(), f.formMessage(), echoed(strings.TrimSpace(fields.Get("team")))
	return s.form(c, f, p)
}

// confirmBulk shows whom a change is about, and whom it leaves out.
func (s *Server) confirmBulk(c echo.Context, fields url.Values, ids []string) (err error) {
	p := ui.AdminConfirmPage{Back: s.listOf(fields).RequestURI(), Act: fields.Get("act"), Words: bulkWords[fields.Get("act")],
		Team: echoed(strings.TrimSpace(fields.Get("team")))}
	if p.Admin, err = s.adminPage(c, peopleSection); err != nil {
		return err
	}
	viewer := signedIn(c).user.ID
	for _, id := range ids {
		u, err := s.listedByID(c.Request().Context(), id)
		var gone *failure
		if errors.As(err, &gone) && gone.Status == http.StatusNotFound {
			continue
		}
		if err != nil {
			return err
		}
		if p.Own = p.Own || u.ID == viewer; u.ID == viewer {
			continue
		}
		p.Accounts = append(p.Accounts, account(u, viewer))
		p.Kept = append(p.Kept, ui.Kept{Name: "person", Value: u.ID})
	}
	if len(p.Accounts) == 0 && !p.Own {
		return s.adminBack(c, fields.Get("next"), "/admin/people", "nobody", 0)
	}
	p.Kept = append(p.Kept, ui.Kept{Name: "act", Value: p.Act}, ui.Kept{Name: "next", Value: p.Back})
	if p.Act == "team" {
		p.Kept = append(p.Kept, ui.Kept{Name: "team", Value: p.Team})
	}
	return s.page(c, http.StatusOK, p)
}
