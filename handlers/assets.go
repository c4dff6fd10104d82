package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// favicon is where programs look that do not read pages; pages name the icon themselves.
func (s *Server) favicon(c echo.Context) error {
	to := s.cfg.UI.AssetURL("favicon.svg")
	if to == "" {
		return echo.ErrNotFound
	}
	c.Response().Header().Set("Cache-Control", "public, max-age=86400")
	return c.Redirect(http.StatusFound, to)
}

// meCSS marks the viewer's own card, so that rows need not depend on who looks. Pages ask with ?u=<own id>, and what
// is answered depends on nothing else: the browser may keep it under that address, another person has another one.
func (s *Server) meCSS(c echo.Context) error {
	uid := signedIn(c).user.ID
	if c.QueryParam("u") == uid {
		c.Response().Header().Set("Cache-Control", "private, max-age=86400")
	}
	return c.Blob(http.StatusOK, "text/css; charset=utf-8", s.cfg.UI.MeCSS(uid))
}
