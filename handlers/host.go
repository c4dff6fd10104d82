package handlers

import (
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// checkHost refuses requests for a foreign host. The owner of any domain can point it at this server, and browsers then
// treat their page and ours as one site (DNS rebinding). Only the Host header tells them apart.
func (s *Server) checkHost(r *http.Request) error {
	if s.site.answersTo(r.Host, s.cfg.Loopback) {
		return nil
	}
	if !s.warned.host.Swap(true) {
		s.log.Warn("a request for another host was refused; if people reach the board at that address, set --public-url to it",
			"host", clip(r.Host), "ours", s.site.host)
	}
	return s.misdirected()
}

// misdirected returns the failure for a foreign host. It says where to find the board.
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

// answersTo reports whether this Host header is ours. loopback means that only this machine can connect.
//
// The host of the public URL is ours with any port, because a proxy may use another one. If only this machine can
// connect, loopback names are ours, too. If others can connect and there is no public URL, our name is unknown. Then
// any name is ours that can't be a public domain.
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

// hostName returns the name or address in a Host header, in lower case and without port, brackets and trailing dot. It
// returns "" for an invalid header.
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

// isLoopback reports whether name always means the client's own machine.
func isLoopback(name string) bool {
	addr, err := netip.ParseAddr(name)
	return err == nil && addr.IsLoopback() || name == "localhost" || strings.HasSuffix(name, ".localhost")
}

// isPrivate reports whether name can't be a public domain: it's an IP address, a single word, or under a domain that is
// reserved for local networks.
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
