package handlers

import (
	"errors"
	"net/http"
	"net/url"
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

// signedIn is who makes the request, nil when nobody is signed in. It needs visitor or member before the handler.
func signedIn(c echo.Context) *principal {
	v, _ := c.Get(principalKey).(*principal)
	return v
}

// actAs makes a the actor of what the request changes from here on.
func actAs(c echo.Context, a accounts.Actor) {
	r := c.Request()
	c.SetRequest(r.WithContext(accounts.As(r.Context(), a)))
}

// visitor looks up the session of the request, if there is one, and names the actor of what the request changes. If the
// lookup fails for any reason other than that there is no session, the answer is 503: nobody may appear signed out because
// a disk is slow.
func (s *Server) visitor(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		for _, token := range cookieValues(c.Request(), s.site.cookie) {
			session, user, err := s.cfg.Accounts.SessionByToken(c.Request().Context(), token)
			switch {
			case err == nil:
				c.Set(principalKey, &principal{user, session, token})
				actAs(c, accounts.ByUser(user.ID))
				s.touches.mark(session, time.Now())
				return next(c)
			case !errors.Is(err, accounts.ErrNoSession):
				return unavailable(err)
			}
		}
		actAs(c, accounts.Visitor)
		return next(c)
	}
}

// member lets only those pass who are signed in; others are sent to the sign-in page and come back afterwards.
func (s *Server) member(next echo.HandlerFunc) echo.HandlerFunc {
	return s.visitor(func(c echo.Context) error {
		switch {
		case signedIn(c) != nil:
			return next(c)
		case ofPanel(c): // the page goes, and not the piece that was asked for
			c.Response().Header().Set("HX-Redirect", s.site.path("/login"))
			return c.NoContent(http.StatusUnauthorized)
		}
		return s.redirect(c, s.site.path("/login")+nextQuery(s.site, c.Request()))
	})
}

// nextQuery is "?next=…" for where r wanted to go; nothing for the board itself, where everybody lands anyway.
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

// redirect sends the browser to one of our own paths by GET.
func (s *Server) redirect(c echo.Context, to string) error {
	return c.Redirect(http.StatusSeeOther, to)
}

// layout is what every page has.
func (s *Server) layout(c echo.Context, title string) ui.Layout {
	l := ui.Layout{Title: title, SignupOpen: s.cfg.SignupOpen}
	if v := signedIn(c); v != nil {
		l.Scheme = v.user.Theme
		l.Viewer = &ui.Viewer{
			UID: v.user.ID, Username: v.user.Username, Name: v.user.DisplayName, TimeZone: v.user.TimeZone,
			Me: ui.Me{Invisible: v.user.Invisible}, // the rest changes with time: only live pages show it
		}
	}
	return l
}

// page renders p in memory and answers with it.
func (s *Server) page(c echo.Context, status int, p ui.Page) error {
	body, err := s.cfg.UI.Page(p)
	if err != nil {
		return err
	}
	return c.HTMLBlob(status, body)
}

// How long a browser keeps our cookies. A session ends on the server after 30 days whatever the cookie says.
const (
	sessionCookieAge = 30 * 24 * time.Hour
	knownCookieAge   = 365 * 24 * time.Hour
)

// setCookie gives the browser a token. Scripts cannot read it, and other sites' forms and frames do not send it.
func (s *Server) setCookie(c echo.Context, name, token string, age time.Duration) {
	http.SetCookie(c.Response(), &http.Cookie{
		Name: name, Value: token, Path: s.site.cookiePath(), MaxAge: int(age / time.Second),
		HttpOnly: true, Secure: s.site.secure(), SameSite: http.SameSiteLaxMode,
	})
}

// dropCookie makes the browser forget one.
func (s *Server) dropCookie(c echo.Context, name string) {
	http.SetCookie(c.Response(), &http.Cookie{
		Name: name, Path: s.site.cookiePath(), MaxAge: -1,
		HttpOnly: true, Secure: s.site.secure(), SameSite: http.SameSiteLaxMode,
	})
}

// maxShadows is how many cookies of one name are tried.
const maxShadows = 8

// cookieValues are the tokens in the cookies called name. There may be more than ours: under a base path the name can't
// begin with __Host-, so other hosts of the same domain can set cookies that browsers send ahead of ours.
func cookieValues(r *http.Request, name string) (tokens []string) {
	for _, cookie := range r.CookiesNamed(name) {
		if len(tokens) == maxShadows {
			break
		}
		tokens = append(tokens, cookie.Value)
	}
	return tokens
}
