package handlers

import (
	"net/http"
	"strconv"

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

// worker serves the script that shows notifications. It may control every page of this site, because its address is in
// their folder. A browser checks for a new one each time a page asks for it.
func (s *Server) worker(c echo.Context) error {
	script := s.cfg.UI.Asset("sw.js")
	if script == nil {
		return echo.ErrNotFound
	}
	c.Response().Header().Set("Cache-Control", "no-cache")
	return c.Blob(http.StatusOK, "text/javascript; charset=utf-8", script)
}

// meCSS marks the viewer's own card, team and favorites, so that rows don't depend on the viewer. Pages request it with
// ?u=<own id>, their team, the version of their favorites, and the teams that they may see, if that's not everyone. If
// it is, the response depends on nothing else, and the browser may cache it.
func (s *Server) meCSS(c echo.Context) error {
	user := signedIn(c).user
	favorites, err := s.favorites(c.Request().Context(), user)
	if err != nil {
		return unavailable(err)
	}
	// While people see only some teams, favorites also depend on who is in which team.
	if c.Request().URL.RequestURI() == s.meHref(user) && s.live.TeamsMark(user.Person) == "" {
		c.Response().Header().Set("Cache-Control", "private, max-age=86400")
	}
	return c.Blob(http.StatusOK, "text/css; charset=utf-8", s.cfg.UI.MeCSS(user.ID, teamID(user), user.Team != "", favorites))
}

// meHref returns the address of meCSS for a user. It changes when the stylesheet does.
func (s *Server) meHref(user accounts.User) string {
	href := s.site.path("/me.css?") + "u=" + user.ID + "&t=" + teamID(user) + "&f=" +
		strconv.FormatInt(user.FavoritesRev, 36)
	if mark := s.live.TeamsMark(user.Person); mark != "" {
		href += "&s=" + mark
	}
	return href
}

// teamID returns the element ID of a user's team, or that of the people without a team. The user's row has it, too, and
// the page's script puts it into the address of the stylesheet when it changes.
func teamID(user accounts.User) string { return ui.TeamID(user.TeamKey()) }
