package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

const actsWindow = time.Minute

// done are the sentences that say what was done, by the value of ?done= on /me.
var done = map[string]string{
	"set":       "Set.",
	"cleared":   "Cleared: your activity decides.",
	"forgotten": "Forgotten.",
	"invisible": "You are invisible.",
	"visible":   "You can be seen again.",
}

// mePage answers GET /me: the panel as a page.
func (s *Server) mePage(c echo.Context) error {
	p, err := s.panel(c)
	if err != nil {
		return err
	}
	p.Said = done[c.QueryParam("done")]
	return s.page(c, http.StatusOK, s.meLayout(c, p))
}

// mePanel answers GET /me/panel: the same, for the account menu of an open page.
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

// panel is what the person who asks sees of themself and may set, as it is now.
func (s *Server) panel(c echo.Context) (ui.Panel, error) {
	ctx := c.Request().Context()
	user, err := s.cfg.Accounts.UserByID(ctx, signedIn(c).user.ID) // the request may have changed it
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
	p := ui.Panel{Status: statusForm(user, zone, time.Now())}
	own := s.live.Own(user.Person)
	p.Me, p.Row = s.me(own), s.preview(own.Entry)
	p.Me.Next.At, p.Me.Next.TextEnds = onClock(p.Me.Next.At, zone), onClock(p.Me.Next.TextEnds, zone)
	for _, preset := range presets {
		p.Presets = append(p.Presets, ui.Preset(preset))
	}
	if len(presets) == 0 {
		p.Presets, p.Suggested = suggestions[:], true
	}
	return p, nil
}

// onClock is t as the clock in zone shows it.
func onClock(t time.Time, zone *time.Location) time.Time {
	if t.IsZero() {
		return t
	}
	return t.In(zone)
}

// setInvisible makes the person look as if they had left, or shows them again. Showing oneself is always allowed.
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
	if on && !s.cfg.Invisible {
		return &failure{Status: http.StatusForbidden, Heading: "Not here", Message: "Invisibility is switched off on this Rollcall."}
	}
	if err := s.cfg.Accounts.SetInvisible(c.Request().Context(), signedIn(c).user.ID, on); err != nil {
		return notSaved(fmt.Errorf("set invisible: %w", err))
	}
	return s.did(c, what, fields)
}

// forgetPreset takes one of the person's presets from them.
func (s *Server) forgetPreset(c echo.Context) error {
	fields, err := s.readAct(c)
	if err != nil {
		return err
	}
	if err := s.cfg.Accounts.ForgetPreset(c.Request().Context(), signedIn(c).user.ID, fields.Get("preset")); err != nil {
		return notSaved(fmt.Errorf("forget preset: %w", err))
	}
	return s.did(c, "forgotten", fields)
}

// setZone takes the time zone of the browser: as a guess, which counts while none is known, or with a next page as the
// choice of the person, who accepted what that page offered.
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
		if f := formFailure(err, "change this"); f != nil {
			return f
		}
		return notSaved(fmt.Errorf("set time zone: %w", err))
	}
	return s.redirect(c, s.site.next(fields.Get("next")))
}

// readAct reads the form of an act, of which each person may do so many. What was over that is read all the same, for
// the form to be shown again.
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

// did answers an act: the panel as it is now for an open menu, or the way back to the page. What stood in the form of the
// status when something else was done, and is not set yet, is in typed and stays.
func (s *Server) did(c echo.Context, what string, typed url.Values) error {
	if !ofPanel(c) {
		return s.redirect(c, s.site.path("/me")+"?done="+what)
	}
	p, err := s.panel(c)
	if err != nil {
		return err
	}
	p.Said = done[what]
	p.Status = keepTyped(p.Status, typed)
	return s.fragment(c, http.StatusOK, p)
}

// ofPanel reports whether the request comes from the script of an open page, which puts the answer into its panel.
func ofPanel(c echo.Context) bool { return c.Request().Header.Get("HX-Request") == "true" }
