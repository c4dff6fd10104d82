package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// manifest describes the board to browsers that install it as an app.
func (s *Server) manifest(c echo.Context) error {
	body, err := s.cfg.UI.Manifest()
	if err != nil {
		return err
	}
	return c.Blob(http.StatusOK, "application/manifest+json", body)
}

// robots tells crawlers what they may read. By default, that's only the page that says noindex: a search engine that
// may not read it could list its address.
func (s *Server) robots(c echo.Context) error {
	rules := "User-agent: *\nDisallow: /\nAllow: " + s.site.path("/login") + "\nAllow: " + s.site.path("/$") + "\n"
	if s.cfg.UI.Robots() {
		rules = "User-agent: *\nDisallow:\n"
	}
	return c.String(http.StatusOK, rules)
}

// changePassword redirects password managers to the form that changes a password.
func (s *Server) changePassword(c echo.Context) error {
	return s.redirect(c, s.site.path("/settings")+"#password-h")
}
