package handlers

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/accounts/peoplecsv"
	"rollcall/ui"
)

// Limits of lists of people.
const (
	maxList       = 4 << 20         // bytes of a list
	maxListed     = 5000            // people that one import adds; commands can add more
	listTime      = 5 * time.Minute // to import or download a list
	maxProblems   = 200             // problems that a page lists
	firstImported = 10              // people that the preview shows
)

// importPage shows the form for a list of people.
func (s *Server) importPage(c echo.Context) (err error) {
	p := ui.AdminImportPage{Max: maxListed}
	if p.Admin, err = s.adminPage(c, peopleSection); err != nil {
		return err
	}
	p.Live = false
	return s.page(c, http.StatusOK, p)
}

// importPeople checks a list of people and shows what is wrong with it or whom it adds, or adds them.
func (s *Server) importPeople(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	text := fields.Get("csv")
	if !utf8.ValidString(text) {
		return &failure{Status: http.StatusUnprocessableEntity, Heading: "Not a text file",
			Message: "This file isn't valid text. Save it as CSV UTF-8 and try again. Nobody was added."}
	}
	ctx := c.Request().Context()
	list, err := peoplecsv.Read(strings.NewReader(text), maxListed)
	if err != nil {
		return err
	}
	for i, n := range list.People {
		list.People[i].NoPassword = n.Password+n.PasswordHash == ""
	}
	wrong, err := s.cfg.Accounts.CheckImport(ctx, list.People)
	if err != nil {
		return notRead(err)
	}
	var refused *accounts.ImportError
	if fields.Get("act") == "import" && len(list.Problems)+len(wrong) == 0 {
		added, err := s.cfg.Accounts.Import(ctx, list.People)
		switch {
		case err == nil:
			return s.imported(c, list.People, added)
		case !errors.As(err, &refused):
			return adminError(err, "import these people")
		}
		wrong = append(wrong, refused)
	}
	return s.checkedList(c, text, list, wrong)
}

// checkedList answers with what is wrong with a list, or with whom it adds.
func (s *Server) checkedList(c echo.Context, text string, list peoplecsv.List, wrong []*accounts.ImportError) (err error) {
	p := ui.AdminImportPage{CSV: text, Checked: true, Ready: len(list.People), Ignored: list.Ignored, Max: maxListed}
	if p.Admin, err = s.adminPage(c, peopleSection); err != nil {
		return err
	}
	p.Problems = problems(list, wrong)
	if len(p.Problems) > maxProblems {
		p.MoreWrong, p.Problems = len(p.Problems)-maxProblems, p.Problems[:maxProblems]
	}
	for i, n := range list.People {
		if n.NoPassword {
			p.Linked++
		}
		if i < firstImported {
			p.First = append(p.First, ui.Account{Username: n.Username, Name: nameOfNew(n), Team: n.Team})
		}
	}
	status := http.StatusOK
	if len(p.Problems) > 0 {
		status = http.StatusUnprocessableEntity
	}
	return s.page(c, status, p)
}

// nameOfNew returns the name under which a new user will appear.
func nameOfNew(n accounts.NewUser) string {
	if name := strings.TrimSpace(n.DisplayName); name != "" {
		return name
	}
	return n.Username
}

// problems returns everything that is wrong with a list, by line.
func problems(list peoplecsv.List, wrong []*accounts.ImportError) (all []ui.ImportProblem) {
	for _, p := range list.Problems {
		all = append(all, ui.ImportProblem{Line: p.Line, Username: echoed(p.Username), Message: ListMessage(p)})
	}
	for _, w := range wrong {
		n := list.People[w.Index]
		var messages []string
		for _, e := range accounts.WrongFields(w) {
			messages = append(messages, strings.ReplaceAll(e.Field, "_", " ")+": "+FieldMessage(e))
		}
		all = append(all, ui.ImportProblem{Line: list.Lines[w.Index], Username: echoed(n.Username), Message: strings.Join(messages, " ")})
	}
	sortProblems(all)
	return all
}

// imported shows who was added, and the links of people who have to choose a password. Nothing shows them again.
func (s *Server) imported(c echo.Context, people []accounts.NewUser, added []accounts.Imported) (err error) {
	p := ui.AdminImportedPage{Count: len(added)}
	if p.Admin, err = s.adminPage(c, peopleSection); err != nil {
		return err
	}
	for i, a := range added {
		if a.ResetLink != "" {
			p.Links = append(p.Links, ui.ImportedLink{Name: nameOfNew(people[i]), Username: people[i].Username,
				URL: s.link(c, "/reset/", a.ResetLink)})
		}
	}
	p = p.Expiring(time.Now().Add(accounts.ResetLinkAge))
	var file bytes.Buffer
	err = peoplecsv.Write(&file, func(yield func([]string) error) error {
		err := yield([]string{"name", "username", "link"})
		for _, l := range p.Links {
			err = errors.Join(err, yield([]string{l.Name, l.Username, l.URL}))
		}
		return err
	})
	if err != nil {
		return err
	}
	p.CSV = file.String()
	return s.page(c, http.StatusOK, p)
}

// importedLinks returns the links that a page holds as a file. They aren't stored, so the page sends them.
func (s *Server) importedLinks(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	return sendCSV(c, "rollcall-links.csv", func(yield func([]string) error) error {
		list := strings.NewReader(fields.Get("csv"))
		return peoplecsv.Copy(list, yield)
	})
}

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
	return sendCSV(c, "rollcall-people.csv", func(yield func([]string) error) error {
		if err := yield([]string{"username", "display_name", "team", "role", "status", "created"}); err != nil {
			return err
		}
		return s.eachAccount(ctx, func(u accounts.ListedUser) error {
			a := account(u, "")
			return yield([]string{u.Username, u.DisplayName, u.Team, strings.ToLower(a.Role()), strings.ToLower(a.Status()),
				u.CreatedAt.UTC().Format(time.DateOnly)})
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
	t := s.teller(c)
	return sendCSV(c, "rollcall-log.csv", func(yield func([]string) error) error {
		err := yield([]string{"time", "who", "what", "action", "by", "on", "how", "address", "request"})
		q := accounts.AuditQuery{Limit: maxLogBatch}
		for err == nil {
			var entries []accounts.Entry
			if entries, err = s.cfg.Accounts.Audit(ctx, q); err != nil || len(entries) == 0 {
				break
			}
			q.Before = entries[len(entries)-1].ID
			err = t.rows(ctx, entries, yield)
		}
		return err
	})
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
