package handlers

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/ui"
)

// principal is who makes a request: the person who is signed in, and by which session.
type principal struct {
	user    accounts.User
	session accounts.Session
	token   string // of the session, as the browser sent it
}

// signedIn returns who makes the request, or nil if nobody is signed in. It requires the middleware visitor or member.
func signedIn(c echo.Context) *principal {
	v, _ := c.Get(principalKey).(*principal)
	return v
}

// actAs makes a the actor of all further changes by the request.
func actAs(c echo.Context, a accounts.Actor) {
	r := c.Request()
	c.SetRequest(r.WithContext(accounts.As(r.Context(), a)))
}

// visitor looks up the session of the request, if there is one, and sets the actor of its changes. If the lookup fails,
// the response is 503, so that a slow disk doesn't make people appear signed out.
func (s *Server) visitor(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		s.readHeader(c)
		for _, token := range cookieValues(c.Request(), s.site.cookie) {
			session, user, err := s.cfg.Accounts.SessionByToken(c.Request().Context(), token)
			switch {
			case err == nil && !s.offers(c, session):
				if session.Method == accounts.ByProxy {
					s.sockets.endProxied(session.ID)
					s.streams.endProxied(session.ID)
				}
			case err == nil:
				c.Set(principalKey, &principal{user, session, token})
				actAs(c, accounts.ByUser(user.ID))
				s.touched.sessions.mark(session.ID, session.UsedAt, time.Now())
				return next(c)
			case !errors.Is(err, accounts.ErrNoSession):
				return unavailable(err)
			}
		}
		actAs(c, accounts.Visitor)
		return next(c)
	}
}

// member requires a session. It redirects others to the sign-in page, which leads back afterwards.
func (s *Server) member(next echo.HandlerFunc) echo.HandlerFunc {
	return s.visitor(func(c echo.Context) error {
		switch {
		case signedIn(c) != nil:
			return next(c)
		case ofPanel(c): // redirect the whole page, not the panel
			c.Response().Header().Set("HX-Redirect", s.site.path("/login"))
			return c.NoContent(http.StatusUnauthorized)
		}
		return s.redirect(c, s.site.path("/login")+nextQuery(s.site, c.Request()))
	})
}

// administrator requires a session of an administrator. It records where their changes come from, for the audit log.
func (s *Server) administrator(next echo.HandlerFunc) echo.HandlerFunc {
	return s.member(func(c echo.Context) error {
		if !signedIn(c).user.Admin {
			return &failure{Status: http.StatusForbidden, Heading: "Only administrators can open this page",
				Message: "Ask an administrator if something here should be changed."}
		}
		r := c.Request()
		c.SetRequest(r.WithContext(accounts.Through(r.Context(), accounts.Origin{
			Via: accounts.ViaWeb, Address: from(s.addresses.of(r)), Request: requestID(c),
		})))
		return next(c)
	})
}

// nextQuery returns "?next=…" for the URL of r, or "" for the board, which is the default.
func nextQuery(place site, r *http.Request) string {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return ""
	}
	wanted := place.next(r.URL.RequestURI())
	if wanted == place.path("/") {
		return ""
	}
	return "?next=" + url.QueryEscape(wanted)
}

// redirect redirects the browser to one of our own paths with GET.
func (s *Server) redirect(c echo.Context, to string) error {
	return c.Redirect(http.StatusSeeOther, to)
}

// layout returns the parts that all pages share.
func (s *Server) layout(c echo.Context, title string) ui.Layout {
	l := ui.Layout{Title: title, SignupOpen: s.wantSignup(c.Request()) == nil, Mails: s.sendsMail()}
	l.Invites = s.signUpMode(c.Request()) == accounts.SignUpInvite
	if v := signedIn(c); v != nil {
		l.NewDevices = s.newDevices(c, v)
		l.Scheme = v.user.Theme
		l.Viewer = &ui.Viewer{
			UID: v.user.ID, Username: v.user.Username, Name: v.user.DisplayName,
			TimeZone: v.user.TimeZone, CSS: s.meHref(v.user), Admin: v.user.Admin,
			Me: ui.Me{Invisible: v.user.Invisible}, // the rest changes with time: only live pages show it
		}
	}
	return l
}

// page renders p in memory and sends it.
func (s *Server) page(c echo.Context, status int, p ui.Page) error {
	b := pageBuffers.Get().(*bytes.Buffer)
	defer pageBuffers.Put(b)
	b.Reset()
	if err := s.cfg.UI.WritePage(b, p); err != nil {
		return err
	}
	return c.HTMLBlob(status, b.Bytes())
}

// pageBuffers lets requests reuse the memory for pages of the board, which are the longest, and for their lists.
var pageBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// knownCookieAge is how long a browser keeps the cookie that says who has signed in with it before.
const knownCookieAge = 365 * 24 * time.Hour

// setCookie stores a token in the browser. Scripts can't read it, and forms and frames of other sites don't send it.
func (s *Server) setCookie(c echo.Context, name, token string, age time.Duration) {
	http.SetCookie(c.Response(), &http.Cookie{
		Name: name, Value: token, Path: s.site.cookiePath(), MaxAge: int((age + time.Second - 1) / time.Second),
		HttpOnly: true, Secure: s.site.secure(), SameSite: http.SameSiteLaxMode,
	})
}

// keepToken gives the browser a new token of its session.
func (s *Server) keepToken(c echo.Context, token string) {
	v := signedIn(c)
	v.token = token
	s.setCookie(c, s.site.cookie, token, time.Until(v.session.ExpiresAt))
}

// renewToken gives the session a new token after a change with which people shut others out: a copy of the old one may
// be in their hands.
func (s *Server) renewToken(c echo.Context) error {
	v := signedIn(c)
	token, err := s.cfg.Accounts.RenewToken(c.Request().Context(), v.user.ID, v.session.ID)
	switch {
	case errors.Is(err, accounts.ErrNoSession): // it has ended meanwhile
		return nil
	case err != nil:
		return notSaved(fmt.Errorf("renew token: %w", err))
	}
	s.keepToken(c, token)
	return nil
}

// dropCookie deletes a cookie in the browser.
func (s *Server) dropCookie(c echo.Context, name string) {
	http.SetCookie(c.Response(), &http.Cookie{
		Name: name, Path: s.site.cookiePath(), MaxAge: -1,
		HttpOnly: true, Secure: s.site.secure(), SameSite: http.SameSiteLaxMode,
	})
}

// maxShadows is the maximum number of cookies with the same name that are tried.
const maxShadows = 8

// cookieValues returns the tokens in the cookies called name. There may be others besides ours: under a base path, the
// name can't begin with __Host-, so other hosts of the same domain can set cookies that browsers send before ours.
func cookieValues(r *http.Request, name string) (tokens []string) {
	for _, cookie := range r.CookiesNamed(name) {
		if len(tokens) == maxShadows {
			break
		}
		tokens = append(tokens, cookie.Value)
	}
	return tokens
}
