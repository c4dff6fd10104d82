package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/identity"
	"rollcall/ui"
)

// renewCodes replaces the recovery codes, and shows the new ones once.
func (s *Server) renewCodes(c echo.Context) error {
	if _, err := posted(c); err != nil {
		return err
	}
	if err := s.limitActs(c); err != nil {
		return err
	}
	codes, hashes := identity.NewRecoveryCodes()
	err := s.cfg.Accounts.ReplaceRecoveryCodes(c.Request().Context(), signedIn(c).user.ID, hashes)
	switch {
	case errors.Is(err, accounts.ErrNoTOTP):
		return s.toWays(c)
	case err != nil:
		return notSaved(fmt.Errorf("recovery codes: %w", err))
	}
	return s.page(c, http.StatusOK, ui.RecoveryCodesPage{Layout: s.layout(c, ""), Codes: codes})
}

// downloadCodes returns the recovery codes that a page holds as a text file. Only their hashes are stored, so the page
// sends them. Anything else is refused, so that nobody can make this board offer a file of their own.
func (s *Server) downloadCodes(c echo.Context) error {
	fields, err := posted(c)
	if err != nil {
		return err
	}
	codes := strings.Fields(fields.Get("codes"))
	wrong := len(codes) == 0 || len(codes) > identity.RecoveryCodes
	for _, code := range codes {
		if _, ok := identity.RecoveryHash(code); !ok {
			wrong = true
		}
	}
	if wrong {
		return &failure{Status: http.StatusUnprocessableEntity, Heading: "No recovery codes",
			Message: "These aren't recovery codes. Create new ones in your settings, under “Ways to sign in”."}
	}
	h := c.Response().Header()
	h.Set(echo.HeaderContentDisposition, `attachment; filename="rollcall-recovery-codes.txt"`)
	return c.String(http.StatusOK, fmt.Sprintf("Recovery codes for %s\r\nUsername: %s\r\nMade on: %s\r\n\r\n%s\r\n\r\n"+
		"Each code works once, instead of a code from your authenticator app.\r\n", s.cfg.UI.Name(), signedIn(c).user.Username,
		time.Now().UTC().Format(time.DateOnly), strings.Join(codes, "\r\n")))
}
