package handlers

import (
	"context"
	"io"

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
	startCSV(c, "rollcall-people.csv")
	return peoplecsv.Export(ctx, s.cfg.Accounts, c.Response())
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
	startCSV(c, "rollcall-log.csv")
	return s.writeLog(ctx, signedIn(c).user, c.Response())
}

// writeLog writes the audit log as a file for reader.
func (s *Server) writeLog(ctx context.Context, reader accounts.User, out io.Writer) error {
	return peoplecsv.Write(out, func(yield func([]string) error) error {
		if err := yield([]string{"time", "who", "what", "action", "by", "on", "how", "address", "request"}); err != nil {
			return err
		}
		tell := s.tellerFor(reader)
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

// startCSV begins a response that is a file. After the first bytes, an error can only cut the file off.
func startCSV(c echo.Context, name string) {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/csv; charset=utf-8")
	h.Set(echo.HeaderContentDisposition, `attachment; filename="`+name+`"`)
}
