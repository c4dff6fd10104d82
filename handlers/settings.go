package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// maxTeams is the maximum number of teams in the suggestions. Others can be typed.
const maxTeams = 200

// settingsPage shows the person's settings and the forms to change them.
func (s *Server) settingsPage(c echo.Context) error {
	p, err := s.settings(c)
	if err != nil {
		return err
	}
	p.Saved = c.QueryParam("saved") // only names of sections have an effect
	if n, err := strconv.ParseUint(c.QueryParam("ended"), 10, 8); err == nil {
		p.SignedOut = int(n)
	}
	return s.page(c, http.StatusOK, p)
}

// toSettings redirects people who load the address of a form.
func (s *Server) toSettings(c echo.Context) error { return s.redirect(c, s.site.path("/settings")) }

// settings returns the page with the stored settings.
func (s *Server) settings(c echo.Context) (ui.SettingsPage, error) {
	v, ctx := signedIn(c), c.Request().Context()
	p := ui.SettingsPage{
		Layout:   s.layout(c, ""),
		Username: v.user.Username, DisplayName: v.user.DisplayName, Team: v.user.Team,
		TeamRule: s.inForce().Teams,
		Idle:     "default", UsualIdle: s.cfg.Presence.IdleAfter(), TimeZone: v.user.TimeZone, Zones: commonZones,
		LastSeen: nameOf(lastSeenChoices, v.user.ShowLastSeen), Theme: nameOf(themes, v.user.Theme), Announce: v.user.Announce,
	}
	switch idle := v.user.IdleAfter; {
	case idle < 0:
		p.Idle = "never"
	case idle > 0:
		p.Idle, p.IdleMinutes = "minutes", strconv.Itoa(int(idle/time.Minute))
	}
	var err error
	if p.Email, err = s.emailSettings(c); err != nil {
		return p, unavailable(fmt.Errorf("settings: %w", err))
	}
	details, err := s.cfg.Accounts.Details(ctx, v.user.ID)
	if err != nil {
		return p, unavailable(fmt.Errorf("settings: %w", err))
	}
	p.Pronouns, p.Contacts = details.Pronouns, strings.Join(details.Contacts, "\n")
	p.ShareTime, p.AllowAlerts, p.Public = details.ShareTime, !details.NoAlerts, details.Public
	p.Was = ui.Was{"display_name": p.DisplayName, "team": p.Team, "pronouns": p.Pronouns, "contacts": p.Contacts,
		"checked_share_time": ui.Box(p.ShareTime), "checked_allow_alerts": ui.Box(p.AllowAlerts),
		"checked_public_pages": ui.Box(p.Public), "idle_after": idleName(v.user.IdleAfter), "last_seen": p.LastSeen,
		"time_zone": p.TimeZone, "theme": p.Theme, "checked_announce": ui.Box(p.Announce)}
	if s.inForce().Teams != accounts.TeamsFixed {
		if p.Teams, err = s.cfg.Accounts.TeamNames(ctx, maxTeams); err != nil {
			return p, unavailable(fmt.Errorf("settings: %w", err))
		}
	}
	if p.Linked, err = s.linkedElsewhere(c, v.user.ID); err != nil {
		return p, err
	}
	if p.Devices, err = s.devices(ctx, v); err != nil {
		return p, unavailable(fmt.Errorf("settings: %w", err))
	}
	own, err := s.cfg.Accounts.OwnWays(ctx, v.user.ID)
	if err != nil {
		return p, unavailable(fmt.Errorf("settings: %w", err))
	}
	p.NoPassword, p.CodesLeft, p.FewCodes = !own.Password, own.CodesLeft, own.TOTP != nil && own.CodesLeft <= fewCodes
	return p, nil
}

// lastSeenChoices and themes map the names in forms and downloads to stored settings.
var (
	lastSeenChoices = map[string]string{"approximate": accounts.Approximate, "exact": accounts.Exact, "nobody": accounts.Nobody}
	themes          = map[string]string{"system": "", "light": "light", "dark": "dark"}
)

// nameOf returns the name of a setting in forms.
func nameOf(names map[string]string, setting string) string {
	for name, value := range names {
		if value == setting {
			return name
		}
	}
	return setting
}

// chosen returns the setting with this name. Unknown names pass through with a "?", so that accounts refuses them.
func chosen(name string, names map[string]string) string {
	if value, ok := names[name]; ok {
		return value
	}
	return "?" + name
}

// text returns the text of a field, or was if the form has no such field.
func text(fields url.Values, field, was string) string {
	if !fields.Has(field) {
		return was
	}
	return strings.TrimSpace(fields.Get(field))
}

// setProfile changes display name and team.
func (s *Server) setProfile(c echo.Context) error {
	fields, err := s.readAct(c)
	if fields == nil {
		return err
	}
	fields = touched(fields)
	ctx, teams := c.Request().Context(), s.inForce().Teams
	if err == nil {
		err = s.cfg.Accounts.ChangeProfile(ctx, signedIn(c).user.ID, teams == accounts.TeamsOpen,
			editedProfile(fields, teams != accounts.TeamsFixed))
	}
	return s.answerSettings(c, ui.ProfileSection, err, func(p *ui.SettingsPage) {
		p.DisplayName = echoed(text(fields, "display_name", p.DisplayName))
		if teams != accounts.TeamsFixed {
			p.Team = echoed(text(fields, "team", p.Team))
		}
	})
}

// setPresence changes when the person becomes away, and who sees when they were last online.
func (s *Server) setPresence(c echo.Context) error {
	fields, err := s.readAct(c)
	if fields == nil {
		return err
	}
	if fields.Has("idle") {
		fields.Set("idle_after", typedIdle(fields))
	}
	fields = touched(fields)
	if err == nil {
		err = s.changePreferences(c, func(chose *accounts.Preferences) error {
			e := edited{fields: fields}
			if idle := e.text("idle_after", idleName(chose.IdleAfter)); fields.Has("idle_after") {
				chose.IdleAfter = idleOf(idle)
			}
			if seen := e.text("last_seen", nameOf(lastSeenChoices, chose.ShowLastSeen)); fields.Has("last_seen") {
				chose.ShowLastSeen = chosen(seen, lastSeenChoices)
			}
			if fields.Get(wasPrefix+"time_zone") == "" { // the script of a page has set it since, which isn't a choice
				fields.Del(wasPrefix + "time_zone")
			}
			chose.TimeZone = e.text("time_zone", chose.TimeZone)
			return e.err()
		})
	}
	return s.answerSettings(c, ui.PresenceSection, err, func(p *ui.SettingsPage) {
		if fields.Has("idle_after") || !fields.Has(wasPrefix+"idle_after") {
			p.Idle, p.IdleMinutes = text(fields, "idle", p.Idle), echoed(text(fields, "idle_minutes", p.IdleMinutes))
		}
		p.LastSeen, p.TimeZone = text(fields, "last_seen", p.LastSeen), echoed(text(fields, "time_zone", p.TimeZone))
	})
}

// changePreferences changes what the person has chosen, unless change returns an error. Values that both a form and
// somebody else have changed are named in it by their labels.
func (s *Server) changePreferences(c echo.Context, change func(*accounts.Preferences) error) error {
	var refused error
	err := s.cfg.Accounts.ChangePreferences(c.Request().Context(), signedIn(c).user.ID, func(chose *accounts.Preferences) {
		was := *chose
		if refused = change(chose); refused != nil {
			*chose = was
		}
	})
	var wrong accounts.FieldErrors
	if errors.As(refused, &wrong) {
		for _, w := range wrong {
			w.Detail = s.preferenceLabel(w.Field, w.Detail)
		}
	}
	return cmp.Or(err, refused)
}

// preferenceLabel returns what the form calls a value of a field.
func (s *Server) preferenceLabel(field, value string) string {
	p := ui.SettingsPage{UsualIdle: s.cfg.Presence.IdleAfter()}
	options := p.ThemeOptions()
	switch minutes, custom := strings.CutPrefix(value, customIdle); {
	case field == "idle_after" && custom:
		return minutes + " minutes"
	case field == "idle_after" && value == "default":
		return p.UsualIdleWords()
	case field == "idle_after":
		return "Never"
	case field == "last_seen":
		options = p.LastSeenOptions()
	}
	for _, o := range options {
		if o.Name == field && o.Value == value {
			return o.Label
		}
	}
	return value
}

// customIdle begins the name of an idle time in minutes.
const customIdle = "minutes "

// idleName returns the name of an idle time in forms.
func idleName(idle time.Duration) string {
	switch {
	case idle < 0:
		return "never"
	case idle == 0:
		return "default"
	}
	return customIdle + strconv.Itoa(int(idle/time.Minute))
}

// typedIdle returns the name of the time that a form chose.
func typedIdle(fields url.Values) string {
	if choice := fields.Get("idle"); choice != "minutes" {
		return choice
	}
	return customIdle + text(fields, "idle_minutes", "")
}

// idleOf returns the idle time with this name. For an invalid name, it returns a time that accounts refuses.
func idleOf(name string) time.Duration {
	switch minutes, custom := strings.CutPrefix(name, customIdle); {
	case name == "default":
		return 0
	case name == "never":
		return -1
	case custom:
		if n, err := strconv.ParseUint(minutes, 10, 8); err == nil && n > 0 {
			return time.Duration(n) * time.Minute
		}
	}
	return 24 * time.Hour
}

// setLook changes the theme, and whether screen readers announce arrivals.
func (s *Server) setLook(c echo.Context) error {
	fields, err := s.readAct(c)
	if fields == nil {
		return err
	}
	fields = touched(fields)
	if err == nil {
		err = s.changePreferences(c, func(chose *accounts.Preferences) error {
			e := edited{fields: fields}
			if theme := e.text("theme", nameOf(themes, chose.Theme)); fields.Has("theme") {
				chose.Theme = chosen(theme, themes)
			}
			chose.Announce = e.box("announce", chose.Announce)
			return e.err()
		})
	}
	return s.answerSettings(c, ui.LookSection, err, func(p *ui.SettingsPage) {
		e := edited{fields: fields}
		p.Theme, p.Announce = text(fields, "theme", p.Theme), e.box("announce", p.Announce)
	})
}

// setPassword changes the password and signs out all other devices.
func (s *Server) setPassword(c echo.Context) error {
	fields, err := readForm(c.Request())
	if err != nil {
		return err
	}
	v := signedIn(c)
	old := fields.Get("old_password")
	err = s.attemptOwn(c, old, func(ctx context.Context) error {
		return s.cfg.Accounts.ChangePassword(ctx, v.user.ID, old, fields.Get("password"), v.session.ID)
	})
	if err == nil {
		s.rememberBrowser(c, v.user, v.session) // changing the password forgets all known browsers
		err = s.renewToken(c)
	}
	if errors.Is(err, accounts.ErrCredentials) {
		err = &accounts.FieldError{Field: "old_password", Code: wrongPassword}
	}
	return s.answerSettings(c, ui.PasswordSection, err, func(*ui.SettingsPage) {})
}

// answerSettings answers a settings form. Without an error it redirects to the settings. Otherwise it shows the form
// again with what was typed and its errors.
func (s *Server) answerSettings(c echo.Context, section string, err error, typed func(*ui.SettingsPage)) error {
	if err == nil {
		return s.redirect(c, s.site.path("/settings")+"?saved="+section)
	}
	f := accountFailure(err, "give your password")
	if f == nil {
		return notSaved(fmt.Errorf("settings: %w", err))
	}
	v, err := signedIn(c), error(nil)
	if v.user, err = s.cfg.Accounts.UserByID(c.Request().Context(), v.user.ID); err != nil { // as it is now
		return unavailable(fmt.Errorf("settings: %w", err))
	}
	p, err := s.settings(c)
	if err != nil {
		return err
	}
	p.Failed, p.Errors, p.Message = section, f.formErrors(), f.formMessage()
	typed(&p)
	return s.form(c, f, p)
}
