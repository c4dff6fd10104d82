package handlers

import (
	"fmt"

	"github.com/labstack/echo/v4"

	"rollcall/presence"
	"rollcall/ui"
)

// claimsOf returns what a person sees of the claims about them.
func claimsOf(self presence.Self) (claims []ui.Claim) {
	if self.Claims == nil {
		return nil
	}
	for _, c := range *self.Claims {
		claims = append(claims, ui.Claim{Key: c.Key, State: string(c.State), Text: c.Text, Emoji: c.Emoji, Until: c.Until})
	}
	return claims
}

// removeClaim ends a claim about the person. An app that still runs may set it again.
func (s *Server) removeClaim(c echo.Context) error {
	fields, err := s.readAct(c)
	if err != nil {
		return err
	}
	if _, err := s.cfg.Accounts.DeleteClaim(c.Request().Context(), signedIn(c).user.ID, fields.Get("claim")); err != nil {
		return notSaved(fmt.Errorf("remove claim: %w", err))
	}
	return s.did(c, "removed", fields)
}
