package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// routes lists every URL, grouped by who may call it. What is not here does not exist: 404. Access is decided by the
// line of a route and never by the look of its path.
func (s *Server) routes(e *echo.Echo) {
	at := s.site.path
	anyHost := func(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) {
		e.Match([]string{http.MethodGet, http.MethodHead}, path, h, m...)
	}
	get := func(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) {
		anyHost(path, h, append([]echo.MiddlewareFunc{s.ownHost}, m...)...)
	}
	post := func(path string, h echo.HandlerFunc, m ...echo.MiddlewareFunc) {
		e.POST(path, h, append([]echo.MiddlewareFunc{s.ownHost}, m...)...)
	}
	zip := middleware.GzipWithConfig(middleware.GzipConfig{Level: 1, MinLength: 1 << 10}) // pages only: assets come compressed

	// Anybody and any machine, by whatever name it calls this server; nobody is looked up.
	anyHost("/healthz", s.healthz)
	anyHost("/readyz", s.readyz)
	anyHost(at("/a/*"), echo.WrapHandler(s.cfg.UI.Assets()))
	anyHost(at("/favicon.ico"), s.favicon)
	anyHost(at("/favicon.svg"), s.favicon)

	// Visitors: signed in or not.
	get(at("/login"), s.loginPage, zip, s.visitor)
	post(at("/login"), s.login, zip, s.visitor, counted(s.metrics.signIns))
	get(at("/signup"), s.signupPage, zip, s.visitor)
	post(at("/signup"), s.signup, zip, s.visitor, counted(s.metrics.signUps))
	post(at("/logout"), s.logout, s.visitor)
	e.GET(at("/ws"), s.ws, s.ownHost, s.visitor) // refuses strangers itself: by a close code, which pages understand

	// Members: others are sent to /login.
	get(at("/"), s.board, zip, s.member)
	get(at("/me.css"), s.meCSS, s.member)
	get(at("/me"), s.mePage, zip, s.member)
	get(at("/me/panel"), s.mePanel, zip, s.member)
	post(at("/me/status"), s.setStatus, zip, s.member)
	post(at("/me/invisible"), s.setInvisible, zip, s.member)
	post(at("/me/presets/forget"), s.forgetPreset, zip, s.member)
	post(at("/me/zone"), s.setZone, s.member)

	get(at("/settings"), s.settingsPage, zip, s.member)
	for path, set := range map[string]echo.HandlerFunc{
		"/settings/profile":             s.setProfile,
		"/settings/presence":            s.setPresence,
		"/settings/look":                s.setLook,
		"/settings/password":            s.setPassword,
		"/settings/sessions/end":        s.endSession,
		"/settings/sessions/end-others": s.endOtherSessions,
		"/settings/delete":              s.deleteAccount,
	} {
		post(at(path), set, zip, s.member)
		get(at(path), s.toSettings, s.member) // the address of a form that was refused
	}
	get(at("/settings/my-data.json"), s.myData, zip, s.member)
	get(at("/settings/stored"), s.storedPage, zip, s.member)

	if s.site.base != "" { // for those who type the address, and for probes that come through the proxy
		get(s.site.base, func(c echo.Context) error { return s.redirect(c, at("/")) })
		anyHost(at("/healthz"), s.healthz)
		anyHost(at("/readyz"), s.readyz)
	}
}
