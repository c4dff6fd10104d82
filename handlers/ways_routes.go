package handlers

import "github.com/labstack/echo/v4"

// waysRoutes lists the URLs of second factors and passkeys.
func (s *Server) waysRoutes(entry, member group) {
	at := s.site.path
	entry.get(at("/login/code"), s.loginCodePage)
	entry.post(at("/login/code"), s.loginCode, counted(s.metrics.signIns))
	entry.post(at("/login/passkey/begin"), s.passkeySignInBegin)
	entry.post(at("/login/passkey"), s.passkeySignIn, counted(s.metrics.signIns))

	member.post(at("/prove/passkey/begin"), s.provePasskeyBegin)
	member.post(at("/prove/passkey"), s.provePasskey)
	member.get(at("/settings/sign-in"), s.waysPage)
	member.post(at("/settings/sign-in/passkey/begin"), s.registerPasskeyBegin) // both check the proof themselves
	member.post(at("/settings/sign-in/passkey/finish"), s.registerPasskey)

	member.post(at("/settings/sign-in/codes.txt"), s.downloadCodes)
	member.get(at("/settings/sign-in/codes.txt"), s.toWays)

	proved := s.group(policy{compress: true, proof: true})
	proved.get(at("/settings/sign-in/passkey"), s.addPasskeyPage)
	proved.post(at("/settings/sign-in/passkey"), s.addPasskey)
	for path, act := range map[string]echo.HandlerFunc{
		"/passkey/rename": s.renamePasskey, "/passkey/remove": s.removePasskey,
		"/password": s.choosePassword, "/codes": s.renewCodes,
		"/app": s.startApp, "/app/confirm": s.confirmApp, "/app/remove": s.removeApp,
	} {
		proved.post(at("/settings/sign-in"+path), act)
		proved.get(at("/settings/sign-in"+path), s.toWays) // for reloads of a refused form
	}
}
