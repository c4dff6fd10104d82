package handlers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
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
	maxList       = 4 << 20             // bytes of a list, with a single byte at the end of each line
	maxListBody   = 2*maxList + maxBody // bytes of a form with a list, in which browsers end lines with two
	maxListed     = 5000                // people that one import adds; commands can add more
	listTime      = 5 * time.Minute     // to import or download a list
	maxProblems   = 200                 // problems that a page lists
	firstImported = 10                  // people that the preview shows
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
	text := strings.ReplaceAll(fields.Get("csv"), "\r\n", "\n")
	if len(text) > maxList {
		return &failure{Status: http.StatusRequestEntityTooLarge, Heading: "The list is too large",
			Message: fmt.Sprintf("Split it into lists of up to %d MiB. Nobody was added.", maxList>>20)}
	}
	if !utf8.ValidString(text) {
		return &failure{Status: http.StatusUnprocessableEntity, Heading: "Not a text file",
			Message: "This file isn't valid text. Save it as CSV UTF-8 and try again. Nobody was added."}
	}
	ctx := c.Request().Context()
	list, wrong, err := s.checkPeople(ctx, text)
	if err != nil {
		return err
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

// checkPeople reads a list of people and finds what is wrong with them. People without a password need a link.
func (s *Server) checkPeople(ctx context.Context, text string) (list peoplecsv.List, wrong []*accounts.ImportError, err error) {
	if list, err = peoplecsv.Read(strings.NewReader(text), maxListed); err != nil {
		return list, nil, err
	}
	for i, n := range list.People {
		list.People[i].NoPassword = n.Password+n.PasswordHash == ""
	}
	if wrong, err = s.cfg.Accounts.CheckImport(ctx, list.People); err != nil {
		err = notRead(err)
	}
	return list, wrong, err
}

// checkedList answers with what is wrong with a list, or with whom it adds.
func (s *Server) checkedList(c echo.Context, text string, list peoplecsv.List, wrong []*accounts.ImportError) (err error) {
	p := ui.AdminImportPage{CSV: text, Checked: true, Ready: len(list.People), Ignored: list.Ignored, Max: maxListed}
	if p.Admin, err = s.adminPage(c, peopleSection); err != nil {
		return err
	}
	p.Problems = ListProblems(list, wrong)
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

// ListProblems returns everything that is wrong with a list of people, by line.
func ListProblems(list peoplecsv.List, wrong []*accounts.ImportError) (all []ui.ImportProblem) {
	for _, p := range list.Problems {
		all = append(all, ui.ImportProblem{Line: p.Line, Username: echoed(p.Username), Message: ListMessage(p)})
	}
	for _, w := range wrong {
		n := list.People[w.Index]
		var messages []string
		for _, e := range accounts.WrongFields(w) {
			messages = append(messages, strings.ReplaceAll(e.Field, "_", " ")+": "+FieldMessage(e))
		}
		all = append(all, ui.ImportProblem{
			Line: list.Lines[w.Index], Username: echoed(n.Username), Message: strings.Join(messages, " "),
		})
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
	startCSV(c, "rollcall-links.csv")
	return peoplecsv.Write(c.Response(), func(yield func([]string) error) error {
		list := strings.NewReader(fields.Get("csv"))
		return peoplecsv.Copy(list, yield)
	})
}
