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
	whole := fields.Has("pronouns")
	for _, name := range [...]string{"contacts", wasPrefix + "contacts"} {
		if fields.Has(name) {
			fields.Set(name, strings.ReplaceAll(fields.Get(name), "\r\n", "\n")) // as stored
		}
	}
	fields = touched(fields)
	ctx, user := c.Request().Context(), signedIn(c).user
	var typed accounts.Details
	if err == nil {
		err = s.cfg.Accounts.ChangeDetails(ctx, user.ID, func(d *accounts.Details) error {
			e := edited{fields: fields}
			d.Pronouns = e.text("pronouns", d.Pronouns)
			d.Contacts = strings.Split(e.text("contacts", strings.Join(d.Contacts, "\n")), "\n")
			if whole {
				d.ShareTime, d.NoAlerts = e.box("share_time", d.ShareTime), !e.box("allow_alerts", !d.NoAlerts)
				d.Public = e.box("public_pages", d.Public)
			}
			typed = *d
			return e.err()
		})
	}
	if err == nil && typed.ShareTime {
		_, err = s.zoneOf(ctx, user, fields)
	}
	return s.answerSettings(c, ui.DetailsSection, err, func(p *ui.SettingsPage) {
		p.Pronouns = echoed(text(fields, "pronouns", p.Pronouns))
		p.Contacts = echoedUpTo(text(fields, "contacts", p.Contacts), 5*maxEcho)
		if e := (edited{fields: fields}); whole {
			p.ShareTime, p.AllowAlerts = e.box("share_time", p.ShareTime), e.box("allow_alerts", p.AllowAlerts)
			p.Public = e.box("public_pages", p.Public)
		}
	})
}
