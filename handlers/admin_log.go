package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// logPage is how many lines of the audit log one page shows.
const logPage = 50

// adminLog shows the audit log.
func (s *Server) adminLog(c echo.Context) error {
	p := ui.AdminLogPage{
		Show: c.QueryParam("show"), Person: strings.TrimSpace(c.QueryParam("person")), Before: c.QueryParam("before"),
	}
	q := accounts.AuditQuery{Limit: logPage + 1, Before: p.Before}
	switch p.Show {
	case "":
	case "people":
		q.Scope = accounts.AboutPeople
	case "board":
		q.Scope = accounts.AboutBoard
	default:
		return &failure{Status: http.StatusBadRequest, Message: "There is no such filter."}
	}
	if p.Before != "" && !plainID(p.Before) {
		return accounts.ErrCursor
	}
	var err error
	if p.Admin, err = s.adminPage(c, logSection); err != nil {
		return err
	}
	var entries []accounts.Entry
	ctx := c.Request().Context()
	if p.Person != "" {
		user, err := s.cfg.Accounts.UserByName(ctx, p.Person)
		switch {
		case errors.Is(err, accounts.ErrNotFound):
			p.Message, p.Person = "Nobody has the username "+echoed(p.Person)+".", echoed(p.Person)
			return s.page(c, http.StatusOK, p)
		case err != nil:
			return unavailable(fmt.Errorf("audit log: %w", err))
		}
		q.About, q.Scope = user.ID, ""
	}
	if entries, err = s.cfg.Accounts.Audit(ctx, q); err != nil {
		return unavailable(fmt.Errorf("audit log: %w", err))
	}
	entries, p.Older = logPageOf(entries)
	if p.Days, err = s.teller(c).days(ctx, entries); err != nil {
		return unavailable(fmt.Errorf("audit log: %w", err))
	}
	return s.page(c, http.StatusOK, p)
}

// logPageOf cuts entries to one page and returns the cursor of the next one.
func logPageOf(entries []accounts.Entry) (page []accounts.Entry, older string) {
	if len(entries) <= logPage {
		return entries, ""
	}
	return entries[:logPage], entries[logPage-1].ID
}

// teller turns entries of the audit log into sentences. It remembers names, and is for one request.
type teller struct {
	accounts *accounts.Store
	zone     *time.Location
	now      time.Time
	names    map[string]string
	provider func(key string) string // its name
}

func (s *Server) teller(c echo.Context) *teller { return s.tellerFor(signedIn(c).user) }

// tellerFor returns a teller for whoever reads the sentences.
func (s *Server) tellerFor(reader accounts.User) *teller {
	zone := accounts.Zone(reader.TimeZone)
	return &teller{s.cfg.Accounts, zone, time.Now().In(zone), map[string]string{}, s.ElsewhereName}
}

// name returns the display name of a person, or words for a deleted account.
func (t *teller) name(ctx context.Context, id string) (string, error) {
	if name, known := t.names[id]; known {
		return name, nil
	}
	user, err := t.accounts.UserByID(ctx, id)
	switch {
	case errors.Is(err, accounts.ErrNotFound):
		t.names[id] = "deleted account " + id[max(0, len(id)-4):]
	case err != nil:
		return "", err
	default:
		t.names[id] = user.DisplayName
	}
	return t.names[id], nil
}

// day returns the date of a time.
func (t *teller) day(at time.Time) string {
	at = at.In(t.zone)
	if at.Year() == t.now.Year() {
		return at.Format("2 January")
	}
	return at.Format("2 January 2006")
}

// title returns the title of the group of a day.
func (t *teller) title(at time.Time) string {
	switch day := t.day(at); day {
	case t.day(t.now):
		return "Today"
	case t.day(t.now.AddDate(0, 0, -1)):
		return "Yesterday"
	default:
		return day
	}
}

// days groups entries, the newest first, by day. A line whose time isn't known has the day in UTC in its place, which
// can be another one than that of the reader.
func (t *teller) days(ctx context.Context, entries []accounts.Entry) (all []ui.LogDay, err error) {
	for _, e := range entries {
		timeless := e.TellsPresence()
		if title := t.title(e.At); len(all) == 0 || !timeless && all[len(all)-1].Title != title {
			all = append(all, ui.LogDay{Title: title})
		}
		line, err := t.line(ctx, e)
		if err != nil {
			return nil, err
		}
		if timeless {
			line.Day = e.At.UTC().Format("2 Jan")
		}
		last := &all[len(all)-1]
		last.Lines = append(last.Lines, line)
	}
	return all, nil
}

// line returns e as a sentence.
func (t *teller) line(ctx context.Context, e accounts.Entry) (ui.LogLine, error) {
	line := ui.LogLine{At: e.At, Via: viaWords[e.Via]}
	who, err := t.actor(ctx, e)
	if err != nil {
		return line, err
	}
	whom := "the board"
	if id := accounts.UserOf(e.Target); id != "" {
		if whom, err = t.name(ctx, id); err != nil {
			return line, err
		}
	}
	sentence, known := sentences[e.Action]
	if own, is := ownSentences[e.Action]; is && (e.Actor == accounts.Visitor || string(e.Actor) == e.Target) {
		who, sentence, known = whom, own, true
	}
	if !known {
		sentence = string(e.Action) + " {whom}"
	}
	e.Detail = t.named(e.Detail)
	line.Parts = append([]ui.LogPart{{Text: who, Bold: true}, {Text: " "}}, fill(sentence, whom, e.Detail)...)
	return line, nil
}

// named returns detail with the name of a provider instead of its key.
func (t *teller) named(detail map[string]string) map[string]string {
	if key := detail["provider"]; key != "" {
		return map[string]string{"provider": t.provider(key)}
	}
	return detail
}

// actor returns who did it.
func (t *teller) actor(ctx context.Context, e accounts.Entry) (string, error) {
	switch e.Actor {
	case accounts.System:
		return "Rollcall", nil
	case accounts.CommandLine:
		return "Somebody at the command line", nil
	case accounts.Visitor:
		return "A visitor", nil
	}
	if id := accounts.UserOf(e.Actor); id != "" {
		return t.name(ctx, id)
	}
	if key := accounts.ProviderOf(e.Actor); key != "" {
		return sentenceStart(t.provider(key)), nil
	}
	return string(e.Actor), nil
}

// logRow returns e as a row of a file. A line whose time would tell when somebody was here has only its day.
func (t *teller) logRow(ctx context.Context, e accounts.Entry) ([]string, error) {
	line, err := t.line(ctx, e)
	if err != nil {
		return nil, err
	}
	at := e.At.UTC().Format(time.RFC3339)
	if e.TellsPresence() {
		at = e.At.UTC().Format(time.DateOnly)
	}
	who, what := line.Parts[0].Text, strings.TrimSpace(sentence(line.Parts[1:]))
	return []string{at, who, what, string(e.Action), string(e.Actor), e.Target, string(e.Via), e.Address, e.Request}, nil
}
