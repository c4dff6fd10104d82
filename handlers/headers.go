package handlers

import "net/http"

// securityHeaders are on every answer (pages, redirects, errors, assets, refusals) unless the policy of a route has others.
// Handlers may replace Cache-Control (assets do) and nothing else.
//
// The policy allows no inline script or style and no nonce. connect-src names the socket's address besides 'self'
// because older browsers do not count ws: and wss: as 'self'.
func securityHeaders(place site) http.Header {
	connect := "'self'"
	if place.origin != "" {
		socket := "ws://"
		if place.secure() {
			socket = "wss://"
		}
		connect += " " + socket + place.host
	}
	h := http.Header{}
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
		"connect-src "+connect+"; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
	h.Set("Cache-Control", "no-store")
	if place.secure() {
		// This host only: its subdomains are somebody's own decision.
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	return h
}

// setHeaders puts headers that many answers share on h.
func setHeaders(h, shared http.Header) {
	for name, values := range shared {
		// The slice is shared by all answers; its capacity is its length, so an Add copies it.
		h[name] = values[:1:1]
	}
}
