package handlers

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// policy holds the rules for every route of a group. The zero policy is the strictest: only members, only on our own
// host, only from our own pages, and with errors as pages.
type policy struct {
	callers  callers
	anyHost  bool          // accepts any Host, like probes; otherwise a foreign host gets 421
	anySite  bool          // accepts requests that another site made a browser send; only for routes that use no cookies
	body     int64         // maximum bytes of a request body; 0: maxBody
	errors   errorFormat   // how a failure is answered
	headers  http.Header   // of every response, instead of securityHeaders; nil: securityHeaders
	answerIn time.Duration // time limit of the response; 0: the server's own; below 0: none, as for a stream
	compress bool          // compress responses for browsers that accept gzip
	secret   bool          // the path holds a secret: it's neither logged nor sent to other sites
	proof    bool          // a POST needs a proof of who sends it; see Server.proof
	asAdmin  asAdmin       // which forms need the proof that administrators have to give; nil: none
	fields   int           // maximum number of fields of a form; 0: maxFields
	uploads  bool          // accepts forms with files
	download bool          // a POST is answered with a file, so the browser stays on the page with the form
}

// rules are what every request is held against. They never change after New.
type rules struct {
	crossOrigin *http.CrossOriginProtection
	headers     http.Header       // of every response, unless the policy of its route has others
	policies    map[string]policy // by route path
}

// callers says who may call a route.
type callers uint8

const (
	members        callers = iota // people who are signed in; others are redirected to the sign-in page
	visitors                      // anybody; the handler knows who is signed in
	anybody                       // sessions aren't looked up
	administrators                // members who are administrators; other members get 403
	tokens                        // programs with an access token, and members in their session; see tokenOrSession
)

// errorFormat says how a failure is answered.
type errorFormat uint8

const (
	asPage    errorFormat = iota // a page, or problem+json for programs that ask for JSON
	asProblem                    // problem+json, whatever the request accepts
)

// asAdmin reports whether a form gives somebody what administrators can do.
type asAdmin func(url.Values) bool

const policyKey = "policy"

// group registers routes under one policy.
type group struct {
	server *Server
	policy policy
	steps  []echo.MiddlewareFunc
}

// group returns a group of routes under p.
func (s *Server) group(p policy) group {
	g := group{server: s, policy: p}
	if p.compress {
		g.steps = append(g.steps, middleware.GzipWithConfig(middleware.GzipConfig{Level: 1, MinLength: 1 << 10}))
	}
	switch p.callers {
	case members:
		g.steps = append(g.steps, s.member)
	case visitors:
		g.steps = append(g.steps, s.visitor)
	case administrators:
		g.steps = append(g.steps, s.administrator)
	case tokens:
		g.steps = append(g.steps, s.tokenOrSession)
	}
	if p.proof {
		g.steps = append(g.steps, s.proof)
	}
	if p.callers == administrators {
		g.steps = append(g.steps, s.limitAdministration)
	}
	return g
}

func (g group) get(path string, h echo.HandlerFunc, more ...echo.MiddlewareFunc) {
	g.on([]string{http.MethodGet, http.MethodHead}, path, h, more)
}

func (g group) post(path string, h echo.HandlerFunc, more ...echo.MiddlewareFunc) {
	g.on([]string{http.MethodPost}, path, h, more)
}

func (g group) on(methods []string, path string, h echo.HandlerFunc, more []echo.MiddlewareFunc) {
	g.server.rules.policies[path] = g.policy
	g.server.echo.Match(methods, path, h, append(append([]echo.MiddlewareFunc{}, g.steps...), more...)...)
}

// applyPolicy applies the policy of a route before its handlers run. Requests without a route get the zero policy.
func (s *Server) applyPolicy(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		p, known := s.rules.policies[c.Path()]
		if !known && s.underAPI(c.Request()) {
			p.errors = asProblem
		}
		c.Set(policyKey, p)
		if p.headers != nil {
			h := c.Response().Header()
			for name := range s.rules.headers {
				h.Del(name)
			}
			setHeaders(h, p.headers)
		}
		if !p.anyHost {
			if err := s.checkHost(c.Request()); err != nil {
				return err
			}
		}
		if !p.anySite {
			if err := s.checkSite(c.Request()); err != nil {
				return err
			}
		}
		if !p.uploads && isUpload(c.Request()) {
			return unsupported()
		}
		if err := boundBody(c, cmp.Or(p.body, maxBody)); err != nil {
			return err
		}
		if p.answerIn != 0 {
			if err := setAnswerTime(c, p.answerIn); err != nil && !errors.Is(err, http.ErrNotSupported) {
				return err
			}
		}
		return next(c)
	}
}

// setAnswerTime limits the time to send the response to d from now; below 0: no limit. A handler that streams may call
// it again.
func setAnswerTime(c echo.Context, d time.Duration) error {
	var until time.Time
	if d > 0 {
		until = time.Now().Add(d)
	}
	return http.NewResponseController(c.Response()).SetWriteDeadline(until)
}

// policyOf returns the policy of the route of c.
func policyOf(c echo.Context) policy {
	p, _ := c.Get(policyKey).(policy)
	return p
}

// errorFormatOf returns the format in which a failure of c is answered. A request may fail before its route is known.
func (s *Server) errorFormatOf(c echo.Context) errorFormat {
	if p, known := c.Get(policyKey).(policy); known {
		return p.errors
	}
	if s.underAPI(c.Request()) {
		return asProblem
	}
	return asPage
}

// underAPI reports whether r is for the API, or for something that would be a part of it.
func (s *Server) underAPI(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, s.site.path("/api/"))
}
