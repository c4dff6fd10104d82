package identity

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
)

// Errors of sign-in by header. After any of them, the request has no identity from the proxy, and a session that began
// with the header doesn't count.
var (
	ErrNoHeader       = errors.New("identity: no sign-in header") // missing or empty: the proxy signed nobody in
	ErrHeaderPeer     = errors.New("identity: sign-in header from a peer that isn't a listed proxy")
	ErrHeaderRepeated = errors.New("identity: more than one sign-in header")
	ErrHeaderValue    = errors.New("identity: sign-in header is neither a username nor an email address")
	ErrHeaderFunnel   = errors.New("identity: sign-in header on a request from the public internet")
	ErrHeaderToken    = errors.New("identity: sign-in header isn't a valid token") // wraps the reason, which is for logs
)

const (
	tailscaleLogin  = "Tailscale-User-Login"
	tailscaleName   = "Tailscale-User-Name"
	tailscaleFunnel = "Tailscale-Funnel-Request"
	accessToken     = "Cf-Access-Jwt-Assertion"
	accessEmail     = "Cf-Access-Authenticated-User-Email"

	maxHeaderValue = 254 // bytes of an email address (RFC 5321)
	maxHeaderName  = 512 // bytes of a display name, encoded

	// The widest ranges of private addresses have these lengths: 10.0.0.0/8 and fc00::/7.
	minBits4 = 8
	minBits6 = 7
)

var (
	headerName  = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)
	headerValue = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._'+-]*(@[A-Za-z0-9][A-Za-z0-9.-]*)?$`)
)

// HeaderConfig is the configuration of sign-in by header.
type HeaderConfig struct {
	// Name is the header in which a proxy names the person, such as Remote-User. Tailscale-User-Login and
	// Cf-Access-Jwt-Assertion are read as Tailscale Serve and Cloudflare Access write them.
	Name string
	// Proxies are the peers that are believed. It's another list than the one of proxies that tell addresses: a peer
	// on this list can be anybody.
	Proxies []netip.Prefix
	// SignUp means that people who are unknown get an account.
	SignUp bool

	// Only for Cf-Access-Jwt-Assertion.
	Team      string            // https://NAME.cloudflareaccess.com
	Audience  string            // AUD tag of the application
	Transport http.RoundTripper // fetches the team's keys; nil for http.DefaultTransport
	Now       func() time.Time  // nil for time.Now
}

// HeaderUser is what a proxy says about the person who makes a request.
type HeaderUser struct {
	Value string // identifies the person; compare it exactly
	Name  string // display name, as the proxy writes it; "" if there is none
	Email string // "" if there is none, or if it's Value
}

// Header identifies people by a header that a trusted proxy sets. It's safe for concurrent use.
type Header struct {
	name    string
	proxies []netip.Prefix
	signUp  bool
	access  *access // only for Cf-Access-Jwt-Assertion
}

// NewHeader returns a Header, or an error that says which setting is wrong.
func NewHeader(cfg HeaderConfig) (*Header, error) {
	h := &Header{name: http.CanonicalHeaderKey(cfg.Name), signUp: cfg.SignUp}
	switch {
	case strings.Contains(cfg.Name, "_"):
		return nil, fmt.Errorf("header %q: proxies drop or rewrite names with underscores", cfg.Name)
	case !headerName.MatchString(cfg.Name):
		return nil, fmt.Errorf("header %q isn't a name of letters, digits, and dashes", cfg.Name)
	case h.name == accessEmail:
		return nil, fmt.Errorf("header %s can be forged: use %s", accessEmail, accessToken)
	case len(cfg.Proxies) == 0:
		return nil, fmt.Errorf("header %s: list the addresses of the proxies that set it", h.name)
	}
	for _, p := range cfg.Proxies {
		p, err := narrow(p)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", h.name, err)
		}
		h.proxies = append(h.proxies, p)
	}
	if h.name == accessToken {
		var err error
		if h.access, err = newAccess(cfg); err != nil {
			return nil, fmt.Errorf("header %s: %w", h.name, err)
		}
	} else if cfg.Team != "" || cfg.Audience != "" {
		return nil, fmt.Errorf("header %s doesn't use a Cloudflare team: use %s", h.name, accessToken)
	}
	return h, nil
}

// narrow returns a range of addresses without IPv4-mapped ones, or an error if it's wider than any private network.
func narrow(p netip.Prefix) (netip.Prefix, error) {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	least := minBits6
	if p.Addr().Is4() {
		least = minBits4
	}
	switch {
	case !p.IsValid():
		return p, errors.New("a proxy's address is invalid")
	case p.Bits() < least:
		return p, fmt.Errorf("the range %s is too wide: everybody in it can sign in as anybody", p)
	}
	return p, nil
}

// Issuer returns the issuer under which the identities of this header are stored, such as proxy:Remote-User.
func (h *Header) Issuer() string { return "proxy:" + h.name }

// SignUp reports whether people who are unknown get an account.
func (h *Header) SignUp() bool { return h.signUp }

// Identify returns the person that the header names. peer is the address at the other end of the connection, not one
// from a forwarding header. Identify must be called for every request, also if it has a session, because the proxy may
// have signed somebody else in.
func (h *Header) Identify(r *http.Request, peer netip.Addr) (HeaderUser, error) {
	values := r.Header[h.name]
	switch {
	case h.name == tailscaleLogin && len(r.Header[tailscaleFunnel]) > 0:
		return HeaderUser{}, ErrHeaderFunnel
	case len(values) == 0, len(values) == 1 && values[0] == "":
		return HeaderUser{}, ErrNoHeader
	case !h.trusts(peer):
		return HeaderUser{}, ErrHeaderPeer
	case len(values) > 1: // one may be the client's
		return HeaderUser{}, ErrHeaderRepeated
	}
	switch h.name {
	case accessToken:
		return h.access.verify(r.Context(), values[0])
	case tailscaleLogin:
		return tailscaleUser(values[0], r.Header[tailscaleName])
	}
	if !isHeaderValue(values[0]) {
		return HeaderUser{}, ErrHeaderValue
	}
	return HeaderUser{Value: values[0]}, nil
}

// trusts reports whether peer is one of the proxies. The peer of a Unix socket is none.
func (h *Header) trusts(peer netip.Addr) bool {
	peer = peer.Unmap().WithZone("")
	return slices.ContainsFunc(h.proxies, func(p netip.Prefix) bool { return p.Contains(peer) })
}

// isHeaderValue reports whether text can be a username or an email address. It refuses what proxies send by mistake:
// placeholders such as {http.reverse_proxy.header.Remote-User}, and several values with commas between them.
func isHeaderValue(text string) bool {
	return len(text) <= maxHeaderValue && headerValue.MatchString(text)
}

// tailscaleUser reads the headers of Tailscale Serve, which encodes them by RFC 2047 unless they are ASCII.
func tailscaleUser(login string, names []string) (HeaderUser, error) {
	if !isHeaderValue(login) {
		return HeaderUser{}, ErrHeaderValue
	}
	user := HeaderUser{Value: strings.ToLower(login)}
	if len(names) == 1 && len(names[0]) <= maxHeaderName {
		var decoder mime.WordDecoder
		if name, err := decoder.DecodeHeader(names[0]); err == nil && !strings.ContainsFunc(name, unicode.IsControl) {
			user.Name = strings.ToValidUTF8(name, "")
		}
	}
	return user, nil
}
