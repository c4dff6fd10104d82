package handlers

import "net/http"

// securityHeaders returns the headers of every response (pages, redirects, errors, assets, refusals) unless the policy
// of a route has others. Handlers may replace only Cache-Control, as assets do, and what lets other sites frame a list
// (allowFrames). With robots, search engines may list what they find.
//
// The content security policy allows no inline scripts or styles and no nonces. connect-src names the socket's address
// besides 'self' because older browsers don't count ws: and wss: as 'self'.
func securityHeaders(place site, robots bool) http.Header {
	connect := "'self'"
	if place.origin != "" {
		socket := "ws://"
		if place.secure() {
			socket = "wss://"
		}
		connect += " " + socket + place.host
	}
	h := http.Header{}
	h.Set("Content-Security-Policy",
		"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; manifest-src 'self'; "+
			"connect-src "+connect+"; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; worker-src 'self'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	if !robots {
		h.Set("X-Robots-Tag", "noindex, nofollow")
	}
	if place.secure() {
		// Only this host: the operator decides about subdomains.
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	return h
}

// logoHeaders are for the operator's logo. An SVG that somebody opens by itself is a document: it may hold styles, and
// nothing else.
func logoHeaders(shared http.Header) http.Header {
	h := shared.Clone()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	return h
}

// secretHeaders are for pages whose path holds a secret: the path isn't passed on as the referrer. With no-referrer,
// browsers would send the form with the Origin null.
func secretHeaders(shared http.Header) http.Header {
	h := shared.Clone()
	h.Set("Referrer-Policy", "strict-origin")
	return h
}

// wallHeaders are for wall boards. Nothing that they load learns their address.
func wallHeaders(shared http.Header) http.Header {
	h := shared.Clone()
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	return h
}

// shareLinkHeaders are for what programs and other sites read by a share link: states and badges. A badge that somebody
// opens by itself is a document with styles.
func shareLinkHeaders(base http.Header) http.Header {
	h := base.Clone()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Robots-Tag", "noindex, nofollow")
	return h
}

// setHeaders sets headers that many responses share.
func setHeaders(h, shared http.Header) {
	for name, values := range shared {
		// All responses share the slice. Its capacity is its length, so an Add copies it.
		h[name] = values[:1:1]
	}
}
