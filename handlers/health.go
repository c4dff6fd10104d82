package handlers

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// healthz reports that the process is alive. It checks nothing else.
func (s *Server) healthz(c echo.Context) error {
	c.Set(probeKey, true)
	return c.String(http.StatusOK, "ok\n")
}

// readyz reports whether this replica can take requests. It can't while it's draining, while the accounts can't be
// read, or while Redis belongs to replicas with other accounts. An outage of Redis doesn't matter.
func (s *Server) readyz(c echo.Context) error {
	c.Set(probeKey, true)
	if s.draining.Load() {
		return &failure{Status: http.StatusServiceUnavailable, Message: "This server is shutting down.", quiet: true}
	}
	if err := s.cfg.Presence.Peers().Conflict; err != nil {
		return unavailable(err)
	}
	ctx, cancel := context.WithTimeout(c.Request().Context(), time.Second)
	defer cancel()
	if err := s.cfg.Accounts.Ping(ctx); err != nil {
		return unavailable(fmt.Errorf("accounts do not answer: %w", err))
	}
	return c.String(http.StatusOK, "ready\n")
}
