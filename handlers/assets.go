package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// favicon serves programs that look for an icon at its usual path. Pages link to the icon directly.
func (s *Server) favicon(c echo.Context) error { return toIcon(c, s.cfg.UI.FaviconURL()) }

// touchIcon does the same for phones.
func (s *Server) touchIcon(c echo.Context) error { return toIcon(c, s.cfg.UI.TouchIconURL()) }

func toIcon(c echo.Context, to string) error {
	if to == "" {
		return echo.ErrNotFound
	}
	c.Response().Header().Set("Cache-Control", "public, max-age=86400")
	return c.Redirect(http.StatusFound, to)
}

// meCSS marks the viewer's own card, so that rows don't depend on the viewer. Pages request it with ?u=<own id>. The
// response depends only on that id, so the browser may cache it.
func (s *Server) meCSS(c echo.Context) error {
	user := signedIn(c).user
	if c.QueryParam("u") == user.ID && c.QueryParam("t") == teamID(user) {
		c.Response().Header().Set("Cache-Control", "private, max-age=86400")
	}
	return c.Blob(http.StatusOK, "text/css; charset=utf-8", s.cfg.UI.MeCSS(user.ID, teamID(user)))
}

// teamID returns the element ID of a user's team, or "" without a team.
func teamID(user accounts.User) string {
	if user.Team == "" {
		return ""
	}
	return ui.TeamID(user.TeamKey())
}
