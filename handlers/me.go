package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

const actsWindow = time.Minute

// done holds the confirmations that /me shows, by the value of ?done=.
var done = map[string]string{
	"set":       "Status updated.",
	"cleared":   "Status cleared.",
	"forgotten": "Forgotten.",
	"removed":   "Removed.",
	"invisible": "You are invisible.",
	"visible":   "You are visible again.",
}

// mePage answers GET /me with the panel as a page.
func (s *Server) mePage(c echo.Context) error {
	p, err := s.panel(c)
	if err != nil {
		return err
	}
	p.Said = done[c.QueryParam("done")]
	return s.page(c, http.StatusOK, s.meLayout(c, p))
}

// mePanel answers GET /me/panel with the panel as a fragment, for the account menu of an open page.
func (s *Server) mePanel(c echo.Context) error {
	p, err := s.panel(c)
	if err != nil {
		return err
	}
	return s.fragment(c, http.StatusOK, p)
}

func (s *Server) meLayout(c echo.Context, p ui.Panel) ui.MePage {
	page := ui.MePage{Layout: s.layout(c, ""), Panel: p}
	page.Viewer.Me, page.Viewer.AtMe = p.Me, true
	return page
}

func (s *Server) fragment(c echo.Context, status int, p ui.Panel) error {
	body, err := s.cfg.UI.Panel(p)
	if err != nil {
		return err
	}
	return c.HTMLBlob(status, body)
}

// panel returns the person's own current status and what they can set.
func (s *Server) panel(c echo.Context) (ui.Panel, error) {
	ctx := c.Request().Context()
	user, err := s.cfg.Accounts.UserByID(ctx, signedIn(c).user.ID) // this request may have changed it
	if err != nil {
		return ui.Panel{}, unavailable(fmt.Errorf("panel: %w", err))
	}
	presets, err := s.cfg.Accounts.Presets(ctx, user.ID)
	if err != nil {
		return ui.Panel{}, unavailable(fmt.Errorf("panel: %w", err))
	}
	if err := s.live.CatchUp(ctx); err != nil {
		return ui.Panel{}, unavailable(fmt.Errorf("panel: %w", err))
	}
	zone := accounts.Zone(user.TimeZone)
	p := ui.Panel{Me: s.me(s.live.Own(user.Person)), Status: statusForm(user, zone, time.Now()), Presets: offered(presets)}
	for _, t := range []*time.Time{&p.Me.Next.At, &p.Me.Next.TextEnds, &p.Me.Set.Until, &p.Me.By.Until} {
		*t = onClock(*t, zone)
	}
	for i := range p.Me.Claims {
		p.Me.Claims[i].Until = onClock(p.Me.Claims[i].Until, zone)
	}
	if p.Status.Changing = p.Status.Live && c.QueryParam("change") != ""; !p.Status.Changing {
		p.Status = unfilled(p.Status)
	}
	return p, nil
}

// onClock returns t in zone. The zero time stays zero.
func onClock(t time.Time, zone *time.Location) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(zone)
}

// setInvisible makes the person invisible or visible. Going visible is always allowed.
func (s *Server) setInvisible(c echo.Context) error {
	fields, err := s.readAct(c)
	if err != nil {
		return err
	}
	what := ""
	switch fields.Get("invisible") {
	case "on":
		what = "invisible"
	case "off":
		what = "visible"
	default:
		return &failure{Status: http.StatusUnprocessableEntity, Message: "Choose whether to be invisible: on or off."}
	}
	on := what == "invisible"
	if on && s.inForce().Invisible != "on" {
		return &failure{Status: http.StatusForbidden, Heading: "Not available",
			Message: "Invisibility is switched off on this Rollcall."}
	}
	if err := s.cfg.Accounts.SetInvisible(c.Request().Context(), signedIn(c).user.ID, on); err != nil {
		return notSaved(fmt.Errorf("set invisible: %w", err))
	}
	return s.did(c, what, fields)
}

// forgetPreset deletes one of the person's presets, and those that differ from it only in the state: the panel shows
// them as one.
func (s *Server) forgetPreset(c echo.Context) error {
	fields, err := s.readAct(c)
	if err != nil {
		return err
	}
	ctx, user := c.Request().Context(), signedIn(c).user.ID
	presets, err := s.cfg.Accounts.Presets(ctx, user)
	if err != nil {
		return unavailable(fmt.Errorf("presets: %w", err))
	}
	at := slices.IndexFunc(presets, func(p accounts.Preset) bool { return p.ID == fields.Get("preset") })
	for _, p := range presets {
		if at < 0 || p.Text != presets[at].Text || p.Emoji != presets[at].Emoji {
			continue
		}
		if err := s.cfg.Accounts.ForgetPreset(ctx, user, p.ID); err != nil {
			return notSaved(fmt.Errorf("forget preset: %w", err))
		}
	}
	return s.did(c, "forgotten", fields)
}

// setZone stores the browser's time zone. Without a next page it's a guess, which counts only while no zone is set.
// With a next page it's the person's choice, because they accepted that page's offer.
func (s *Server) setZone(c echo.Context) error {
	fields, err := s.readAct(c)
	if err != nil {
		return err
	}
	if fields.Has("next") {
		return s.chooseZone(c, fields)
	}
	if _, err := s.zoneOf(c.Request().Context(), signedIn(c).user, fields); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

func (s *Server) chooseZone(c echo.Context, fields url.Values) error {
	err := s.cfg.Accounts.ChangePreferences(c.Request().Context(), signedIn(c).user.ID, func(chose *accounts.Preferences) {
		chose.TimeZone = fields.Get("zone")
	})
	if err != nil {
		if f := accountFailure(err, "change this"); f != nil {
			return f
		}
		return notSaved(fmt.Errorf("set time zone: %w", err))
	}
	return s.redirect(c, s.site.next(fields.Get("next")))
}

// readAct reads a form that changes something others see. The number of these changes per person is limited. Above the
// limit it still returns the fields, so that the form can be shown again.
func (s *Server) readAct(c echo.Context) (url.Values, error) {
	fields, err := readForm(c.Request())
	if err != nil {
		return nil, err
	}
	var held reservation
	err = held.take(c.Request().Context(), s.limiters.Members, "me:"+signedIn(c).user.ID, s.cfg.Limits.Acts, actsWindow)
	var over *limited
	switch {
	case errors.As(err, &over):
		return fields, tooMany("change this", over)
	case err != nil:
		return nil, unavailable(err)
	}
	return fields, nil
}

// did answers a change with the current panel for an open menu, or else with a redirect to the page. fields holds what
// is in the status form but not set yet. It stays in the form.
func (s *Server) did(c echo.Context, what string, fields url.Values) error {
	if !ofPanel(c) {
		return s.redirect(c, s.site.path("/me")+"?done="+what)
	}
	p, err := s.panel(c)
	if err != nil {
		return err
	}
	p.Said = done[what]
	if typed := typedStatus(fields).StatusForm; typed.Text != "" || typed.Emoji != "" || typed.Lasts != "" {
		p.Status = unset(typed, p.Status)
	}
	return s.fragment(c, http.StatusOK, p)
}

// ofPanel reports whether the request comes from the script of an open page, which puts the response into its panel.
func ofPanel(c echo.Context) bool { return c.Request().Header.Get("HX-Request") == "true" }
