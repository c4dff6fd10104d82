package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/identity"
	"rollcall/ui"
)

// addPasskey leads to the page that adds a passkey, for people who have just proved who they are.
func (s *Server) addPasskey(c echo.Context) error {
	return s.redirect(c, s.site.path("/settings/sign-in/passkey"))
}

// addPasskeyPage shows the form that adds a passkey.
func (s *Server) addPasskeyPage(c echo.Context) error {
	if s.passkeys == nil {
		return &failure{Status: http.StatusNotFound, Heading: "No passkeys here",
			Message: "Passkeys need an address that begins with https:// and has a host name, not an IP address. " +
				"Tell the person who runs this Rollcall."}
	}
	return s.page(c, http.StatusOK, ui.AddPasskeyPage{Layout: s.layout(c, ""), Label: deviceName(c.Request().UserAgent())})
}

// registerPasskeyBegin sends the options for a new passkey. The first passkey of an account gives it a handle.
func (s *Server) registerPasskeyBegin(c echo.Context) error {
	if err := s.mayRegisterPasskey(c); err != nil {
		return err
	}
	ctx, v := c.Request().Context(), signedIn(c)
	if _, err := s.cfg.Accounts.WantHandle(ctx, v.user.ID, identity.NewHandle()); err != nil {
		return notSaved(fmt.Errorf("register passkey: %w", err))
	}
	ways, err := s.cfg.Accounts.OwnWays(ctx, v.user.ID)
	if err != nil {
		return unavailable(fmt.Errorf("register passkey: %w", err))
	}
	options, challenge, err := s.passkeys.BeginRegistration(passkeyUser(v.user, ways))
	if err != nil {
		return err
	}
	return s.answerBegun(c, v.session.ID, options, challenge)
}

// mayRegisterPasskey returns a failure unless the person has proved who they are. A page can't ask for that in between,
// because scripts send these requests.
func (s *Server) mayRegisterPasskey(c echo.Context) error {
	switch {
	case s.passkeys == nil:
		return noPasskeys()
	case !s.proved(c):
		return &failure{Status: http.StatusForbidden,
			Message: "That took too long. Go back to the settings, and choose “Add a passkey” again."}
	}
	return s.limitActs(c)
}

// registerPasskey stores a new passkey.
func (s *Server) registerPasskey(c echo.Context) error {
	if err := s.mayRegisterPasskey(c); err != nil {
		return err
	}
	ctx, v := c.Request().Context(), signedIn(c)
	sent, err := s.readFinishing(c, v.session.ID)
	if err != nil {
		return err
	}
	ways, err := s.cfg.Accounts.OwnWays(ctx, v.user.ID)
	if err != nil {
		return unavailable(fmt.Errorf("register passkey: %w", err))
	}
	made, err := s.passkeys.FinishRegistration(sent.challenge, passkeyUser(v.user, ways), sent.raw)
	if err == nil {
		err = s.cfg.Accounts.AddPasskey(ctx, accounts.Passkey{
			Credential: made.Credential, UserID: v.user.ID, RPID: made.RPID, PublicKey: made.PublicKey,
			SignCount: made.SignCount, Eligible: made.Eligible, BackedUp: made.BackedUp, AAGUID: made.AAGUID,
			Transports: made.Transports, Label: sent.Label,
		}, sent.spends())
	}
	if err != nil {
		return ownPasskeyError(err, "add the passkey")
	}
	return c.JSON(http.StatusOK, map[string]string{"next": s.signInPath("passkey-added")})
}

// ownPasskeyError returns what to say about an error of a change of one's own passkeys.
func ownPasskeyError(err error, what string) error {
	if known := passkeyFailure(err); known != err {
		return known
	}
	if errors.Is(err, accounts.ErrPasskeyTaken) {
		return &failure{Status: http.StatusConflict, Message: "This passkey is already registered.", Err: err}
	}
	if f := accountFailure(err, "change this"); f != nil {
		return f
	}
	return notSaved(fmt.Errorf("%s: %w", what, err))
}

// renamePasskey changes the name of one of the person's passkeys.
func (s *Server) renamePasskey(c echo.Context) error {
	return s.changeWays(c, "passkey-renamed", func(ctx context.Context, userID string, get func(string) string) error {
		return s.cfg.Accounts.RenamePasskey(ctx, userID, get("passkey"), get("label"))
	})
}

// removePasskey deletes one of the person's passkeys, unless it's their last way to sign in.
func (s *Server) removePasskey(c echo.Context) error {
	return s.changeWays(c, "passkey-removed", func(ctx context.Context, userID string, get func(string) string) error {
		return s.cfg.Accounts.RemovePasskey(ctx, userID, get("passkey"), s.offeredWays())
	})
}
