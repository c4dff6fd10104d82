package handlers

import (
	"fmt"
	"net/url"
	"slices"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// otherProofs returns where the person can prove who they are, besides here. From there, they come back to the page
// with the form, and fill it in again.
func (s *Server) otherProofs(c echo.Context) (links []ui.ProviderLink, err error) {
	found, err := s.cfg.Accounts.Identities(c.Request().Context(), signedIn(c).user.ID)
	if err != nil {
		return nil, unavailable(fmt.Errorf("prove: %w", err))
	}
	back := s.site.path("/settings")
	if from, err := url.Parse(c.Request().Referer()); err == nil && from.Scheme+"://"+from.Host == s.site.origin {
		back = s.site.next(from.RequestURI())
	}
	query := "?" + url.Values{"prove": {"1"}, "next": {back}}.Encode()
	for _, p := range s.providers {
		if slices.ContainsFunc(found, func(i accounts.Identity) bool { return i.Provider == p.key() }) {
			links = append(links, ui.ProviderLink{Name: p.name(), Href: s.site.path("/auth/") + p.key() + query})
		}
	}
	return links, nil
}
