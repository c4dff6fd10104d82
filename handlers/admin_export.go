package handlers

import (
	"context"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/accounts/peoplecsv"
)

// exportPeople returns all accounts as a file that can be imported again. It has nothing that tells when people were
// here, and no passwords.
func (s *Server) exportPeople(c echo.Context) error {
	if _, err := posted(c); err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := s.cfg.Accounts.RecordExport(ctx, accounts.PeopleExported); err != nil {
		return adminError(err, "download the list")
	}
	emails, err := s.cfg.Accounts.Emails(ctx)
	if err != nil {
		return adminError(err, "download the list")
	}
	return sendCSV(c, "rollcall-people.csv", func(yield func([]string) error) error {
		if err := yield([]string{"username", "display_name", "team", "role", "status", "created", "email"}); err != nil {
			return err
		}
		return s.eachAccount(ctx, func(u accounts.ListedUser) error {
			a := account(u, "")
			return yield([]string{u.Username, u.DisplayName, u.Team, strings.ToLower(a.Role()), strings.ToLower(a.Status()),
				u.CreatedAt.UTC().Format(time.DateOnly), emails[u.ID]})
		})
	})
}

// eachAccount calls do with all accounts by username.
func (s *Server) eachAccount(ctx context.Context, do func(accounts.ListedUser) error) error {
	q := accounts.UserQuery{Order: accounts.ByUsername, Limit: accounts.MaxPage}
	for {
		page, err := s.cfg.Accounts.ListUsers(ctx, q)
		if err != nil {
			return err
		}
		for _, u := range page.Users {
			if err := do(u); err != nil {
				return err
			}
		}
		if q.After = page.Next; q.After == "" {
			return nil
		}
	}
}

// exportLog returns the audit log as a file, the newest line first.
func (s *Server) exportLog(c echo.Context) error {
	if _, err := posted(c); err != nil {
		return err
	}
	ctx := c.Request().Context()
	if err := s.cfg.Accounts.RecordExport(ctx, accounts.AuditExported); err != nil {
		return adminError(err, "download the log")
	}
	return sendCSV(c, "rollcall-log.csv", func(yield func([]string) error) error {
		if err := yield([]string{"time", "who", "what", "action", "by", "on", "how", "address", "request"}); err != nil {
			return err
		}
		tell := s.teller(c)
		return s.eachEntry(ctx, func(e accounts.Entry) error {
			row, err := tell.logRow(ctx, e)
			if err != nil {
				return err
			}
			return yield(row)
		})
	})
}

// eachEntry calls do with the whole audit log, the newest entry first.
func (s *Server) eachEntry(ctx context.Context, do func(accounts.Entry) error) error {
	for q := (accounts.AuditQuery{Limit: maxLogBatch}); ; {
		entries, err := s.cfg.Accounts.Audit(ctx, q)
		if err != nil || len(entries) == 0 {
			return err
		}
		for _, e := range entries {
			if err := do(e); err != nil {
				return err
			}
		}
		q.Before = entries[len(entries)-1].ID
	}
}

// maxLogBatch is how many lines of the log are read at once for a file.
const maxLogBatch = 1000

// sendCSV sends rows as a file. After the first bytes, an error can only cut the file off.
func sendCSV(c echo.Context, name string, rows func(yield func([]string) error) error) error {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
	h.Set(echo.HeaderContentDisposition, `attachment; filename="`+name+`"`)
	return peoplecsv.Write(c.Response(), rows)
}
