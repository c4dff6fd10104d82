package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// favicon serves programs that look for an icon at its usual path. Pages link to the icon directly.
func (s *Server) favicon(c echo.Context) error {
	to := s.cfg.UI.AssetURL("favicon.svg")
	if to == "" {
		return echo.ErrNotFound
	}
	c.Response().Header().Set("Cache-Control", "public, max-age=86400")
	return c.Redirect(http.StatusFound, to)
}

// meCSS marks the viewer's own card, so that rows don't depend on the viewer. Pages request it with ?u=<own id>. The
// response depends only on that id, so the browser may cache it.
func (s *Server) meCSS(c echo.Context) error {
	uid := signedIn(c).user.ID
	if c.QueryParam("u") == uid {
		c.Response().Header().Set("Cache-Control", "private, max-age=86400")
	}
	return c.Blob(http.StatusOK, "text/css; charset=utf-8", s.cfg.UI.MeCSS(uid))
}
