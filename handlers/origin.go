package handlers

import (
	"net/http"
	"net/url"
)

// originAllowed reports whether r may open a live socket. Browsers send cookies along with a websocket from any
// page and ask nobody, so Origin is all that tells our own page from a stranger's.
//
// With a public URL, Origin must be exactly its scheme://host[:port]. Without one the board is served by plain http,
// and Origin must be http:// and exactly the Host the browser asked for. A missing Origin is not a browser's and is
// refused, like "null", other schemes, other ports and other spellings.
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
	if !s.originWarned.Swap(true) {
		s.log.Warn("a live connection from another origin was refused; if people reach the board at that address, set --public-url to it",
			"origin", clip(origins[0]), "ours", clip(ours))
	}
	return false
}

// plainHost reports whether host is host[:port] and nothing more.
func plainHost(host string) bool {
	u, err := url.Parse("http://" + host)
	return err == nil && host != "" && u.Host == host && u.User == nil && u.Path == "" && u.RawQuery == "" && u.Fragment == "" && !u.ForceQuery
}
