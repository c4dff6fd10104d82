package handlers

import (
	"net/http"
	"net/url"
)

// originAllowed reports whether r may open a live socket. Browsers let any page open a websocket and send our cookies
// with it, so only Origin tells our own pages from others.
//
// With a public URL, Origin must be exactly its scheme://host[:port]. Without one, the board is served over plain http,
// and Origin must be http:// followed by exactly the Host of the request. A missing Origin is refused, because browsers
// always send one. So are "null" and any other scheme, port or spelling.
func (s *Server) originAllowed(r *http.Request) bool {
	origins := r.Header.Values("Origin")
	if len(origins) != 1 || origins[0] == "" {
		return false
	}
	ours := s.site.origin
	if ours == "" && plainHost(r.Host) {
		ours = "http://" + r.Host
	}
	if ours == origins[0] {
		return true
	}
	if !s.warned.origin.Swap(true) {
		s.log.Warn("a live connection from another origin was refused; if people reach the board at that address, set --public-url to it",
			"origin", clip(origins[0]), "ours", clip(ours))
	}
	return false
}

// plainHost reports whether host is just host[:port].
func plainHost(host string) bool {
	u, err := url.Parse("http://" + host)
	return err == nil && host != "" && u.Host == host && u.User == nil && u.Path == "" && u.RawQuery == "" &&
		u.Fragment == "" && !u.ForceQuery
}
