package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
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
	f := ui.StatusForm{Zone: user.TimeZone, At: now.Add(usualTime).Add(roundTime).Truncate(roundTime).In(zone).Format(atLayout)}
	if user.TimeZone == "" {
		f.At = ""
	}
	w := user.Status
	if !w.Until.IsZero() && !now.Before(w.Until) {
		return f // ended
	}
	f.State, f.Text, f.Emoji = w.State, w.Text, w.Emoji
	f.Live = w.State != "" || w.Text != "" || w.Emoji != ""
	if !w.Until.IsZero() {
		f.Lasts, f.At = accounts.LastsAt, w.Until.In(zone).Format(atLayout)
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
		return s.refuseStatus(c, beside(fields, &form), over)
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
	case fields.Has("clear"), form.State == "" && form.Text == "" && form.Emoji == "":
		form, what = ui.StatusForm{}, "cleared" // the end doesn't matter
	}
	err = s.saveStatus(ctx, user, form, zone)
	if err != nil {
		f := formFailure(err, "change this")
		if f == nil {
			return notSaved(fmt.Errorf("set status: %w", err))
		}
		return s.refuseStatus(c, &form, f)
	}
	return s.did(c, what, nil)
}

// typedStatus returns the form as it was sent.
func typedStatus(fields url.Values) ui.StatusForm {
	return ui.StatusForm{
		State: fields.Get("state"), Text: strings.TrimSpace(fields.Get("text")), Emoji: strings.TrimSpace(fields.Get("emoji")),
		Lasts: fields.Get("lasts"), At: strings.TrimSpace(fields.Get("at")),
	}
}

// beside returns the form that was sent, or nil for a preset button without a form.
func beside(fields url.Values, form *ui.StatusForm) *ui.StatusForm {
	if fields.Has("preset") && !fields.Has("lasts") {
		return nil
	}
	return form
}

// keepTyped returns the form with the typed status if fields hold one that differs from the current status. Otherwise
// it returns set, the form with the current status.
func keepTyped(set ui.StatusForm, fields url.Values) ui.StatusForm {
	typed := typedStatus(fields)
	sameEnd := typed.Lasts == set.Lasts && (typed.Lasts != accounts.LastsAt || typed.At == set.At)
	if !fields.Has("lasts") || sameEnd && typed.State == set.State && typed.Text == set.Text && typed.Emoji == set.Emoji {
		return set
	}
	return unset(typed, set)
}

// unset returns the typed form, marked as not set yet. set is the form with the current status.
func unset(typed, set ui.StatusForm) ui.StatusForm {
	typed.Text, typed.Emoji, typed.At = echoed(typed.Text), echoed(typed.Emoji), echoed(typed.At)
	typed.Zone, typed.Live, typed.Unset = set.Zone, set.Live, true
	return typed
}

// saveStatus sets the status of form, whose times are in zone. If the form holds the current end, to the minute, the
// stored end stays the same to the millisecond.
func (s *Server) saveStatus(ctx context.Context, user accounts.User, form ui.StatusForm, zone *time.Location) error {
	now := time.Now()
	until := user.Status.Until
	if was := statusForm(user, zone, now); !was.Live || form.Lasts != accounts.LastsAt ||
		was.Lasts != form.Lasts || was.At != form.At {
		var err error
		if until, err = accounts.EndOf(form.Lasts, form.At, zone, now); err != nil {
			return err
		}
	}
	status := accounts.Status{State: form.State, Text: form.Text, Emoji: form.Emoji, Until: until}
	return s.cfg.Accounts.SetStatus(ctx, user.ID, status, form.Lasts)
}

// preset returns a form with the status of one of the user's presets, or of a suggestion.
func (s *Server) preset(ctx context.Context, user, id string) (ui.StatusForm, error) {
	form := func(p ui.Preset) (ui.StatusForm, error) {
		return ui.StatusForm{State: p.State, Text: p.Text, Emoji: p.Emoji, Lasts: p.Lasts}, nil
	}
	for _, p := range suggestions {
		if p.ID == id {
			return form(p)
		}
	}
	presets, err := s.cfg.Accounts.Presets(ctx, user)
	if err != nil {
		return ui.StatusForm{}, unavailable(fmt.Errorf("presets: %w", err))
	}
	for _, p := range presets {
		if p.ID == id {
			return form(ui.Preset(p))
		}
	}
	return ui.StatusForm{}, &failure{Status: http.StatusNotFound, Heading: "No such status",
		Message: "This status is no longer on your list. Open the menu again to see the current list."}
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

// suggestions are the presets of people who have never set a status.
var suggestions = [...]ui.Preset{
	{ID: "lunch", State: "away", Text: "Lunch", Emoji: "🍜", Lasts: accounts.Lasts1Hour},
	{ID: "meeting", State: "dnd", Text: "In a meeting", Emoji: "📅", Lasts: accounts.Lasts1Hour},
	{ID: "focus", State: "dnd", Text: "Focusing", Emoji: "🎧", Lasts: accounts.Lasts4Hours},
	{ID: "day-off", State: "away", Text: "Day off", Emoji: "🌴", Lasts: accounts.LastsToday},
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
