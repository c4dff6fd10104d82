package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/presence"
	"rollcall/ui"
)

// export is everything stored about a person, and what of others can show them.
type export struct {
	accounts.Export
	ShownBy shownBy `json:"shown_by"`
}

// export returns everything stored about the person.
func (s *Server) export(c echo.Context) (x export, err error) {
	ctx, user := c.Request().Context(), signedIn(c).user
	x.Export, err = s.cfg.Accounts.Export(ctx, user.ID)
	if err == nil {
		err = s.hideFrom(ctx, user, &x.Export)
	}
	if err == nil {
		x.ShownBy, err = s.shownBy(ctx, user, x.Settings.Public)
	}
	if err == nil {
		x.SeenBy, x.SeenByPeople, err = s.hooksAbout(ctx, user)
	}
	switch {
	case errors.Is(err, accounts.ErrNotFound):
		return x, &failure{Status: http.StatusGone, Heading: "Deleted",
			Message: "This account has been deleted. Nothing is stored about it.", Err: err}
	case err != nil:
		return x, unavailable(err)
	}
	return x, nil
}

// hooksAbout counts the webhooks of other people that are about user, and these people.
func (s *Server) hooksAbout(ctx context.Context, user accounts.User) (hooks, people int, err error) {
	all, err := s.cfg.Accounts.HooksAbout(ctx, user.Person)
	owners := map[string]bool{}
	for _, h := range all {
		if h.UserID != user.ID && s.live.Sees(h.Owner, user.Person) {
			owners[h.UserID] = true
			hooks++
		}
	}
	return hooks, len(owners), err
}

// myData returns everything stored about the person as a JSON file.
func (s *Server) myData(c echo.Context) error {
	x, err := s.export(c)
	if err != nil {
		return err
	}
	body, err := json.MarshalIndent(x, "", "  ")
	if err != nil {
		return fmt.Errorf("export: %w", err)
	}
	// The username needs no escaping, because it is plain ASCII.
	c.Response().Header().Set("Content-Disposition", `attachment; filename="rollcall-`+x.Account.Username+`.json"`)
	return c.Blob(http.StatusOK, "application/json", append(body, '\n'))
}

// storedPage lists what is stored about the person, who can see it, and for how long.
func (s *Server) storedPage(c echo.Context) error {
	x, err := s.export(c)
	if err != nil {
		return err
	}
	p := ui.StoredPage{
		Layout: s.layout(c, ""), TeamsOnly: s.inForce().Visibility == accounts.VisibleTeams,
		ID: x.Account.ID, Username: x.Account.Username, DisplayName: x.Account.DisplayName, Team: x.Account.Team,
		Admin: x.Account.Admin, Disabled: x.Account.Disabled, Created: x.Account.CreatedAt,
		LastSeen: x.LastSeen, Online: s.cfg.Presence.View(x.Account.ID).State != presence.Offline,
		IdleAfter: time.Duration(x.Settings.IdleAfter) * time.Minute, UsualIdle: s.cfg.Presence.IdleAfter(),
		ShowLastSeen: x.Settings.LastSeen, TimeZone: x.Settings.TimeZone, Theme: x.Settings.Theme,
		Announce:  x.Settings.Announce,
		Invisible: x.Settings.Invisible, InvisibleSince: x.Settings.InvisibleSince,
		Pronouns: x.Account.Pronouns, Contacts: x.Account.Contacts, ShareTime: x.Settings.ShareTime,
		AllowAlerts: x.Settings.AllowAlerts, Public: x.Settings.Public, Shares: len(x.Shares),
		Walls: x.ShownBy.Walls, Lists: x.ShownBy.Lists, SeenByTokens: x.ShownBy.Tokens, SeenByOwners: x.ShownBy.TokenPeople,
		Email:     x.Account.Email,
		Favorites: len(x.Favorites), Alerts: len(x.Alerts),
		Acts: len(x.Acts), Presets: len(x.Presets), Claims: len(x.Claims), Devices: len(x.Sessions), Browsers: len(x.Browsers),
		Replicas: s.cfg.Bell != nil,
		Passkeys: len(x.Passkeys), Identities: len(x.Identities), Tokens: len(x.Tokens),
		Hooks: len(x.Hooks), SeenBy: x.SeenBy, SeenByPeople: x.SeenByPeople, AdminBy: x.Account.AdminBy, TeamBy: x.Account.TeamBy,
	}
	if x.App != nil {
		p.App = fmt.Sprintf("On. Recovery codes left: %d", x.App.CodesLeft)
	}
	if w := x.Status; w != nil {
		p.State, p.Text, p.Emoji, p.Until, p.SetAt = w.State, w.Text, w.Emoji, w.Until, w.SetAt
	}
	return s.page(c, http.StatusOK, p)
}

// deleteAccount deletes the person's account for good, if they typed their username and password.
func (s *Server) deleteAccount(c echo.Context) error {
	fields, err := readForm(c.Request())
	if err != nil {
		return err
	}
	v, typed := signedIn(c), text(fields, "username", "")
	own, err := s.cfg.Accounts.OwnWays(c.Request().Context(), v.user.ID)
	switch {
	case errors.Is(err, accounts.ErrNotFound):
	case err != nil:
		return unavailable(fmt.Errorf("delete account: %w", err))
	case !own.Password && !s.proved(c):
		return s.askProof(c, &failure{Status: http.StatusForbidden}, fields)
	default:
		err = s.confirm(c, v.user, typed, fields.Get("password"), own.Password)
	}
	if err == nil {
		err = s.cfg.Accounts.Delete(c.Request().Context(), v.user.ID)
	}
	if err != nil && !errors.Is(err, accounts.ErrNotFound) { // already deleted is fine
		return s.answerSettings(c, ui.DataSection, err, func(p *ui.SettingsPage) { p.ConfirmUsername = echoed(typed) })
	}
	s.dropCookie(c, s.site.cookie)
	return s.redirect(c, s.site.path("/login")+"?deleted=1")
}

// confirm returns nil if username and password are those of user. It checks only the name of people without a password.
func (s *Server) confirm(c echo.Context, user accounts.User, username, password string, hasPassword bool) error {
	if folded, err := accounts.FoldUsername(username); err != nil || folded != user.Username {
		return &accounts.FieldError{Field: "confirm_username", Code: unconfirmed, Detail: user.Username}
	}
	if !hasPassword {
		return nil
	}
	if password == "" {
		return &accounts.FieldError{Field: "confirm_password", Code: accounts.Missing}
	}
	err := s.attemptOwn(c, password, func(ctx context.Context) error {
		return s.cfg.Accounts.CheckPassword(ctx, user.ID, password)
	})
	if errors.Is(err, accounts.ErrCredentials) {
		return &accounts.FieldError{Field: "confirm_password", Code: wrongPassword}
	}
	return err
}
