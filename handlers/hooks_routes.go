package handlers

import "github.com/labstack/echo/v4"

// hooksRoutes lists the URLs of webhooks. Every POST needs a proof of who sends it.
func (s *Server) hooksRoutes() {
	at := s.site.path
	own := s.group(policy{compress: true, proof: true})
	own.get(at("/settings/hooks"), s.hooksPage)
	own.get(at("/settings/hooks/new"), s.newHookPage)
	own.post(at("/settings/hooks/new"), s.addHook)
	own.get(at("/settings/hooks/:id"), s.hookPage)
	own.post(at("/settings/hooks/:id"), s.changeHook)
	for path, act := range map[string]echo.HandlerFunc{
		"/test": s.testHook, "/rotate": s.rotateHook, "/pause": s.pauseHook, "/start": s.startHook, "/delete": s.deleteHook,
	} {
		own.post(at("/settings/hooks/:id"+path), act)
		own.get(at("/settings/hooks/:id"+path), s.toHook) // for reloads of an answer
	}
}
