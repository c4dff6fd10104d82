package command

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"

	"rollcall/accounts"
)

// Limits of one run of log.
const (
	maxLogLines = 1_000_000 // the audit log seldom has more
	logPage     = 1000      // lines read at once
)

// logCmd prints the audit log.
type logCmd struct {
	storage

	User   string `placeholder:"NAME" help:"Only what this person did and what others did to their account. For a deleted account, its ID."`
	Action string `placeholder:"ACTION" help:"Only this, for example user.delete."`
	Limit  int    `default:"50" help:"How many lines to print, the newest ones."`
	JSON   bool   `help:"Print a JSON array."`
}

// logLine is one line in log --json. If people did something to their own account, it has only the day, because the
// time would say when they were here.
type logLine struct {
	ID         string            `json:"id,omitempty"`
	At         string            `json:"at"` // RFC 3339, or only the day
	Action     accounts.Action   `json:"action"`
	Actor      accounts.Actor    `json:"actor"`
	ActorName  string            `json:"actor_name"`
	Via        accounts.Via      `json:"via"`
	Target     string            `json:"target"`
	TargetName string            `json:"target_name"`
	Address    string            `json:"address,omitempty"`
	Request    string            `json:"request,omitempty"`
	Detail     map[string]string `json:"detail,omitempty"`
}

// Run prints lines of the audit log, the newest first.
func (c *logCmd) Run(ctx context.Context, con *console) error {
	if c.Limit < 1 || c.Limit > maxLogLines {
		return fmt.Errorf("--limit %d: write a number from 1 to %d", c.Limit, maxLogLines)
	}
	if c.Action != "" && !slices.Contains(auditActions(), accounts.Action(c.Action)) {
		return fmt.Errorf("there is no action %q: use %s", c.Action, alternatives(texts(auditActions())))
	}
	store, err := c.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	entries, err := c.read(ctx, con, store)
	if err != nil {
		return err
	}
	lines, err := logLines(ctx, store, entries)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(con.stdout, lines)
	}
	if len(lines) == 0 {
		_, err := fmt.Fprintln(con.stdout, "There are no lines.")
		return err
	}
	rows := [][]string{{"TIME (UTC)", "ACTION", "BY", "ON", "FROM", "DETAILS"}}
	for i, l := range lines {
		at := l.At
		if !isOwn(entries[i]) {
			at = entries[i].At.Format(tableTime + ":05")
		}
		rows = append(rows, []string{at, string(l.Action), l.ActorName, dash(l.TargetName), dash(l.Address),
			dash(details(l.Detail))})
	}
	return printTable(con.stdout, rows)
}

// read returns the lines that the flags select, in the order in which they're printed.
func (c *logCmd) read(ctx context.Context, con *console, store *accounts.Store) ([]accounts.Entry, error) {
	queries := []accounts.AuditQuery{{Action: accounts.Action(c.Action)}}
	if c.User != "" {
		id, err := c.userID(ctx, con, store)
		if err != nil {
			return nil, err
		}
		queries = []accounts.AuditQuery{{Actor: accounts.ByUser(id)}, {Target: accounts.TargetUser(id)}}
	}
	var all []accounts.Entry
	for _, q := range queries {
		found, err := c.newest(ctx, store, q)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b accounts.Entry) int { return strings.Compare(b.ID, a.ID) })
	all = slices.CompactFunc(all, func(a, b accounts.Entry) bool { return a.ID == b.ID })
	all = all[:min(len(all), c.Limit)]
	slices.SortStableFunc(all, compareDays)
	return all, nil
}

// userID returns the ID of the person in --user.
func (c *logCmd) userID(ctx context.Context, con *console, store *accounts.Store) (string, error) {
	if _, err := uuid.Parse(c.User); err == nil { // longer than any username
		return c.User, nil
	}
	user, err := c.person(ctx, con, store, c.User)
	return user.ID, err
}

// newest reads up to --limit lines.
func (c *logCmd) newest(ctx context.Context, store *accounts.Store, q accounts.AuditQuery) ([]accounts.Entry, error) {
	var found []accounts.Entry
	for q.Limit = logPage; ; {
		page, err := store.Audit(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, e := range page {
			if c.Action == "" || string(e.Action) == c.Action {
				found = append(found, e)
			}
		}
		if len(page) < logPage || len(found) >= c.Limit {
			return found[:min(len(found), c.Limit)], nil
		}
		q.Before = page[len(page)-1].ID
	}
}

// isOwn reports whether somebody acted on their own account, or without one.
func isOwn(e accounts.Entry) bool {
	by := accounts.UserOf(e.Actor)
	return e.TellsPresence() || e.Actor == accounts.Visitor || by != "" && by == accounts.UserOf(e.Target)
}

// compareDays puts the lines without a time at the end of their day, in an order that doesn't tell the time either.
// Other lines keep their order within the day.
func compareDays(a, b accounts.Entry) int {
	own := map[bool]int{true: 1}
	order := cmp.Or(strings.Compare(b.At.Format(time.DateOnly), a.At.Format(time.DateOnly)),
		own[isOwn(a)]-own[isOwn(b)])
	if order == 0 && isOwn(a) {
		order = cmp.Or(cmp.Compare(a.Action, b.Action), strings.Compare(a.Target, b.Target))
	}
	return order
}

func logLines(ctx context.Context, store *accounts.Store, entries []accounts.Entry) ([]logLine, error) {
	lines, names := []logLine{}, newAccountNames(store)
	for _, e := range entries {
		by, err := names.of(ctx, string(e.Actor))
		if err != nil {
			return nil, err
		}
		on, err := names.of(ctx, e.Target)
		if err != nil {
			return nil, err
		}
		line := logLine{Action: e.Action, Actor: e.Actor, ActorName: by, Via: e.Via, Target: e.Target, TargetName: on,
			Detail: e.Detail, At: e.At.Format(time.DateOnly)}
		if !isOwn(e) { // the ID has the time, too, and the request leads to it
			line.ID, line.At, line.Address, line.Request = e.ID, e.At.Format(time.RFC3339Nano), e.Address, e.Request
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// details formats the details of a line, in the order of their names.
func details(of map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		value := of[name]
		plain := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.", r) }
		if value == "" || strings.ContainsFunc(value, func(r rune) bool { return !plain(r) }) {
			value = strconv.Quote(value)
		}
		parts = append(parts, name+"="+value)
	}
	return strings.Join(parts, " ")
}

// auditActions returns all actions, in the order of the accounts package.
func auditActions() []accounts.Action {
	return []accounts.Action{
		accounts.UserCreated, accounts.UserRenamed, accounts.UserMoved, accounts.UserDisabled, accounts.UserEnabled,
		accounts.UserDeleted, accounts.AdminGranted, accounts.AdminRevoked, accounts.PasswordSet, accounts.SessionsEnded,
		accounts.EmailSet, accounts.FactorsReset, accounts.ResetLinkMade, accounts.ResetLinkUsed,
		accounts.InvitationMade, accounts.InvitationUsed, accounts.InvitationEnded,
		accounts.PersonApproved, accounts.PersonDeclined, accounts.TeamRenamed,
		accounts.TeamMerged, accounts.TeamDeleted, accounts.TeamsPaired, accounts.TeamsUnpaired,
		accounts.ShareMade, accounts.ShareRevoked, accounts.TokenCreated, accounts.TokenRevoked,
		accounts.SettingsChanged, accounts.PeopleImported,
		accounts.HookMade, accounts.HookChanged, accounts.HookRotated, accounts.HookDeleted,
		accounts.IdentityLinked, accounts.IdentityUnlinked, accounts.PeopleExported, accounts.AuditExported,
		accounts.BoardSetUp,
	}
}

func texts[T ~string](of []T) []string {
	all := make([]string, len(of))
	for i, one := range of {
		all[i] = string(one)
	}
	return all
}
