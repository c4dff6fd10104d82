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

// provePasskeyBegin sends the options to prove who somebody is with one of their own passkeys.
func (s *Server) provePasskeyBegin(c echo.Context) error {
	u, err := s.ownPasskeys(c)
	if err != nil {
		return err
	}
	options, challenge, err := s.passkeys.BeginStepUp(u)
	if err != nil {
		return passkeyFailure(err)
	}
	return s.answerBegun(c, signedIn(c).session.ID, options, challenge)
}

// ownPasskeys returns the account of the person who is signed in, with their passkeys. It fails if they have none.
func (s *Server) ownPasskeys(c echo.Context) (u identity.PasskeyUser, err error) {
	if s.passkeys == nil {
		return u, noPasskeys()
	}
	v := signedIn(c)
	ways, err := s.cfg.Accounts.OwnWays(c.Request().Context(), v.user.ID)
	if err != nil {
		return u, unavailable(fmt.Errorf("passkeys: %w", err))
	}
	if len(ways.PasskeysFor(s.rpID())) == 0 {
		return u, passkeyFailure(identity.ErrPasskeyUnknown)
	}
	return passkeyUser(v.user, ways), nil
}

// provePasskey proves who somebody is. Their page then posts its form again.
func (s *Server) provePasskey(c echo.Context) error {
	u, err := s.ownPasskeys(c)
	if err != nil {
		return err
	}
	sent, err := s.readFinishing(c, signedIn(c).session.ID)
	if err != nil {
		return err
	}
	err = s.attemptOwn(c, "", func(context.Context) error {
		use, err := s.passkeys.FinishStepUp(sent.challenge, u, sent.raw)
		if err == nil {
			err = s.provedBy(c, accounts.Proof{Factors: accounts.FactorPasskey, Used: s.usedPasskey(use),
				Spends: []accounts.Once{sent.spends()}})
		}
		if known := passkeyFailure(err); known != err {
			err = errors.Join(accounts.ErrCredentials, known) // counts as a wrong password
		}
		return err
	})
	over := (*limited)(nil)
	switch {
	case errors.As(err, &over):
		err = tooMany("confirm that it's you", over)
	case errors.Is(err, accounts.ErrNoSession):
		err = &failure{Status: http.StatusForbidden, Message: "You've been signed out. Sign in again.", Err: err}
	}
	s.countProof(err)
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, map[string]string{"next": s.site.path("/")})
}

// countProof counts the outcome of a proof.
func (s *Server) countProof(err error) {
	status := http.StatusOK
	if err != nil {
		status = http.StatusServiceUnavailable
		if f := (*failure)(nil); errors.As(err, &f) {
			status = f.Status
		}
	}
	s.metrics.proofs.WithLabelValues(outcome(status)).Inc()
}
