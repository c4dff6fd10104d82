package handlers

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/ui"
)

// provedKey marks a request of somebody who has no password, and whose session has a proof that isn't too old.
const provedKey = "proved"

// wantProofInstead handles forms that ask for the password, for people who have none: they need a proof instead.
// answered is true if the request has been answered, with a page that asks for one.
func (s *Server) wantProofInstead(c echo.Context, fields url.Values) (answered bool, err error) {
	v := signedIn(c)
	has, err := s.cfg.Accounts.HasPassword(c.Request().Context(), v.user.ID)
	switch {
	case err != nil:
		return true, unavailable(fmt.Errorf("prove: %w", err))
	case has:
		return false, nil
	case time.Since(v.session.ProvedAt) > proofAge:
		fields.Del("password")
		return true, s.askProof(c, &failure{Status: http.StatusForbidden, Message: "Confirm that it's you."}, fields)
	}
	c.Set(provedKey, true)
	return false, nil
}

// otherProofs returns whether the person has no password, and where they can prove who they are instead. From there, they
// come back to the page with the form.
func (s *Server) otherProofs(c echo.Context) (noPassword bool, links []ui.ProviderLink, err error) {
	ctx, v := c.Request().Context(), signedIn(c)
	has, err := s.cfg.Accounts.HasPassword(ctx, v.user.ID)
	if err != nil {
		return false, nil, unavailable(fmt.Errorf("prove: %w", err))
	}
	found, err := s.cfg.Accounts.Identities(ctx, v.user.ID)
	if err != nil {
		return false, nil, unavailable(fmt.Errorf("prove: %w", err))
	}
	back := s.site.path("/settings")
	if from, err := url.Parse(c.Request().Referer()); err == nil && from.Scheme+"://"+from.Host == s.site.origin {
		back = s.site.next(from.RequestURI())
	}
	query := "?" + url.Values{"prove": {"1"}, "next": {back}}.Encode()
	for _, p := range s.providers {
		for _, i := range found {
			if i.Provider == p.key() {
				links = append(links, ui.ProviderLink{Name: p.name(), Href: s.site.path("/auth/") + p.key() + query})
				break
			}
		}
	}
	return !has, links, nil
}
