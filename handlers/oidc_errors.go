package handlers

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/identity"
)

// providerFailure explains to a visitor why a sign-in at a provider failed. The page never shows text that the provider
// or its URL chose. What an operator can fix is logged as a warning.
func (s *Server) providerFailure(c echo.Context, p *provider, err error) error {
	var e *identity.ProviderError
	if !errors.As(err, &e) {
		return err
	}
	level := slog.LevelWarn
	switch e.Code {
	case identity.ErrState, identity.ErrFlowExpired, identity.ErrDomain, identity.ErrUnverified:
		level = slog.LevelDebug
	case identity.ErrRefused:
		if e.Reason == "access_denied" || e.Reason == "login_required" || e.Reason == "interaction_required" {
			level = slog.LevelDebug
		}
	}
	s.log.Log(c.Request().Context(), level, "sign-in at a provider failed", "provider", p.key(), "code", string(e.Code),
		"err", e, "request", requestID(c))
	f := explainProvider(e, p.name())
	f.Err, f.logged = err, true
	return f
}

// explainProvider returns what a visitor sees about a sign-in that failed.
func explainProvider(e *identity.ProviderError, name string) *failure {
	switch e.Code {
	case identity.ErrState, identity.ErrFlowExpired:
		return &failure{Status: http.StatusBadRequest, Heading: "This sign-in has ended",
			Message: "It took longer than 10 minutes, was finished already, or began in another browser. Sign in again."}
	case identity.ErrRefused:
		if e.Reason == "access_denied" {
			return &failure{Status: http.StatusForbidden, Heading: name + " didn't let you in",
				Message: "You canceled, or your account there isn't allowed to use this board. Try again, or sign in another way."}
		}
	case identity.ErrUnavailable:
		return &failure{Status: http.StatusServiceUnavailable, Heading: name + " doesn't answer",
			Message: "Try again in a minute, or sign in another way."}
	case identity.ErrUnverified:
		return &failure{Status: http.StatusForbidden, Heading: "Your email address isn't verified",
			Message: name + " doesn't say that your email address is verified. Verify it there, and sign in again."}
	case identity.ErrDomain:
		return &failure{Status: http.StatusForbidden, Heading: "Not with this account",
			Message: "People with your account at " + name + " can't join this board. " +
				"If you have another account there, choose that one."}
	case identity.ErrAuthTime:
		return &failure{Status: http.StatusForbidden, Heading: "That doesn't confirm that it's you",
			Message: name + " doesn't say that you've just signed in there. Confirm with your password, or sign out here " +
				"and sign in again."}
	}
	return &failure{Status: http.StatusBadGateway, Heading: "Signing in with " + name + " doesn't work",
		Message: "Tell the person who runs this board. They can find the reason in the server's log."}
}

// unlinked is the failure for somebody whose identity nobody here has.
func (s *Server) unlinked(key string) error {
	name := s.ElsewhereName(key)
	return &failure{Status: http.StatusForbidden, Heading: "Nobody here is linked to this login",
		Message: "If you have an account on this board, sign in the usual way, and link " + name + " in the settings under " +
			"“Sign in with another account”. If you don't have one, ask an administrator."}
}
