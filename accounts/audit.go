package accounts

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// Via says how an act reached Rollcall.
type Via string

// The values of Via.
const (
	ViaWeb      Via = "web"
	ViaCLI      Via = "cli"
	ViaAPI      Via = "api"
	ViaProvider Via = "oidc" // a single sign-on provider
	ViaSystem   Via = "system"
)

// Origin says where the writes of a context come from, for the audit log.
type Origin struct {
	Via     Via
	Address string // of the browser
	Request string // ID of the request, as in the log of the server
}

type originKey struct{}

// Through returns a context whose writes come from o.
func Through(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

func originOf(ctx context.Context, actor Actor) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	if o.Via == "" {
		switch actor {
		case CommandLine:
			o.Via = ViaCLI
		case System:
			o.Via = ViaSystem
		default:
			o.Via = ViaWeb
		}
	}
	return o
}

// Action is what somebody did, as noun.verb.
type Action string

// The actions in the audit log. Sign-ins, presence and statuses are never in it, because that would be a history of
// presence.
const (
	UserCreated     Action = "user.create"
	UserRenamed     Action = "user.rename"
	UserMoved       Action = "user.team" // detail: team, from
	UserDisabled    Action = "user.disable"
	UserEnabled     Action = "user.enable"
	UserDeleted     Action = "user.delete"
	AdminGranted    Action = "admin.grant"
	AdminRevoked    Action = "admin.revoke"
	PasswordSet     Action = "password.set" // by somebody else
	SessionsEnded   Action = "sessions.end" // by somebody else
	FactorsReset    Action = "factors.reset"
	EmailSet        Action = "email.set" // by somebody else
	ResetLinkMade   Action = "reset_link.create"
	ResetLinkUsed   Action = "reset_link.use"
	InvitationMade  Action = "invitation.create"
	InvitationUsed  Action = "invitation.use"
	InvitationEnded Action = "invitation.revoke"
	PersonApproved  Action = "signup.approve"
	PersonDeclined  Action = "signup.decline"
	TeamRenamed     Action = "team.rename" // detail: team, from
	TeamMerged      Action = "team.merge"  // detail: team, from
	TeamDeleted     Action = "team.delete"
	TeamsPaired     Action = "team.pair"       // detail: team, other
	TeamsUnpaired   Action = "team.unpair"     // detail: team, other
	SettingsChanged Action = "settings.change" // detail: the settings and their new values
	PeopleImported  Action = "people.import"   // detail: people
	PeopleExported  Action = "people.export"
	AuditExported   Action = "audit.export"
	BoardSetUp      Action = "board.setup"

	ShareMade    Action = "share.create" // detail: kind
	ShareRevoked Action = "share.revoke" // detail: kind

	HookMade    Action = "hook.create" // detail: format, about
	HookChanged Action = "hook.change" // the same
	HookRotated Action = "hook.rotate" // the same; it has a new secret
	HookDeleted Action = "hook.delete" // the same

	IdentityLinked   Action = "identity.link"   // detail: provider
	IdentityUnlinked Action = "identity.unlink" // detail: provider

	TokenCreated Action = "token.create" // detail: scopes
	TokenRevoked Action = "token.revoke" // detail: tokens, their number
)

// Entry is one line of the audit log.
type Entry struct {
	ID      string // UUIDv7; entries sort by it
	At      time.Time
	Actor   Actor
	Via     Via
	Action  Action
	Target  string // "user:" and the ID of a person, or "" for the board
	Address string // of the browser of whoever did it; "" after AuditAddressAge
	Request string
	Detail  map[string]string // names of what was changed, and values that aren't personal
}

// TellsPresence reports whether the time of e would tell when somebody was here, because they did it themself or
// because it happened when they signed in. New and deleted accounts are different: everyone sees them come and go.
func (e Entry) TellsPresence() bool {
	switch e.Action {
	case ResetLinkUsed:
		return true
	case IdentityLinked, IdentityUnlinked:
		return ProviderOf(e.Actor) != "" || string(e.Actor) == e.Target
	case TokenCreated, TokenRevoked, ShareMade, ShareRevoked, HookMade, HookChanged, HookRotated, HookDeleted:
		return string(e.Actor) == e.Target
	case UserMoved, AdminGranted, AdminRevoked:
		return ProviderOf(e.Actor) != ""
	}
	return false
}

// TargetUser returns the target of acts on a person.
func TargetUser(id string) string { return "user:" + id }

// UserOf returns the ID of the person whom an Actor or a target is about, or "".
func UserOf[T ~string](text T) string {
	id, ok := strings.CutPrefix(string(text), "user:")
	if !ok {
		return ""
	}
	return id
}

const (
	sqlAddAudit = `INSERT INTO audit (id, at, actor, via, action, target, address, request, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`

	auditColumns     = `SELECT id, at, actor, via, action, target, address, request, detail FROM audit `
	sqlAudit         = auditColumns + `WHERE id < $1 ORDER BY id DESC LIMIT $2`
	sqlAuditByActor  = auditColumns + `WHERE actor = $3 AND id < $1 ORDER BY id DESC LIMIT $2`
	sqlAuditByTarget = auditColumns + `WHERE target = $3 AND id < $1 ORDER BY id DESC LIMIT $2`
	sqlAuditByAction = auditColumns + `WHERE action = $3 AND id < $1 ORDER BY id DESC LIMIT $2`

	sqlAuditOfPeople = auditColumns + `WHERE target <> '' AND id < $1 ORDER BY id DESC LIMIT $2`
	sqlAuditOfBoard  = auditColumns + `WHERE target = '' AND id < $1 ORDER BY id DESC LIMIT $2`

	sqlAuditAbout = auditColumns + `WHERE id < $1 AND id IN (SELECT id FROM audit WHERE target = $3
		UNION SELECT id FROM audit WHERE actor = $4) ORDER BY id DESC LIMIT $2`

	maxAuditPage = 1000
)

// audit adds a line to the audit log, in the transaction of the act itself. After the commit, the line is also logged.
// Error: ErrTooManyActs.
func (t *transaction) audit(ctx context.Context, action Action, target string, detail map[string]string) error {
	if err := wantRoomInAudit(ctx, t, target); err != nil {
		return err
	}
	o := originOf(ctx, t.actor)
	e := Entry{
		At: at(t.now), Actor: t.actor, Via: o.Via, Action: action, Target: target,
		Address: clip(o.Address, maxAddress), Request: clip(o.Request, maxAddress), Detail: detail,
	}
	if err := e.identify(); err != nil {
		return err
	}
	text, err := detailText(detail)
	if err != nil {
		return err
	}
	_, err = t.exec(ctx, sqlAddAudit, e.ID, milli(e.At), string(e.Actor), string(e.Via), string(e.Action), e.Target, e.Address,
		e.Request, text)
	t.audited = append(t.audited, e)
	if err != nil || e.TellsPresence() { // when people use their link is nobody's business
		return err
	}
	return t.changesLists(ctx)
}

// identify gives e an ID. If the time of e would tell when somebody was here, nothing that is stored has it: At is the
// beginning of the day (UTC), and the ID is one of its end. Audit returns such lines after that.
func (e *Entry) identify() error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	if e.TellsPresence() {
		const day = 24 * time.Hour
		e.At = e.At.Truncate(day)
		copy(id[:6], idTime(e.At.Add(day-time.Millisecond)))
		rand.Read(id[6:8]) // has a part of the time, too
		id[6] = id[6]&0x0f | 0x70
		e.Address, e.Request = "", ""
	}
	e.ID = id.String()
	return nil
}

// idTime returns the first six bytes of IDs of a time (RFC 9562, section 5.7).
func idTime(at time.Time) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(at.UnixMilli()))[2:]
}

// untilNow returns the ID before which all lines can be read now. IDs have the time of the system's clock; a line of a
// server whose clock is ahead can be read that much later.
func untilNow() string {
	var id uuid.UUID
	copy(id[:6], idTime(time.Now().Add(time.Millisecond)))
	return id.String()
}

// detailText returns detail as it's stored, with values that are cut until it has at most maxDetail bytes.
func detailText(detail map[string]string) (string, error) {
	if len(detail) == 0 {
		return "", nil
	}
	for limit := maxDetail; ; limit /= 2 {
		cut := make(map[string]string, len(detail))
		for name, value := range detail {
			cut[name] = clip(value, limit)
		}
		text, err := json.Marshal(cut)
		if err != nil || len(text) <= maxDetail || limit == 0 {
			return string(text), err
		}
	}
}

// auditUser is audit about a person, unless they did it to themself.
func (t *transaction) auditUser(ctx context.Context, action Action, id string, detail map[string]string) error {
	if t.actor == ByUser(id) {
		return nil
	}
	return t.audit(ctx, action, TargetUser(id), detail)
}

// logAudited writes the lines of a transaction to the log, from where operators can take them elsewhere.
func (s *Store) logAudited(t *transaction) {
	for _, e := range t.audited {
		attrs := []any{"action", string(e.Action), "actor", string(e.Actor), "via", string(e.Via)}
		for _, more := range []struct{ key, value string }{{"target", e.Target}, {"address", e.Address}, {"request", e.Request}} {
			if more.value != "" {
				attrs = append(attrs, more.key, more.value)
			}
		}
		for _, key := range slices.Sorted(maps.Keys(e.Detail)) {
			attrs = append(attrs, "detail_"+key, e.Detail[key])
		}
		s.log.Info("audit", attrs...)
	}
}

// AuditScope selects lines of the audit log by what they're about.
type AuditScope string

// The values of AuditScope.
const (
	AboutAll    AuditScope = ""
	AboutPeople AuditScope = "people" // single people
	AboutBoard  AuditScope = "board"  // teams, invitations, settings, imports and exports
)

// AuditQuery selects lines of the audit log. At most one of Actor, Target, Action, About and Scope may be set.
type AuditQuery struct {
	Actor  Actor
	Target string
	Action Action
	About  string // the ID of a person: lines whose actor or target they are
	Scope  AuditScope
	Before string // the ID of an entry: only older ones
	Limit  int    // at most 1,000; 0: 50
}

// Audit returns lines of the audit log, the newest first.
func (s *Store) Audit(ctx context.Context, q AuditQuery) ([]Entry, error) {
	if q.Limit <= 0 {
		q.Limit = 50
	}
	text, args := sqlAudit, []any{untilNow(), min(q.Limit, maxAuditPage)}
	if q.Before != "" {
		args[0] = min(q.Before, untilNow())
	}
	switch {
	case q.Actor != "":
		text, args = sqlAuditByActor, append(args, string(q.Actor))
	case q.Target != "":
		text, args = sqlAuditByTarget, append(args, q.Target)
	case q.Action != "":
		text, args = sqlAuditByAction, append(args, string(q.Action))
	case q.About != "":
		text, args = sqlAuditAbout, append(args, TargetUser(q.About), string(ByUser(q.About)))
	case q.Scope == AboutPeople:
		text = sqlAuditOfPeople
	case q.Scope == AboutBoard:
		text = sqlAuditOfBoard
	}
	entries, err := readAudit(ctx, s.r, text, args...)
	return entries, wrap("read the audit log", err)
}

func readAudit(ctx context.Context, from reader, text string, args ...any) ([]Entry, error) {
	type auditRow struct {
		Entry
		at     int64
		detail string
	}
	rows, err := from.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	found, err := collect(rows, func(r *auditRow) []any {
		return []any{&r.ID, &r.at, &r.Actor, &r.Via, &r.Action, &r.Target, &r.Address, &r.Request, &r.detail}
	})
	entries := make([]Entry, len(found))
	for i, r := range found {
		entries[i] = r.Entry
		entries[i].At = at(r.at)
		if json.Unmarshal([]byte(r.detail), &entries[i].Detail) != nil {
			entries[i].Detail = nil // none
		}
	}
	return entries, err
}

// RecordExport adds a line about an export to the audit log.
func (s *Store) RecordExport(ctx context.Context, action Action) error {
	return wrap("record an export", s.write(ctx, func(ctx context.Context, t *transaction) error {
		return t.audit(ctx, action, "", nil)
	}))
}
