package handlers

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"path"
	"regexp"
	"strings"
)

// site holds where browsers reach this server and what depends on it: origins, cookies and the base path. It never
// changes after New.
type site struct {
	origin    string // scheme://host[:port] exactly as browsers send it; "" without a public URL
	scheme    string // http or https
	host      string // host[:port] of origin
	base      string // "" or a path such as "/rollcall", before every path of ours
	cookie    string // name of the session cookie
	known     string // name of the cookie that marks a known browser
	flow      string // beginning of the names of cookies for unfinished sign-ins at providers
	half      string // name of the cookie of somebody who still has to type a code
	signedOut string // name of the cookie of somebody who has just signed out
}

var plainPath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)*$`)

// newSite derives a site from the public URL. With https at the root, cookies get the prefix __Host-, the strictest
// one. With https under a base path, which may share its host, they get __Secure- and that path. Over http, browsers
// accept neither prefix, nor Secure.
func newSite(public *url.URL) (site, error) {
	if public == nil {
		return site{scheme: "http"}.named(), nil
	}
	refuse := func(why string) (site, error) {
		return site{}, fmt.Errorf("public URL %q: %s", public.Redacted(), why)
	}
	scheme := strings.ToLower(public.Scheme)
	host, err := originHost(scheme, public)
	base := strings.TrimSuffix(public.Path, "/")
	switch {
	case scheme != "http" && scheme != "https":
		return refuse("it must begin with https:// or http://")
	case err != nil:
		return refuse(err.Error())
	case public.User != nil || public.RawQuery != "" || public.Fragment != "" || public.ForceQuery:
		return refuse("only scheme, host, port and path may be given")
	case !plainPath.MatchString(base) || public.RawPath != "" || base != "" && path.Clean(base) != base:
		return refuse("the path may hold letters, digits, '-', '.', '_' and '~' between single slashes")
	}
	return site{origin: scheme + "://" + host, scheme: scheme, host: host, base: base}.named(), nil
}

// originHost returns host[:port] as in an Origin header: in lower case and without the default port of the scheme.
func originHost(scheme string, u *url.URL) (string, error) {
	name, port := strings.ToLower(u.Hostname()), u.Port()
	if name == "" {
		return "", errors.New("the host is missing")
	}
	for _, r := range name {
		if r > 0x7e {
			return "", errors.New("write the host in its ASCII form (xn--…)")
		}
	}
	if strings.Contains(name, ":") {
		name = "[" + name + "]"
	}
	if port == "" || scheme == "https" && port == "443" || scheme == "http" && port == "80" {
		return name, nil
	}
	return name + ":" + port, nil
}

func (s site) named() site {
	prefix := ""
	switch {
	case s.secure() && s.base == "":
		prefix = "__Host-"
	case s.secure():
		prefix = "__Secure-"
	}
	s.cookie, s.known, s.half = prefix+"rollcall", prefix+"rollcall-known", prefix+"rollcall-code"
	s.signedOut = prefix + "rollcall-signed-out"
	s.flow = prefix + "rollcall-f-"
	return s
}

// secure reports whether browsers reach the site over https.
func (s site) secure() bool { return s.scheme == "https" }

// path adds the base path to p, which begins with a slash.
func (s site) path(p string) string { return s.base + p }

// cookiePath returns the path to which browsers send our cookies.
func (s site) cookiePath() string {
	if s.base == "" {
		return "/"
	}
	return s.base
}

// exposed reports whether the public URL is plain http on a host other than this machine.
func (s site) exposed() bool {
	if s.origin == "" || s.secure() {
		return false
	}
	name := s.host
	if h, _, err := net.SplitHostPort(name); err == nil {
		name = h
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return false
	}
	addr, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err != nil || !addr.IsLoopback()
}
