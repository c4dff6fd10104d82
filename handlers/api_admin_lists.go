package handlers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"rollcall/accounts"
	"rollcall/accounts/peoplecsv"
)

// importJSON says whom a list adds.
type importJSON struct {
	People    int                `json:"people"`
	Ignored   []string           `json:"ignored_columns,omitempty"`
	Links     []importedLinkJSON `json:"links,omitempty"` // only in the reply that added them
	ExpiresAt *time.Time         `json:"links_expire_at,omitempty"`
}

// importedLinkJSON is a link with which somebody chooses a password.
type importedLinkJSON struct {
	User string `json:"user"`
	Name string `json:"name"`
	URL  string `json:"url"`
}

// readCSV reads the body of a request: a list of people.
func readCSV(r *http.Request) (string, error) {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "text/csv" {
		return "", &failure{Status: http.StatusUnsupportedMediaType, Message: "Send a list, with Content-Type: text/csv.", Err: err}
	}
	body, err := io.ReadAll(r.Body)
	switch {
	case err != nil:
		return "", bodyError(err)
	case len(body) > maxList:
		return "", bodyTooLarge(nil)
	case !utf8.Valid(body):
		return "", &failure{Status: http.StatusBadRequest, Message: "The list isn't valid UTF-8."}
	}
	return string(body), nil
}

// importable reads and checks the list of people in the body.
func (s *Server) importable(ctx context.Context, x *call) (peoplecsv.List, error) {
	text, err := readCSV(x.Request)
	if err != nil {
		return peoplecsv.List{}, err
	}
	list, wrong, err := s.checkPeople(ctx, text)
	if err == nil && len(list.Problems)+len(wrong) > 0 {
		err = wrongList(list, wrong)
	}
	return list, err
}

// wrongList is the failure of a list of people with problems. Nobody was added.
func wrongList(list peoplecsv.List, wrong []*accounts.ImportError) error {
	f := &failure{Status: http.StatusUnprocessableEntity, Message: "The list has problems, so nobody was added."}
	for _, p := range list.Problems {
		f.lines = append(f.lines, listProblem(p.Line, "", accounts.Code(p.Code), ListMessage(p)))
	}
	for _, w := range wrong {
		for _, e := range accounts.WrongFields(w) {
			f.lines = append(f.lines, listProblem(list.Lines[w.Index], e.Field, e.Code, FieldMessage(e)))
		}
	}
	slices.SortStableFunc(f.lines, func(a, b fieldProblem) int { return a.line - b.line })
	f.lines = f.lines[:min(len(f.lines), maxProblems)]
	return f
}

// listProblem is a problem with a line of a list, or with the whole list.
func listProblem(line int, column string, code accounts.Code, detail string) fieldProblem {
	p := fieldProblem{Pointer: "#/", Code: code, Detail: detail, line: line}
	if line > 0 {
		p.Pointer += strconv.Itoa(line)
	}
	if column != "" {
		p.Pointer += "/" + column
	}
	return p
}

// apiPreviewImport answers whom a list would add, or what is wrong with it.
func (s *Server) apiPreviewImport(ctx context.Context, x *call) (reply, error) {
	list, err := s.importable(ctx, x)
	if err != nil {
		return reply{}, err
	}
	return ok(importJSON{People: len(list.People), Ignored: list.Ignored}), nil
}

// apiImport adds the people of a list: all of them or nobody.
func (s *Server) apiImport(ctx context.Context, x *call) (reply, error) {
	list, err := s.importable(ctx, x)
	if err != nil {
		return reply{}, err
	}
	added, err := s.cfg.Accounts.Import(ctx, list.People)
	if refused, is := errors.AsType[*accounts.ImportError](err); is {
		return reply{}, wrongList(list, []*accounts.ImportError{refused})
	}
	if err != nil {
		return reply{}, changeFailure(err, "import these people")
	}
	body := importJSON{People: len(added), Ignored: list.Ignored}
	for i, a := range added {
		if a.ResetLink != "" {
			n := list.People[i]
			body.Links = append(body.Links, importedLinkJSON{n.Username, nameOfNew(n), s.linkFor(x.Host, "/reset/", a.ResetLink)})
		}
	}
	if body.Links != nil {
		body.ExpiresAt = timeOf(time.Now().Add(accounts.ResetLinkAge).UTC().Truncate(time.Second))
	}
	return ok(body), nil
}

// apiExportAccounts sends all accounts as a list that can be imported again.
func (s *Server) apiExportAccounts(ctx context.Context, _ *call) (reply, error) {
	if err := s.cfg.Accounts.RecordExport(ctx, accounts.PeopleExported); err != nil {
		return reply{}, changeFailure(err, "download the list")
	}
	return reply{status: http.StatusOK, file: &file{"rollcall-people.csv", func(out io.Writer) error {
		return peoplecsv.Export(ctx, s.cfg.Accounts, out)
	}}}, nil
}

// apiExportAudit sends the audit log, the newest line first.
func (s *Server) apiExportAudit(ctx context.Context, x *call) (reply, error) {
	if err := s.cfg.Accounts.RecordExport(ctx, accounts.AuditExported); err != nil {
		return reply{}, changeFailure(err, "download the log")
	}
	return reply{status: http.StatusOK, file: &file{"rollcall-log.csv", func(out io.Writer) error {
		return s.writeLog(ctx, x.caller.user, out)
	}}}, nil
}

// teamPairJSON is two teams that see each other.
type teamPairJSON struct {
	Team  string `json:"team"`
	Other string `json:"other"`
}

type teamPairsJSON struct {
	Pairs []teamPairJSON `json:"pairs"`
}

// apiTeamPairs lists the teams that see each other.
func (s *Server) apiTeamPairs(ctx context.Context, _ *call) (reply, error) {
	all, err := s.cfg.Accounts.TeamPairs(ctx)
	if err != nil {
		return reply{}, notRead(fmt.Errorf("list team pairs: %w", err))
	}
	list := teamPairsJSON{Pairs: []teamPairJSON{}}
	for _, p := range all {
		list.Pairs = append(list.Pairs, teamPairJSON{p.Team, p.Other})
	}
	return ok(list), nil
}

// apiPairTeams lets two teams see each other.
func (s *Server) apiPairTeams(ctx context.Context, x *call) (reply, error) {
	if err := s.cfg.Accounts.PairTeams(ctx, x.params["team"], x.params["other"]); err != nil {
		return reply{}, changeFailure(err, "pair teams")
	}
	return none(), nil
}

// apiUnpairTeams undoes apiPairTeams.
func (s *Server) apiUnpairTeams(ctx context.Context, x *call) (reply, error) {
	err := s.cfg.Accounts.UnpairTeams(ctx, x.params["team"], x.params["other"])
	switch {
	case errors.Is(err, accounts.ErrNotFound):
		return reply{}, &failure{Status: http.StatusNotFound, Message: "These teams don't see each other.", Err: err}
	case err != nil:
		return reply{}, changeFailure(err, "unpair teams")
	}
	return none(), nil
}
