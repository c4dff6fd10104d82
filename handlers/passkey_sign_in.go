package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/identity"
)

// passkeySignInBegin sends the options to sign in with any passkey for this host. It stores nothing.
func (s *Server) passkeySignInBegin(c echo.Context) error {
	if s.passkeys == nil {
		return noPasskeys()
	}
	options, challenge, err := s.passkeys.BeginSignIn()
	if err != nil {
		return err
	}
	return s.answerBegun(c, "", options, challenge)
}

// passkeySignIn signs in the person whose passkey the browser used.
func (s *Server) passkeySignIn(c echo.Context) error {
	if s.passkeys == nil {
		return noPasskeys()
	}
	sent, err := s.readFinishing(c, "")
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	var failure, success reservation
	err = failure.takeNetworks(ctx, s.limiters.Strangers, "login:passkey:", s.addresses.networks(c.Request()),
		s.cfg.Limits.Logins, loginWindow)
	if err == nil {
		err = s.signInByPasskey(c, sent, &success)
	}
	if err != nil && !errors.Is(err, accounts.ErrDisabled) {
		success.giveBack(ctx)
	}
	if known := passkeyFailure(err); known == err { // a refused passkey counts, and nothing else
		failure.giveBack(ctx)
	} else {
		err = known
	}
	if over := (*limited)(nil); errors.As(err, &over) {
		return tooMany("sign in", over)
	}
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]string{"next": s.site.next(sent.Next)})
}

// signInByPasskey verifies the response and starts the session. A passkey counts as two factors.
func (s *Server) signInByPasskey(c echo.Context, sent finishing, success *reservation) error {
	ctx := c.Request().Context()
	var user accounts.User
	use, err := s.passkeys.FinishSignIn(sent.challenge, sent.raw, func(credential string) (identity.PasskeyUser, error) {
		var err error
		var owner identity.PasskeyUser
		user, owner, err = s.passkeyOwner(ctx, credential)
		return owner, err
	})
	if err != nil {
		return err
	}
	if err := success.take(ctx, s.limiters.Members, "login:passkeys:"+user.ID, successesPerName, loginWindow); err != nil {
		return err
	}
	return s.startSession(c, user, accounts.SignIn{
		Method: accounts.ByPasskey, Factors: accounts.FactorPasskey, Used: s.usedPasskey(use),
		Spends: []accounts.Once{sent.spends()},
	})
}

// passkeyOwner returns the account that has a credential.
func (s *Server) passkeyOwner(ctx context.Context, credential string) (u accounts.User, p identity.PasskeyUser, err error) {
	id, err := s.cfg.Accounts.PasskeyOwner(ctx, credential)
	if errors.Is(err, accounts.ErrNoPasskey) {
		return u, p, identity.ErrPasskeyUnknown
	}
	if err == nil {
		u, err = s.cfg.Accounts.UserByID(ctx, id)
	}
	if errors.Is(err, accounts.ErrNotFound) { // deleted just now
		return u, p, identity.ErrPasskeyUnknown
	}
	var ways accounts.OwnWays
	if err == nil {
		ways, err = s.cfg.Accounts.OwnWays(ctx, id)
	}
	if err != nil {
		return u, p, unavailable(fmt.Errorf("passkey: %w", err))
	}
	return u, passkeyUser(u, ways), nil
}
