package handlers

import (
	"net/http"

	"github.com/labstack/echo/v4"
)

// routes registers every URL, grouped by policy. The methods that it calls have the URLs of more groups. All other URLs
// are 404. The group of a route decides who may call it,
// never its path.
func (s *Server) routes() {
	at := s.site.path

	// Anybody, with any Host.
	probes := s.group(policy{callers: anybody, anyHost: true})
	probes.get("/healthz", s.healthz)
	probes.get("/readyz", s.readyz)
	probes.get(at("/a/*"), echo.WrapHandler(s.cfg.UI.Assets())) // compressed by the build
	probes.get(at("/favicon.ico"), s.favicon)
	probes.get(at("/favicon.svg"), s.favicon)

	// Anybody.
	public := s.group(policy{callers: anybody})
	public.get(at("/apple-touch-icon.png"), s.touchIcon)
	public.get(at("/manifest.webmanifest"), s.manifest)
	public.get(at("/sw.js"), s.worker) // browsers fetch it by themselves, also after a session has ended
	public.get("/robots.txt", s.robots)
	public.get("/.well-known/change-password", s.changePassword)
	logo := s.group(policy{callers: anybody, headers: logoHeaders(s.rules.headers)})
	logo.get(at("/logo/*"), echo.WrapHandler(s.cfg.UI.Assets()))

	// Visitors, signed in or not.
	entry := s.group(policy{callers: visitors, compress: true})
	entry.get(at("/login"), s.loginPage)
	entry.post(at("/login"), s.login, counted(s.metrics.signIns))
	entry.get(at("/signup"), s.signupPage)
	entry.post(at("/signup"), s.signup, counted(s.metrics.signUps))
	entry.get(at("/forgot"), s.forgotPage)
	entry.post(at("/forgot"), s.forgot)
	entry.post(at("/logout"), s.logout)
	entry.get(at("/setup"), s.setupPage)
	entry.post(at("/setup"), s.setUp, counted(s.metrics.signUps))

	// Links that let somebody in. A GET shows a form; the POST uses the link.
	links := s.group(policy{callers: visitors, compress: true, secret: true, headers: secretHeaders(s.rules.headers)})
	links.get(at("/join/:token"), s.joinPage)
	links.post(at("/join/:token"), s.join, counted(s.metrics.signUps))
	links.get(at("/reset/:token"), s.resetPage)
	links.post(at("/reset/:token"), s.reset)
	links.get(at("/signup/:token"), s.addressPage)
	links.post(at("/signup/:token"), s.joinByAddress, counted(s.metrics.signUps))
	links.get(at("/verify/:token"), s.verifyPage)
	links.post(at("/verify/:token"), s.verify)
	links.get(at("/undo/:token"), s.undoPage)
	links.post(at("/undo/:token"), s.undo)

	// Sign-in at a provider or by a proxy. The callback is the only GET that writes, so HEAD isn't one.
	elsewhere := s.group(policy{callers: visitors, compress: true})
	elsewhere.get(at("/auth/:key"), s.startAtProvider)
	elsewhere.on([]string{http.MethodGet}, at("/auth/:key/callback"), s.finishAtProvider,
		[]echo.MiddlewareFunc{counted(s.metrics.signIns)})
	entry.post(at("/continue"), s.continueProxied, counted(s.metrics.signIns))
	servers := s.group(policy{callers: anybody, errors: asProblem})
	servers.post(at("/auth/:key/backchannel"), s.backChannel)

	// The live connection. It refuses strangers with a close code, which pages understand.
	live := s.group(policy{callers: visitors})
	live.get(at("/ws"), s.ws)

	s.streamRoutes()

	// Members. Others are redirected to the sign-in page.
	member := s.group(policy{compress: true})
	member.get(at("/"), s.board)
	member.get(at("/me.css"), s.meCSS)
	member.get(at("/me"), s.mePage)
	member.get(at("/me/panel"), s.mePanel)
	member.post(at("/me/status"), s.setStatus)
	member.post(at("/me/invisible"), s.setInvisible)
	member.post(at("/me/presets/forget"), s.forgetPreset)
	member.post(at("/me/claims/remove"), s.removeClaim)
	member.post(at("/me/zone"), s.setZone)

	member.get(at("/u/:name"), s.personPage)
	member.post(at("/favorites/add"), s.addFavorite)
	member.post(at("/favorites/remove"), s.removeFavorite)
	member.post(at("/alerts/add"), s.addAlert)
	member.post(at("/alerts/remove"), s.removeAlert)

	member.get(at("/settings"), s.settingsPage)
	for path, set := range map[string]echo.HandlerFunc{
		"/settings/profile":             s.setProfile,
		"/settings/details":             s.setDetails,
		"/settings/presence":            s.setPresence,
		"/settings/look":                s.setLook,
		"/settings/password":            s.setPassword,
		"/settings/sessions/end":        s.endSession,
		"/settings/sessions/end-others": s.endOtherSessions,
		"/settings/sessions/confirm":    s.confirmSession,
		"/settings/delete":              s.deleteAccount,
	} {
		member.post(at(path), set)
		member.get(at(path), s.toSettings) // for reloads of a refused form
	}
	linking := s.group(policy{compress: true, proof: true})
	linking.post(at("/settings/linked/add"), s.addLinked)
	linking.post(at("/settings/linked/remove"), s.removeLinked)
	linking.get(at("/settings/linked/add"), s.toSettings)
	linking.get(at("/settings/linked/remove"), s.toSettings)
	member.get(at("/settings/my-data.json"), s.myData)
	member.get(at("/settings/stored"), s.storedPage)

	s.shareRoutes(member)
	s.waysRoutes(entry, member)
	s.tokensRoutes(member)
	s.hooksRoutes()
	proven := s.group(policy{compress: true, proof: true})
	for path, set := range map[string]echo.HandlerFunc{
		"/settings/email": s.setEmail, "/settings/email/remove": s.removeEmail,
	} {
		proven.post(at(path), set)
		proven.get(at(path), s.toSettings)
	}

	s.adminRoutes()
	s.apiRoutes()

	if s.site.base != "" { // for people who type the address, and for probes through the proxy
		entry.get(s.site.base, func(c echo.Context) error { return s.redirect(c, at("/")) })
		probes.get(at("/healthz"), s.healthz)
		probes.get(at("/readyz"), s.readyz)
		public.get(at("/robots.txt"), s.robots)
		public.get(at("/.well-known/change-password"), s.changePassword)
	}
}

// adminRoutes lists the URLs of the administration. Every POST needs a proof of who sends it.
func (s *Server) adminRoutes() {
	at := s.site.path
	admin := s.group(policy{callers: administrators, compress: true, proof: true, fields: maxBulkFields})
	admin.get(at("/admin"), s.toAdmin)
	admin.get(at("/admin/people"), s.adminPeople)
	admin.get(at("/admin/people/:name"), s.adminPerson)
	admin.post(at("/admin/people/:name"), s.adminProfile)
	for path, act := range map[string]echo.HandlerFunc{
		"/role": s.adminRole, "/reset-link": s.adminResetLink, "/end-sessions": s.adminEndSessions,
		"/email":         s.adminEmail,
		"/reset-factors": s.adminResetFactors,
		"/unlink":        s.adminUnlink,
		"/disable":       s.adminDisable, "/enable": s.adminEnable, "/delete": s.adminDelete,
	} {
		admin.post(at("/admin/people/:name"+path), act)
		admin.get(at("/admin/people/:name"+path), s.toAccount) // for reloads of a refused form
	}
	for path, act := range map[string]echo.HandlerFunc{
		"/admin/bulk": s.bulk, "/admin/approve": s.approve, "/admin/decline": s.decline,
		"/admin/teams/rename": s.renameTeam, "/admin/teams/merge": s.mergeTeam, "/admin/teams/delete": s.deleteTeam,
		"/admin/teams/pair": s.pairTeams, "/admin/teams/unpair": s.unpairTeams,
		"/admin/invitations/revoke": s.revoke,
	} {
		admin.post(at(path), act)
		admin.get(at(path), s.toAdmin)
	}
	admin.get(at("/admin/teams"), s.adminTeams)
	admin.get(at("/admin/team"), s.adminTeam)
	admin.get(at("/admin/invitations"), s.adminInvitations)
	admin.post(at("/admin/invitations"), s.invite)
	admin.get(at("/admin/settings"), s.adminSettings)
	admin.post(at("/admin/settings"), s.setBoard)
	admin.get(at("/admin/log"), s.adminLog)

	// Lists of people, which are longer than forms, and whose passwords take a while to hash.
	list := policy{callers: administrators, compress: true, proof: true, uploads: true, body: maxListBody, answerIn: listTime}
	lists := s.group(list)
	lists.get(at("/admin/import"), s.importPage)
	lists.post(at("/admin/import"), s.importPeople)
	list.download = true
	files := s.group(list)
	for path, send := range map[string]echo.HandlerFunc{
		"/admin/import/links.csv": s.importedLinks, "/admin/people.csv": s.exportPeople, "/admin/log.csv": s.exportLog,
	} {
		files.post(at(path), send)
		files.get(at(path), s.toAdmin)
	}
}
