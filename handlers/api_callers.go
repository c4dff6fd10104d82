package handlers

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"

	"rollcall/accounts"
)

const callerKey = "api caller"

// callerOf returns who calls the API. It requires the middleware tokenOrSession.
func callerOf(c echo.Context) caller {
	x, _ := c.Get(callerKey).(caller)
	return x
}

// tokenOrSession requires a token or a session. A request with the header Authorization is one by a token: its cookies
// are never looked at, so that another site can't make a browser send it with our cookies and a header of its own. One
// without it must come from our own pages if it changes something.
func (s *Server) tokenOrSession(next echo.HandlerFunc) echo.HandlerFunc {
	bySession := s.visitor(func(c echo.Context) error {
		v := signedIn(c)
		if v == nil {
			return unauthorized(c, "", "Send an access token: Authorization: Bearer rollcall_…", nil)
		}
		c.Response().Header().Del("Access-Control-Allow-Origin")
		c.Set(callerKey, caller{user: v.user, session: v.session, proved: s.proved(c),
			again: func(ctx context.Context) (accounts.User, error) {
				_, user, err := s.cfg.Accounts.SessionByToken(ctx, v.token)
				return user, err
			}})
		return next(c)
	})
	return func(c echo.Context) error {
		given := c.Request().Header.Values("Authorization")
		if len(given) == 0 {
			given = offeredTokens(c.Request())
		}
		if len(given) > 0 {
			return s.byToken(c, given, next)
		}
		if err := s.checkSite(c.Request()); err != nil {
			return err
		}
		return bySession(c)
	}
}

// byToken looks up the token in the values of the header Authorization.
func (s *Server) byToken(c echo.Context, given []string, next echo.HandlerFunc) error {
	text, ok := bearer(given)
	if !ok {
		return unauthorized(c, "invalid_request", "Send one header: Authorization: Bearer rollcall_…", nil)
	}
	token, user, err := s.cfg.Accounts.TokenByText(c.Request().Context(), text)
	switch {
	case errors.Is(err, accounts.ErrNoToken):
		return unauthorized(c, "invalid_token", "This access token is wrong, has expired, or was revoked.", err)
	case err != nil:
		return unavailable(err)
	}
	c.Set(callerKey, caller{user: user, token: token, again: func(ctx context.Context) (accounts.User, error) {
		_, user, err := s.cfg.Accounts.TokenByText(ctx, text)
		return user, err
	}})
	actAs(c, accounts.ByUser(user.ID))
	s.touched.tokens.mark(token.ID, token.UsedAt, time.Now())
	return next(c)
}

// tokenProtocol begins a subprotocol that holds a token. Browsers can't send the header Authorization with the
// handshake of a websocket.
const tokenProtocol = "token."

// offeredTokens returns the tokens among the subprotocols that a websocket's client offers, as values of the header
// Authorization.
func offeredTokens(r *http.Request) (given []string) {
	if !websocket.IsWebSocketUpgrade(r) {
		return nil
	}
	for _, protocol := range websocket.Subprotocols(r) {
		if text, ok := strings.CutPrefix(protocol, tokenProtocol); ok {
			given = append(given, "Bearer "+text)
		}
	}
	return given
}

// bearer returns the token in the values of the header Authorization (RFC 6750).
func bearer(given []string) (text string, ok bool) {
	if len(given) != 1 {
		return "", false
	}
	scheme, text, ok := strings.Cut(given[0], " ")
	return strings.TrimSpace(text), ok && strings.EqualFold(scheme, "Bearer")
}

// unauthorized is the failure of a request without a valid token or session. why is an error code of RFC 6750, or "".
func unauthorized(c echo.Context, why, message string, err error) error {
	challenge := `Bearer realm="rollcall"`
	if why != "" {
		challenge += `, error="` + why + `"`
	}
	c.Response().Header().Set("WWW-Authenticate", challenge)
	return &failure{Status: http.StatusUnauthorized, Message: message, Err: err}
}

// lacksScope is the failure of a token that can't do what was asked of it.
func lacksScope(c echo.Context, scope accounts.Scope) error {
	c.Response().Header().Set("WWW-Authenticate",
		`Bearer realm="rollcall", error="insufficient_scope", scope="`+string(scope)+`"`)
	return &failure{Status: http.StatusForbidden, Problem: insufficientScope,
		Message: "This access token doesn't have the scope " + string(scope) + "."}
}

// unconfirmedFailure is the failure of a session in which the person has to confirm first that it's them.
func unconfirmedFailure() error {
	return &failure{Status: http.StatusForbidden, Problem: confirmationRequired,
		Message: "Confirm in the browser that it's you, and try again within 10 minutes; or use an access token."}
}
