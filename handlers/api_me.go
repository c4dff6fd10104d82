package handlers

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"rollcall/accounts"
	"rollcall/live"
	"rollcall/presence"
)

// meJSON is the caller's own account.
type meJSON struct {
	ID        string           `json:"id"`
	User      string           `json:"user"`
	Name      string           `json:"name"`
	Team      string           `json:"team,omitempty"`
	Admin     bool             `json:"admin"`
	TimeZone  string           `json:"time_zone,omitempty"`
	Privacy   privacyJSON      `json:"privacy"`
	CreatedAt time.Time        `json:"created_at"`
	Scopes    []accounts.Scope `json:"scopes,omitempty"` // of the token
}

// privacyJSON is what others may know.
type privacyJSON struct {
	Invisible bool   `json:"invisible"`
	LastSeen  string `json:"last_seen"` // approximate, exact or nobody
}

func privacyOf(u accounts.User) privacyJSON {
	return privacyJSON{u.Invisible, nameOf(lastSeenChoices, u.ShowLastSeen)}
}

func (s *Server) apiMe(_ context.Context, x *call) (reply, error) {
	u := x.caller.user
	return ok(meJSON{
		ID: u.ID, User: u.Username, Name: u.DisplayName, Team: u.Team, Admin: u.Admin, TimeZone: u.TimeZone,
		Privacy: privacyOf(u), CreatedAt: u.CreatedAt, Scopes: x.caller.token.Scopes,
	}), nil
}

// ownJSON is what people see of themselves. The part that others see, too, is in Shown.
type ownJSON struct {
	Shown      personJSON  `json:"shown"`
	Why        whyJSON     `json:"why"`
	NextChange *time.Time  `json:"next_change,omitempty"` // when the state or the text next changes if nothing else happens
	Devices    int         `json:"devices"`
	Invisible  bool        `json:"invisible"`
	Status     *statusJSON `json:"status,omitempty"`
}

// whyJSON is why a person has their state.
type whyJSON struct {
	Rule      string     `json:"rule"`
	Claim     string     `json:"claim,omitempty"`
	Until     *time.Time `json:"until,omitempty"`
	IdleAfter string     `json:"idle_after,omitempty"` // a duration, or never
}

// ruleNames names the rules for programs.
var ruleNames = map[presence.Rule]string{
	presence.ByDisabled: "disabled", presence.ByInvisible: "invisible", presence.ByNoConnection: "no_connection",
	presence.ByStatus: "status", presence.ByClaim: "claim", presence.ByInput: "recent_input",
	presence.ByIdleness: "no_recent_input",
}

func whyOf(w presence.Why) whyJSON {
	y := whyJSON{Rule: ruleNames[w.Rule], Claim: w.Claim, Until: timeOf(w.Until)}
	switch {
	case w.Rule != presence.ByInput && w.Rule != presence.ByIdleness:
	case w.Idle < 0:
		y.IdleAfter = "never"
	default:
		y.IdleAfter = strings.TrimSuffix(w.Idle.String(), "m0s") + "m"
		if w.Idle%time.Minute != 0 {
			y.IdleAfter = w.Idle.String()
		}
	}
	return y
}

// apiMyPresence answers with what people see of themselves. The row is the one that the audience Full gets.
func (s *Server) apiMyPresence(ctx context.Context, x *call) (reply, error) {
	if err := s.live.CatchUp(ctx); err != nil {
		return reply{}, notRead(fmt.Errorf("own presence: %w", err))
	}
	own := s.live.Own(x.caller.user.Person)
	y := ownJSON{
		Shown: personJSON{userJSON: userOf(own.Entry.Row), Stale: own.Entry.Row.Stale}, Why: whyOf(own.Why), Devices: own.Devices,
		Invisible: own.Why.Rule == presence.ByInvisible, NextChange: timeOf(soonestOf(own.Why.Until, own.View.Until)),
	}
	if set := own.Status; set != nil {
		y.Status = &statusJSON{string(set.State), set.Text, set.Emoji, timeOf(set.Until), set.SetAt}
		y.NextChange = timeOf(soonestOf(own.Why.Until, own.View.Until, set.Until))
	}
	r := ok(y)
	r.watch = []live.Want{{Eyes: x.caller.user.Person, Own: true}}
	return r, nil
}

// soonestOf returns the earliest of times, of which zero ones don't count.
func soonestOf(times ...time.Time) (first time.Time) {
	for _, t := range times {
		if !t.IsZero() && (first.IsZero() || t.Before(first)) {
			first = t
		}
	}
	return first
}

// statusJSON is a status that a person set by hand.
type statusJSON struct {
	State string     `json:"state,omitempty"` // online, away or dnd; missing: automatic
	Text  string     `json:"text,omitempty"`
	Emoji string     `json:"emoji,omitempty"`
	Until *time.Time `json:"until,omitempty"`
	SetAt time.Time  `json:"set_at,omitzero"`
}

// statusInput is a status to set. In a PATCH, what is missing stays as it is, and null clears it.
type statusInput struct {
	State optional[string]    `json:"state"`
	Text  optional[string]    `json:"text"`
	Emoji optional[string]    `json:"emoji"`
	Until optional[time.Time] `json:"until"`
	For   optional[string]    `json:"for"` // a duration, instead of until
}

// maxStatus is how long a status can last.
const maxStatus = 365 * day

// end returns when a status ends. was is its end as it is.
func (in statusInput) end(was time.Time, now time.Time) (time.Time, string, error) {
	switch {
	case in.Until.Set && in.For.Set && !in.Until.Null && !in.For.Null:
		return was, "", &accounts.FieldError{Field: "for", Code: notBoth, Detail: "until"}
	case in.For.Set && !in.For.Null:
		d, err := lasting("for", in.For.Value, maxStatus)
		return now.Add(d), lastsFor(d), err
	case in.Until.Set && !in.Until.Null:
		return in.Until.Value, accounts.LastsAt, nil
	case in.Until.Set || in.For.Set:
		return time.Time{}, accounts.LastsForever, nil
	}
	return was, accounts.LastsAt, nil
}

// lastsFor returns how the menu of statuses names a duration.
func lastsFor(d time.Duration) string {
	names := map[time.Duration]string{30 * time.Minute: accounts.Lasts30Min, time.Hour: accounts.Lasts1Hour,
		2 * time.Hour: accounts.Lasts2Hours, 4 * time.Hour: accounts.Lasts4Hours}
	if name, known := names[d]; known {
		return name
	}
	return accounts.LastsAt
}

// apiPutStatus replaces the status, and apiPatchStatus changes what the body names.
func (s *Server) apiPutStatus(ctx context.Context, x *call) (reply, error) {
	return s.saveStatusOf(ctx, x, accounts.Status{})
}

func (s *Server) apiPatchStatus(ctx context.Context, x *call) (reply, error) {
	was := x.caller.user.Status
	if !was.Until.IsZero() && !time.Now().Before(was.Until) {
		was = accounts.Status{} // it's over
	}
	return s.saveStatusOf(ctx, x, was)
}

func (s *Server) saveStatusOf(ctx context.Context, x *call, was accounts.Status) (reply, error) {
	in, err := decode[statusInput](x.Request)
	if err != nil {
		return reply{}, err
	}
	until, lasts, err := in.end(was.Until, time.Now())
	if err != nil {
		return reply{}, err
	}
	if until.IsZero() {
		lasts = accounts.LastsForever
	}
	set := accounts.Status{State: in.State.or(was.State), Text: strings.TrimSpace(in.Text.or(was.Text)),
		Emoji: strings.TrimSpace(in.Emoji.or(was.Emoji)), Until: until}
	if set.State == "" && set.Text == "" && set.Emoji == "" {
		set, lasts = accounts.Status{}, accounts.LastsForever // the end doesn't matter
	}
	if err := s.cfg.Accounts.SetStatus(ctx, x.caller.user.ID, set, lasts); err != nil {
		return reply{}, changeFailure(err, "set status")
	}
	u, err := s.cfg.Accounts.UserByID(ctx, x.caller.user.ID)
	if err != nil {
		return reply{}, notRead(fmt.Errorf("set status: %w", err))
	}
	w := u.Status
	return ok(statusJSON{w.State, w.Text, w.Emoji, timeOf(w.Until), w.SetAt}), nil
}

// apiClearStatus clears the status.
func (s *Server) apiClearStatus(ctx context.Context, x *call) (reply, error) {
	err := s.cfg.Accounts.SetStatus(ctx, x.caller.user.ID, accounts.Status{}, accounts.LastsForever)
	if err != nil {
		return reply{}, changeFailure(err, "clear status")
	}
	return none(), nil
}

// privacyInput is what others may know.
type privacyInput struct {
	Invisible optional[bool]   `json:"invisible"`
	LastSeen  optional[string] `json:"last_seen"`
}

// apiPutPrivacy changes what others may know. Fields that are missing stay as they are.
func (s *Server) apiPutPrivacy(ctx context.Context, x *call) (reply, error) {
	in, err := decode[privacyInput](x.Request)
	switch {
	case err != nil:
		return reply{}, err
	case in.Invisible.Null:
		return reply{}, &accounts.FieldError{Field: "invisible", Code: wrongType, Detail: "true or false"}
	case in.Invisible.Value && s.inForce().Invisible != "on":
		return reply{}, &failure{Status: http.StatusForbidden, Message: "Invisibility is switched off on this Rollcall."}
	}
	id := x.caller.user.ID
	if in.LastSeen.Set {
		show, known := lastSeenChoices[in.LastSeen.Value]
		if !known {
			return reply{}, &accounts.FieldError{Field: "last_seen", Code: accounts.NotAnOption}
		}
		if err := s.cfg.Accounts.ChangePreferences(ctx, id, func(p *accounts.Preferences) { p.ShowLastSeen = show }); err != nil {
			return reply{}, changeFailure(err, "set privacy")
		}
	}
	if in.Invisible.Set {
		if err := s.cfg.Accounts.SetInvisible(ctx, id, in.Invisible.Value); err != nil {
			return reply{}, changeFailure(err, "set invisible")
		}
	}
	u, err := s.cfg.Accounts.UserByID(ctx, id)
	if err != nil {
		return reply{}, notRead(fmt.Errorf("set privacy: %w", err))
	}
	return ok(privacyOf(u)), nil
}

// changeFailure returns what to answer about an error of a change.
func changeFailure(err error, what string) error {
	if f := accountFailure(err, what); f != nil {
		return f
	}
	return notSaved(fmt.Errorf("%s: %w", what, err))
}
