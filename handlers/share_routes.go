package handlers

// shareRoutes lists the URLs of share links, and of the settings about them. Nobody needs an account for a share link,
// and no cookie has an effect there.
func (s *Server) shareRoutes(member group) {
	at := s.site.path
	member.get(at("/settings/shares"), s.sharesPage)
	member.post(at("/settings/shares"), s.makeShare)
	member.post(at("/settings/shares/revoke"), s.revokeShare)
	member.get(at("/settings/shares/revoke"), s.toShares) // for reloads of a refused form

	wall := s.group(policy{callers: anybody, compress: true, secret: true, headers: wallHeaders(s.rules.headers)})
	wall.get(at("/w/:token"), s.wallPage)
	live := s.group(policy{callers: anybody, secret: true, headers: wallHeaders(s.rules.headers)})
	live.get(at("/w/:token/ws"), s.wallSocket)

	frames := s.group(policy{callers: anybody, secret: true, compress: true, headers: wallHeaders(s.rules.headers)})
	frames.get(at("/embed/:token"), s.embedPage)
	lists := s.group(policy{callers: anybody, secret: true, errors: asProblem, headers: shareLinkHeaders(s.rules.headers)})
	lists.get(at("/embed/:token/people.json"), s.embedJSON)
	script := s.group(policy{callers: anybody, headers: shareLinkHeaders(s.rules.headers)})
	script.get(at("/embed.js"), s.embedScript)
	script.get(at("/embed-:hash"), s.embedScriptOf)

	state := s.group(policy{callers: anybody, secret: true, errors: asProblem, headers: shareLinkHeaders(s.rules.headers)})
	state.get(at("/s/:token/state.txt"), s.stateText)
	state.get(at("/s/:token/state.json"), s.stateJSON)
	state.get(at("/s/:token/badge.svg"), s.badge)
	state.get(at("/s/:token/shields.json"), s.shields)
}
