package handlers

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/identity"
)

// backChannel answers a provider that has signed somebody out: OpenID Connect Back-Channel Logout 1.0. Anybody can call
// it, so failures are limited by address before a token is verified.
func (s *Server) backChannel(c echo.Context) error {
	p, err := s.provider(c)
	if err != nil {
		return err
	}
	fields, err := readForm(c.Request())
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	var failed reservation
	err = failed.takeNetworks(ctx, s.limiters.Strangers, "backchannel:address:", s.addresses.networks(c.Request()),
		s.cfg.Limits.Logins, loginWindow)
	if err != nil {
		return s.refusedElsewhere(err)
	}
	out, err := p.Logout(ctx, fields.Get("logout_token"))
	switch {
	case errors.Is(err, identity.ErrUnavailable):
		failed.giveBack(ctx)
		return s.providerFailure(c, p, err)
	case err != nil:
		return refusedLogout(err)
	}
	failed.giveBack(ctx)
	n, err := s.cfg.Accounts.EndProviderSessions(accounts.As(ctx, accounts.AtProvider(p.key())), accounts.ProviderLogout{
		Provider: p.key(), Session: out.SessionID, Issuer: out.Issuer, Subject: out.Subject,
	}, accounts.Once{Secret: "logout:" + p.key() + "\x00" + out.TokenID, ExpiresAt: out.Expires})
	switch {
	case errors.Is(err, accounts.ErrSpent):
		return refusedLogout(err)
	case err != nil:
		return notSaved(fmt.Errorf("end sessions of a provider: %w", err))
	}
	s.log.Debug("a provider ended sessions", "provider", p.key(), "sessions", n, "request", requestID(c))
	return c.NoContent(http.StatusOK)
}

func refusedLogout(err error) error {
	return &failure{Status: http.StatusBadRequest, Message: "This logout token can't be used.", Err: err}
}
