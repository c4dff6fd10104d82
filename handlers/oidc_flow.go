package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/identity"
)

const (
	flowAge     = 10 * time.Minute // from the start at a provider until people come back
	maxFlows    = 5                // of one browser; the oldest one makes room for another
	flowPurpose = "oidc flow"
	flowID      = 8 // characters of the state in the name of its cookie
)

// keepFlow gives an unfinished flow to the browser, in a sealed cookie. There's a cookie for each flow, so that two
// tabs don't end each other's.
func (s *Server) keepFlow(c echo.Context, flow identity.Flow) error {
	sealed, err := s.cfg.Keys.SealUntil(flow.Created.Add(flowAge), flowPurpose, s.site.origin, flow)
	if errors.Is(err, identity.ErrTooLong) { // because of a long address to return to
		flow.Next = ""
		sealed, err = s.cfg.Keys.SealUntil(flow.Created.Add(flowAge), flowPurpose, s.site.origin, flow)
	}
	if err != nil {
		return fmt.Errorf("keep a flow: %w", err)
	}
	s.dropOldFlows(c)
	s.setCookie(c, s.flowCookie(flow.State), sealed, flowAge)
	return nil
}

func (s *Server) flowCookie(state string) string { return s.site.flow + state[:flowID] }

// openFlow returns the flow in a cookie.
func (s *Server) openFlow(sealed string) (flow identity.Flow, err error) {
	err = s.cfg.Keys.OpenUntil(time.Now(), flowPurpose, s.site.origin, sealed, &flow)
	return flow, err
}

// dropOldFlows makes room for another flow. Cookies that can't be opened go first.
func (s *Server) dropOldFlows(c echo.Context) {
	type kept struct {
		name  string
		began time.Time
	}
	var all []kept
	for _, cookie := range c.Request().Cookies() {
		if strings.HasPrefix(cookie.Name, s.site.flow) {
			flow, _ := s.openFlow(cookie.Value) // the zero flow is the oldest
			all = append(all, kept{cookie.Name, flow.Created})
		}
	}
	slices.SortFunc(all, func(a, b kept) int { return b.began.Compare(a.began) })
	for n, old := range all {
		if n >= maxFlows-1 || old.began.IsZero() {
			s.dropCookie(c, old.name)
		}
	}
}

// takeFlow returns the flow with a state, and drops its cookie. ok is false if this browser has no such flow.
func (s *Server) takeFlow(c echo.Context, state string) (flow identity.Flow, ok bool) {
	if len(state) < flowID || strings.ContainsFunc(state, func(r rune) bool {
		return (r < 'A' || r > 'Z') && (r < '0' || r > '9') // not what we sent
	}) {
		return flow, false
	}
	name := s.flowCookie(state)
	for _, sealed := range cookieValues(c.Request(), name) {
		if flow, err := s.openFlow(sealed); err == nil && flow.State == state {
			s.dropCookie(c, name)
			return flow, true
		}
	}
	return identity.Flow{}, false
}

func otherSession() error {
	return &failure{Status: http.StatusForbidden, Heading: "You began this in another session",
		Message: "Your session has changed since then. Sign in to your account, and begin again in the settings."}
}

func usedFlow(err error) error {
	return &failure{Status: http.StatusConflict, Heading: "This was used before", Err: err,
		Message: "Each sign-in at a provider works once. Go to the board, and sign in again if you have to."}
}
