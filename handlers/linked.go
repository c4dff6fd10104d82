package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/identity"
	"rollcall/ui"
)

// linkedElsewhere returns the providers and the proxy, and which of them the person has linked.
func (s *Server) linkedElsewhere(c echo.Context, userID string) (all []ui.Linked, err error) {
	offered := s.offeredWays().Providers
	if len(offered) == 0 {
		return nil, nil
	}
	found, err := s.cfg.Accounts.Identities(c.Request().Context(), userID)
	if err != nil {
		return nil, unavailable(fmt.Errorf("identities: %w", err))
	}
	has := map[string]bool{}
	for _, i := range found {
		all = append(all, ui.Linked{Provider: i.Provider, Name: sentenceStart(s.ElsewhereName(i.Provider)), ID: i.ID(),
			Label: i.Label, Used: i.UsedAt})
		has[i.Provider] = true
	}
	for _, key := range offered {
		row := ui.Linked{Provider: key, Name: sentenceStart(s.ElsewhereName(key))}
		if has[key] {
			continue
		}
		if s.cfg.Header != nil && key == s.cfg.Header.Issuer() {
			named, ok := proxied(c)
			if !ok {
				continue
			}
			row.Label, row.Proxied = named.Value, true
		}
		all = append(all, row)
	}
	return all, nil
}

// linkedOf returns where somebody signs in besides here, for administrators: not when, and not what they're called
// there.
func (s *Server) linkedOf(c echo.Context, userID string) (all []ui.Linked, err error) {
	found, err := s.cfg.Accounts.Identities(c.Request().Context(), userID)
	if err != nil {
		return nil, unavailable(fmt.Errorf("identities: %w", err))
	}
	for _, i := range found {
		all = append(all, ui.Linked{Name: sentenceStart(s.ElsewhereName(i.Provider)), ID: i.ID()})
	}
	return all, nil
}

// sentenceStart returns text with a capital letter. Names of providers already have the one that they want.
func sentenceStart(text string) string {
	if rest, ok := strings.CutPrefix(text, "the "); ok {
		return "The " + rest
	}
	return text
}

// addLinked begins to link an account at a provider, or links what the proxy calls the person.
func (s *Server) addLinked(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	key, v := fields.Get("provider"), signedIn(c)
	if named, ok := proxied(c); ok && key == s.cfg.Header.Issuer() {
		err := s.cfg.Accounts.Link(c.Request().Context(), v.user.ID, s.proxyIdentity(named))
		return s.answerLinked(c, s.ElsewhereName(key), err)
	}
	p := s.providers.find(key)
	if p == nil {
		return &failure{Status: http.StatusUnprocessableEntity, Message: "Choose where you want to sign in."}
	}
	page, err := s.goTo(c, p, identity.IntentLink, v.session.ID, s.site.path("/settings"))
	if err != nil {
		return s.providerFailure(c, p, err)
	}
	return s.page(c, http.StatusOK, ui.ContinuePage{Layout: s.layout(c, ""), Provider: p.name(), Href: page})
}

// removeLinked unlinks an account.
func (s *Server) removeLinked(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	v := signedIn(c)
	err = s.cfg.Accounts.Unlink(c.Request().Context(), v.user.ID, fields.Get("identity"), v.session.ID, s.offeredWays())
	return s.answerLinked(c, "", err)
}

// answerLinked answers somebody who links or unlinks an account.
func (s *Server) answerLinked(c echo.Context, name string, err error) error {
	switch {
	case errors.Is(err, accounts.ErrNoIdentity): // unlinked in another tab
		err = nil
	case errors.Is(err, accounts.ErrLinked):
		err = &failure{Status: http.StatusConflict,
			Message: "That account at " + name + " is linked to somebody else here. They have to unlink it first."}
	case errors.Is(err, accounts.ErrLastWayIn):
		err = &failure{Status: http.StatusConflict, Message: "This is your only way to sign in. Add another one first."}
	}
	return s.answerSettings(c, ui.LinkedSection, err, func(*ui.SettingsPage) {})
}

// adminUnlink takes an account elsewhere from somebody.
func (s *Server) adminUnlink(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	return s.actOn(c, "saved", func(u accounts.ListedUser) error {
		err := s.cfg.Accounts.Unlink(c.Request().Context(), u.ID, fields.Get("identity"), signedIn(c).session.ID, s.offeredWays())
		switch {
		case errors.Is(err, accounts.ErrNoIdentity):
			return nil
		case errors.Is(err, accounts.ErrLastWayIn):
			return lastWayOfOther(err)
		}
		return err
	}, untyped)
}

// lastWayOfOther is the failure for taking somebody's only way to sign in.
func lastWayOfOther(err error) error {
	return &failure{Status: http.StatusConflict, Err: err, Message: "This is this person's only way to sign in. " +
		"Create a reset link first, and let them choose a password."}
}
