package handlers

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// checkHost refuses requests for a host that isn't ours. The owner of any domain can point it at this server, and to a browser
// their page and ours are then one site (DNS rebinding). Only the Host header tells them apart.
func (s *Server) checkHost(r *http.Request) error {
	if s.site.answersTo(r.Host, s.cfg.Loopback) {
		return nil
	}
	if !s.hostWarned.Swap(true) {
		s.log.Warn("a request for another host was refused; if people reach the board at that address, set --public-url to it",
			"host", clip(r.Host), "ours", s.site.host)
	}
	return s.misdirected()
}

// misdirected says where the board is instead.
func (s *Server) misdirected() *failure {
	where := "Open it by its IP address. If you run it, set --public-url to the address that people type."
	switch {
	case s.site.origin != "":
		where = "Open it at " + s.site.origin + s.site.path("/") + "."
	case s.cfg.Loopback:
		where = "Open it as localhost or 127.0.0.1."
	}
	return &failure{Status: http.StatusMisdirectedRequest, Heading: "Wrong address",
		Message: "Rollcall doesn't answer at this address. " + where}
}

// answersTo reports whether a request with this Host header is for us. loopback says that only this machine can connect.
//
// With a public URL its host is ours; whatever the port, because a proxy may have another one. Names of this machine
// itself are ours when nobody else can connect. Without a public URL, on an address that others reach, nobody has told us
// our name: then it may be any that no stranger can own.
func (s site) answersTo(host string, loopback bool) bool {
	name := hostName(host)
	switch {
	case name == "":
		return false
	case s.origin != "" && name == hostName(s.host), loopback && isLoopback(name):
		return true
	}
	return s.origin == "" && !loopback && isPrivate(name)
}

// hostName is the name or address in a Host header: lower case, without port, brackets, and the dot at the end. "" when
// there is none.
func hostName(host string) string {
	if !plainHost(host) {
		return ""
	}
	u, err := url.Parse("http://" + host)
	if err != nil {
		return ""
	}
	name := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	if addr := parseAddr(name); addr.IsValid() {
		return addr.String()
	}
	return name
}

// isLoopback reports whether name always leads to the machine of whoever uses it.
func isLoopback(name string) bool {
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.IsLoopback() || name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// isPrivate reports whether name is one that can't be bought: an IP address, a name of a single word, or one under a domain
// that is reserved for local networks.
func isPrivate(name string) bool {
	if _, err := netip.ParseAddr(name); err == nil || !strings.Contains(name, ".") {
		return true
	}
	for _, domain := range []string{".localhost", ".local", ".internal", ".home.arpa"} {
		if strings.HasSuffix(name, domain) {
			return true
		}
	}
	return false
}
