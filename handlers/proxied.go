package handlers

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/identity"
)

// proxiedKey is the key of the identity.HeaderUser in a request's Echo context.
const proxiedKey = "proxied"

// proxied returns whom the proxy names. It requires the middleware visitor.
func proxied(c echo.Context) (named identity.HeaderUser, ok bool) {
	named, ok = c.Get(proxiedKey).(identity.HeaderUser)
	return named, ok
}

// readHeader reads whom the proxy names. It runs for each request, also if there's a session, because the proxy may
// have signed in somebody else since.
func (s *Server) readHeader(c echo.Context) {
	if s.cfg.Header == nil {
		return
	}
	r := c.Request()
	named, err := s.cfg.Header.Identify(r, parseAddr(r.RemoteAddr))
	if err == nil {
		c.Set(proxiedKey, named)
		return
	}
	if !errors.Is(err, identity.ErrNoHeader) {
		s.log.Log(r.Context(), s.warned.header.level(err), "the header of the proxy wasn't used", "err", err,
			"peer", from(parseAddr(r.RemoteAddr)), "request", requestID(c))
	}
}

// onceWarned remembers which kinds of errors were logged as warnings, so that strangers can't fill the log with them.
type onceWarned struct {
	mu   sync.Mutex
	seen map[error]bool // guarded by mu; one for each kind
}

// level returns the level at which err is logged.
func (o *onceWarned) level(err error) slog.Level {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, kind := range [...]error{identity.ErrHeaderPeer, identity.ErrHeaderRepeated, identity.ErrHeaderValue,
		identity.ErrHeaderFunnel, identity.ErrHeaderToken} {
		if errors.Is(err, kind) && !o.seen[kind] {
			if o.seen == nil {
				o.seen = map[error]bool{}
			}
			o.seen[kind] = true
			return slog.LevelWarn
		}
	}
	return slog.LevelDebug
}

func (s *Server) proxyIdentity(named identity.HeaderUser) accounts.Identity {
	issuer := s.cfg.Header.Issuer()
	label := named.Value
	if named.Email != "" {
		label = named.Email
	}
	return accounts.Identity{Issuer: issuer, Subject: named.Value, Provider: issuer, Label: label}
}

// continueProxied starts a session for the person whom the proxy names, if that's still the one on the page.
func (s *Server) continueProxied(c echo.Context) error {
	fields, err := readForm(c.Request())
	if err != nil {
		return err
	}
	named, ok := proxied(c)
	if !ok || fields.Get("as") != named.Value {
		return &failure{Status: http.StatusConflict, Heading: "Your sign-in at the proxy has changed",
			Message: "The proxy in front of this board no longer says that you're the person on the page. " +
				"Go to the board to sign in."}
	}
	r, ctx := c.Request(), c.Request().Context()
	var failed, done reservation
	if err := s.reserveElsewhere(ctx, &failed, &done, r); err != nil {
		return s.refusedElsewhere(err)
	}
	settleElsewhere(ctx, nil, &failed, &done)
	x := accounts.IdentitySignIn{
		Identity: s.proxyIdentity(named),
		SignIn: accounts.SignIn{
			UserAgent: r.UserAgent(), Address: from(s.addresses.of(r)), Method: accounts.ByProxy, Unproved: true,
			Provider: s.cfg.Header.Issuer(), ProviderSession: named.Value,
		},
	}
	if s.cfg.Header.SignUp() {
		x.New = &accounts.Newcomer{Usernames: proxiedNames(named), DisplayName: named.Name}
	}
	return s.signInElsewhere(c, x, s.site.next(fields.Get("next")))
}

// proxiedNames suggests usernames: what's before the @ of an address, and the whole value.
func proxiedNames(named identity.HeaderUser) []string {
	text := named.Value
	if named.Email != "" { // Value is an ID that means nothing to people
		text = named.Email
	}
	local, _, _ := strings.Cut(text, "@")
	return []string{local, named.Name}
}
