package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

const (
	atLayout  = "2006-01-02T15:04" // of <input type=datetime-local>
	usualTime = time.Hour          // the suggested end is this far ahead
	roundTime = 15 * time.Minute
)

// statusForm returns the form with the current status. It holds the end as a time, so that changing only the text keeps
// the end.
func statusForm(user accounts.User, zone *time.Location, now time.Time) ui.StatusForm {
	f := ui.StatusForm{Zone: user.TimeZone,
		At: now.Add(usualTime).Add(roundTime).Truncate(roundTime).In(zone).Format(atLayout)}
	if user.TimeZone == "" {
		f.At = ""
	}
	w := user.Status
	if !w.Until.IsZero() && !now.Before(w.Until) {
		return f // ended
	}
	f.Text, f.Emoji = w.Text, w.Emoji
	f.Live = w.State != "" || w.Text != "" || w.Emoji != ""
	if !w.Until.IsZero() {
		f.Lasts, f.At, f.End = accounts.LastsAt, w.Until.In(zone).Format(atLayout), w.Until.In(zone)
	}
	return f
}

// unfilled returns the form for a new status while set is the current one.
func unfilled(set ui.StatusForm) ui.StatusForm {
	f := ui.StatusForm{Zone: set.Zone, Live: set.Live}
	if set.Lasts == "" {
		f.At = set.At
	}
	return f
}

// setStatus sets the status of the form or of a preset, or clears it.
func (s *Server) setStatus(c echo.Context) error {
	fields, err := s.readAct(c)
	if fields == nil {
		return err
	}
	form := typedStatus(fields)
	var over *failure
	switch {
	case errors.As(err, &over) && !ofPanel(c): // the script keeps the form and shows the message
		return s.refuseStatus(c, beside(fields, &form.StatusForm), over)
	case err != nil:
		return err
	}
	ctx, user := c.Request().Context(), signedIn(c).user
	zone, err := s.zoneOf(ctx, user, fields)
	if err != nil {
		return err
	}
	what := "set"
	switch {
	case fields.Has("preset"):
		if form, err = s.preset(ctx, user.ID, fields.Get("preset")); err != nil {
			return err
		}
	case fields.Has("clear"):
		form, what = status{}, "cleared"
	case fields.Has("keep") && form.Text == "" && form.Emoji == "":
		if set := statusForm(user, zone, time.Now()); set.Live {
			form.StatusForm = set
		}
	}
	if form.State == "" && form.Text == "" && form.Emoji == "" {
		form, what = status{}, "cleared" // the end doesn't matter
	}
	if err = s.saveStatus(ctx, user, form, zone); err != nil {
		f := accountFailure(err, "change this")
		if f == nil {
			return notSaved(fmt.Errorf("set status: %w", err))
		}
		return s.refuseStatus(c, &form.StatusForm, f)
	}
	if fields.Has("show") && user.Invisible { // only then, so that others see the new status and never the old one
		if err := s.cfg.Accounts.SetInvisible(ctx, user.ID, false); err != nil {
			return notSaved(fmt.Errorf("set visible: %w", err))
		}
		what = "visible"
	}
	return s.did(c, what, nil)
}

// status is a form with the state that goes with it, which isn't one of its fields.
type status struct {
	State string
	ui.StatusForm
}

// typedStatus returns the form as it was sent. show is the button that was pressed for a state; state is the one that
// stays as it is with Set.
func typedStatus(fields url.Values) status {
	state := fields.Get("state")
	if fields.Has("show") {
		state = strings.TrimPrefix(fields.Get("show"), "auto")
	}
	return status{state, ui.StatusForm{
		Text: strings.TrimSpace(fields.Get("text")), Emoji: strings.TrimSpace(fields.Get("emoji")),
		Lasts: fields.Get("lasts"), At: strings.TrimSpace(fields.Get("at")),
	}}
}

// beside returns the form that was sent, or nil for a preset button without a form.
func beside(fields url.Values, form *ui.StatusForm) *ui.StatusForm {
	if fields.Has("preset") && !fields.Has("lasts") {
		return nil
	}
	return form
}

// unset returns the typed form, marked as not set yet. set is the form with the current status.
func unset(typed, set ui.StatusForm) ui.StatusForm {
	typed.Text, typed.Emoji, typed.At = echoed(typed.Text), echoed(typed.Emoji), echoed(typed.At)
	typed.Zone, typed.Live, typed.Unset = set.Zone, set.Live, true
	return typed
}

// saveStatus sets the status of form, whose times are in zone. If the form holds the current end, to the minute, the
// stored end stays the same to the millisecond.
func (s *Server) saveStatus(ctx context.Context, user accounts.User, form status, zone *time.Location) error {
	now := time.Now()
	until := user.Status.Until
	if was := statusForm(user, zone, now); !was.Live || form.Lasts != accounts.LastsAt ||
		was.Lasts != form.Lasts || was.At != form.At {
		var err error
		if until, err = accounts.EndOf(form.Lasts, form.At, zone, now); err != nil {
			return err
		}
	}
	set := accounts.Status{State: form.State, Text: form.Text, Emoji: form.Emoji, Until: until}
	return s.cfg.Accounts.SetStatus(ctx, user.ID, set, form.Lasts)
}

// preset returns the status of one of the user's presets, or of a suggestion.
func (s *Server) preset(ctx context.Context, user, id string) (status, error) {
	presets, err := s.cfg.Accounts.Presets(ctx, user)
	if err != nil {
		return status{}, unavailable(fmt.Errorf("presets: %w", err))
	}
	for _, p := range append(presets, suggestions[:]...) {
		if p.ID == id {
			return status{p.State, ui.StatusForm{Text: p.Text, Emoji: p.Emoji, Lasts: p.Lasts}}, nil
		}
	}
	return status{}, &failure{Status: http.StatusNotFound, Heading: "No such status",
		Message: "This status is no longer on your list. Open the menu again to see the current list."}
}

// offered returns what the panel offers: the person's own presets, the most recent first, and then suggestions. Of
// those with one text and emoji it offers one. A suggestion stays one, even if it was used.
func offered(own []accounts.Preset) []ui.Preset {
	var all []ui.Preset
	for i, p := range append(own, suggestions[:]...) {
		if len(all) == maxOffered ||
			slices.ContainsFunc(all, func(o ui.Preset) bool { return o.Text == p.Text && o.Emoji == p.Emoji }) {
			continue
		}
		o := ui.Preset{ID: p.ID, State: p.State, Text: p.Text, Emoji: p.Emoji, Lasts: p.Lasts, Own: i < len(own)}
		for _, suggested := range suggestions {
			if suggested.State == p.State && suggested.Text == p.Text && suggested.Emoji == p.Emoji &&
				suggested.Lasts == p.Lasts {
				o.ID, o.Own = suggested.ID, false
			}
		}
		all = append(all, o)
	}
	return all
}

// refuseStatus shows the form again with its errors, beside their fields or above the form. The form holds what was
// typed, or the current status if typed is nil.
func (s *Server) refuseStatus(c echo.Context, typed *ui.StatusForm, f *failure) error {
	if wantsProblem(c.Request()) {
		return f
	}
	p, err := s.panel(c)
	if err != nil {
		return err
	}
	if typed != nil {
		p.Status = unset(*typed, p.Status)
	}
	p.Status.Errors, p.Said = f.formErrors(), f.formMessage()
	if ofPanel(c) {
		s.logFailure(f, c)
		return s.fragment(c, f.Status, p)
	}
	return s.form(c, f, s.meLayout(c, p))
}

const maxOffered = 6

// suggestions are presets for everybody.
var suggestions = [maxOffered]accounts.Preset{
	{ID: "lunch", State: "away", Text: "Lunch", Emoji: "🍜", Lasts: accounts.Lasts1Hour},
	{ID: "meeting", State: "dnd", Text: "In a meeting", Emoji: "📅", Lasts: accounts.Lasts1Hour},
	{ID: "focus", State: "dnd", Text: "Focusing", Emoji: "🎧", Lasts: accounts.Lasts2Hours},
	{ID: "home", Text: "Working from home", Emoji: "🏠", Lasts: accounts.LastsToday},
	{ID: "sick", Text: "Out sick", Emoji: "🤒", Lasts: accounts.LastsToday},
	{ID: "leave", Text: "On leave", Emoji: "🌴", Lasts: accounts.LastsForever},
}

// zoneOf returns the user's time zone: the stored one, or else the form's, which it then stores.
func (s *Server) zoneOf(ctx context.Context, user accounts.User, fields url.Values) (*time.Location, error) {
	guess := fields.Get("zone")
	if user.TimeZone != "" || guess == "" {
		return accounts.Zone(user.TimeZone), nil
	}
	if err := s.cfg.Accounts.GuessTimeZone(ctx, user.ID, guess); err != nil {
		return nil, unavailable(fmt.Errorf("time zone: %w", err))
	}
	return accounts.Zone(guess), nil
}
