package handlers

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"
)

// policy is what holds for every route of a group. The zero policy is the strictest: members only, on our own host, from our
// own pages, and errors as pages.
type policy struct {
	callers  callers
	anyHost  bool          // answers by whatever name it's called, as probes do; otherwise a foreign host gets 421
	anySite  bool          // also takes what another site made a browser send; for requests that carry no cookie
	body     int64         // most bytes of a request's body; 0: maxBody
	errors   errorFormat   // how a failure is answered
	headers  http.Header   // of every answer, in place of those that pages have; nil: those of pages
	answerIn time.Duration // for the whole answer; 0: the server's own limit; below 0: no limit, as for a stream
	compress bool          // for browsers that take gzip
}

// callers says who may call a route.
type callers uint8

const (
	members  callers = iota // people who are signed in; others are sent to the sign-in page
	visitors                // anybody; whoever is signed in is known to the handler
	machines                // anybody, and nobody is looked up
)

// errorFormat says how a failure is answered.
type errorFormat uint8

const (
	asPage    errorFormat = iota // a page, or problem+json for programs that ask for JSON
	asProblem                    // problem+json, whatever the request accepts
)

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
	g.server.policies[path] = g.policy
	g.server.echo.Match(methods, path, h, append(append([]echo.MiddlewareFunc{}, g.steps...), more...)...)
}

// applyPolicy makes the policy of a route hold, before anything else is done for it. Where there is no route, the strictest
// one holds.
func (s *Server) applyPolicy(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		p, known := s.policies[c.Path()]
		if !known && strings.HasPrefix(c.Request().URL.Path, s.site.path("/api/")) {
			p.errors = asProblem
		}
		c.Set(policyKey, p)
		if p.headers != nil {
			h := c.Response().Header()
			for name := range s.headers {
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
		if err := boundBody(c, cmp.Or(p.body, maxBody)); err != nil {
			return err
		}
		if p.answerIn != 0 {
			if err := setAnswerTime(c, p.answerIn); err != nil {
				return err
			}
		}
		return next(c)
	}
}

// setAnswerTime gives the answer this long from now; below 0: without limit. A handler that streams may call it again.
func setAnswerTime(c echo.Context, d time.Duration) error {
	var until time.Time
	if d > 0 {
		until = time.Now().Add(d)
	}
	return http.NewResponseController(c.Response()).SetWriteDeadline(until)
}

// errorFormatOf is how a failure of c is answered.
func errorFormatOf(c echo.Context) errorFormat {
	p, _ := c.Get(policyKey).(policy)
	return p.errors
}
