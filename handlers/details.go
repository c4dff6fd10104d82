package handlers

import (
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// setDetails changes what a person tells others on their page. Contacts are typed one per line. Without a field for the
// pronouns, it isn't the whole form, so boxes that aren't in it stay as they were.
func (s *Server) setDetails(c echo.Context) error {
	fields, err := s.readAct(c)
	if fields == nil {
		return err
	}
	ctx, user := c.Request().Context(), signedIn(c).user
	d, contacts := accounts.Details{}, fields.Get("contacts")
	if err == nil {
		d, err = s.cfg.Accounts.Details(ctx, user.ID)
	}
	d.Pronouns = text(fields, "pronouns", d.Pronouns)
	if fields.Has("contacts") {
		d.Contacts = strings.Split(contacts, "\n")
	}
	if fields.Has("pronouns") {
		d.ShareTime, d.NoAlerts = fields.Get("share_time") == "on", fields.Get("allow_alerts") != "on"
		d.Public = fields.Get("public_pages") == "on"
	}
	if err == nil {
		err = s.cfg.Accounts.SetDetails(ctx, user.ID, d)
	}
	if err == nil && d.ShareTime {
		_, err = s.zoneOf(ctx, user, fields)
	}
	return s.answerSettings(c, ui.DetailsSection, err, func(p *ui.SettingsPage) {
		p.Pronouns, p.Contacts = echoed(d.Pronouns), echoedUpTo(contacts, 5*maxEcho)
		p.ShareTime, p.AllowAlerts, p.Public = d.ShareTime, !d.NoAlerts, d.Public
	})
}
