package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"rollcall/accounts"
)

// teamJSON is a team.
type teamJSON struct {
	Team   string `json:"team"`
	People int    `json:"people"` // who are enabled
}

type teamsJSON struct {
	Teams []teamJSON `json:"teams"`
}

// apiTeams lists teams, in the order of the board.
func (s *Server) apiTeams(ctx context.Context, _ *call) (reply, error) {
	teams, err := s.cfg.Accounts.Tally(ctx)
	if err != nil {
		return reply{}, notRead(fmt.Errorf("list teams: %w", err))
	}
	list := teamsJSON{Teams: []teamJSON{}}
	for _, t := range teams {
		if t.Name != "" {
			list.Teams = append(list.Teams, teamJSON{t.Name, t.People})
		}
	}
	return ok(list), nil
}

// teamPatch renames a team.
type teamPatch struct {
	Name  string `json:"name"`
	Merge bool   `json:"merge"` // the name may be that of another team, into which this one goes
}

// movedJSON says how many people were moved.
type movedJSON struct {
	People int `json:"people"`
}

// apiPatchTeam renames a team, or merges it into another one.
func (s *Server) apiPatchTeam(ctx context.Context, x *call) (reply, error) {
	in, err := decode[teamPatch](x.Request)
	if err != nil {
		return reply{}, err
	}
	from := x.params["team"]
	teams, err := s.cfg.Accounts.Tally(ctx)
	if err != nil {
		return reply{}, notRead(fmt.Errorf("team: %w", err))
	}
	key := accounts.TeamKey(in.Name)
	taken := key != accounts.TeamKey(from) && slices.ContainsFunc(teams, func(t accounts.Team) bool { return t.Key == key })
	switch {
	case in.Name == "":
		return reply{}, &accounts.FieldError{Field: "name", Code: accounts.Missing}
	case taken && !in.Merge:
		return reply{}, &accounts.FieldError{Field: "name", Code: teamExists}
	case in.Merge && !taken:
		return reply{}, &accounts.FieldError{Field: "name", Code: otherExisting}
	}
	return s.moveTeam(ctx, from, in.Name)
}

// apiDeleteTeam leaves everybody in a team without one.
func (s *Server) apiDeleteTeam(ctx context.Context, x *call) (reply, error) {
	return s.moveTeam(ctx, x.params["team"], "")
}

func (s *Server) moveTeam(ctx context.Context, from, to string) (reply, error) {
	n, err := s.cfg.Accounts.RenameTeam(ctx, from, to)
	switch {
	case errors.Is(err, accounts.ErrNotFound):
		return reply{}, noTeam(err)
	case err != nil:
		return reply{}, changeFailure(err, "change this team")
	}
	return ok(movedJSON{n}), nil
}

// invitationJSON is an invitation.
type invitationJSON struct {
	ID        string    `json:"id"`
	Label     string    `json:"label,omitempty"`
	Team      string    `json:"team,omitempty"`
	Uses      int       `json:"uses"`
	UsesLeft  int       `json:"uses_left"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
	URL       string    `json:"url,omitempty"` // only in the reply that made it
}

func invitationOf(i accounts.Invitation) invitationJSON {
	return invitationJSON{ID: i.ID, Label: i.Label, Team: i.Team, Uses: i.Uses, UsesLeft: i.UsesLeft, CreatedAt: i.CreatedAt,
		ExpiresAt: i.ExpiresAt}
}

type invitationsJSON struct {
	Invitations []invitationJSON `json:"invitations"`
}

// apiInvitations lists the invitations that can still be used.
func (s *Server) apiInvitations(ctx context.Context, _ *call) (reply, error) {
	all, err := s.cfg.Accounts.Invitations(ctx)
	if err != nil {
		return reply{}, notRead(fmt.Errorf("list invitations: %w", err))
	}
	list := invitationsJSON{Invitations: []invitationJSON{}}
	for _, i := range all {
		list.Invitations = append(list.Invitations, invitationOf(i))
	}
	return ok(list), nil
}

// invitationInput is an invitation to make.
type invitationInput struct {
	Label string        `json:"label"`
	Team  string        `json:"team"`
	Uses  optional[int] `json:"uses"`  // missing: 1
	Days  optional[int] `json:"days"`  // missing: 7
	Email string        `json:"email"` // to which the link is sent, instead of being in the reply; "": to none
}

// apiInvite makes an invitation.
func (s *Server) apiInvite(ctx context.Context, x *call) (reply, error) {
	in, err := decode[invitationInput](x.Request)
	if err != nil {
		return reply{}, err
	}
	if in.Email != "" && !s.sendsMail() {
		return reply{}, noMail()
	}
	n := accounts.NewInvitation{Label: in.Label, Team: in.Team, Uses: in.Uses.or(1), Email: in.Email,
		Age: accounts.MaxInviteAge + 1}
	if days := in.Days.or(7); days <= int(accounts.MaxInviteAge/day) {
		n.Age = time.Duration(days) * day
	}
	token, made, err := s.cfg.Accounts.Invite(ctx, n)
	if err != nil {
		return reply{}, changeFailure(err, "create an invitation")
	}
	body := invitationOf(made)
	if in.Email == "" {
		body.URL = s.linkFor(x.Host, "/join/", token)
	}
	return s.created("/admin/invitations/"+made.ID, body), nil
}

// apiRevokeInvitation ends an invitation.
func (s *Server) apiRevokeInvitation(ctx context.Context, x *call) (reply, error) {
	err := accounts.ErrNoLink
	if id := x.params["id"]; plainID(id) {
		err = s.cfg.Accounts.Revoke(ctx, id)
	}
	switch {
	case errors.Is(err, accounts.ErrNoLink):
		return reply{}, &failure{Status: http.StatusNotFound, Message: "There's no invitation with this ID.", Err: err}
	case err != nil:
		return reply{}, changeFailure(err, "revoke this invitation")
	}
	return none(), nil
}

// entryJSON is a line of the audit log. A line whose time would tell when somebody was here has only its day.
type entryJSON struct {
	ID      string            `json:"id"`
	At      string            `json:"at"` // a time, or a day
	Actor   string            `json:"actor"`
	Via     accounts.Via      `json:"via"`
	Action  accounts.Action   `json:"action"`
	Target  string            `json:"target,omitempty"`
	Address string            `json:"address,omitempty"`
	Request string            `json:"request_id,omitempty"`
	Detail  map[string]string `json:"detail,omitempty"`
}

type entriesJSON struct {
	Entries []entryJSON `json:"entries"`
	Next    string      `json:"next,omitempty"`
}

// apiAudit lists lines of the audit log, the newest first.
func (s *Server) apiAudit(ctx context.Context, x *call) (reply, error) {
	v := x.URL.Query()
	limit, err := limitOf(v, logPage, maxLogBatch-1)
	if err != nil {
		return reply{}, err
	}
	q := accounts.AuditQuery{Limit: limit + 1, Before: v.Get("cursor"), Action: accounts.Action(v.Get("action"))}
	if q.Before != "" && !plainID(q.Before) {
		return reply{}, badCursor(accounts.ErrCursor)
	}
	if name := v.Get("user"); name != "" {
		user, err := s.cfg.Accounts.UserByName(ctx, name)
		switch {
		case errors.Is(err, accounts.ErrNotFound):
			return reply{}, noAccount(err)
		case err != nil:
			return reply{}, notRead(fmt.Errorf("audit log: %w", err))
		case q.Action != "":
			return reply{}, &failure{Status: http.StatusBadRequest, Message: "Give either user or action, not both."}
		}
		q.About = user.ID
	}
	all, err := s.cfg.Accounts.Audit(ctx, q)
	if err != nil {
		return reply{}, notRead(fmt.Errorf("audit log: %w", err))
	}
	return s.entriesReply(all, limit, v), nil
}

func (s *Server) entriesReply(all []accounts.Entry, limit int, v url.Values) reply {
	list := entriesJSON{Entries: []entryJSON{}}
	var header http.Header
	if len(all) > limit {
		all = all[:limit]
		list.Next = all[limit-1].ID
		v.Set("cursor", list.Next)
		v.Set("limit", strconv.Itoa(limit))
		header = s.nextLink("/admin/audit", v)
	}
	for _, e := range all {
		at := e.At.UTC().Format(time.RFC3339)
		if e.TellsPresence() {
			at = e.At.UTC().Format(time.DateOnly)
		}
		list.Entries = append(list.Entries,
			entryJSON{e.ID, at, string(e.Actor), e.Via, e.Action, e.Target, e.Address, e.Request, e.Detail})
	}
	r := ok(list)
	r.header = header
	return r
}
