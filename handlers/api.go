package handlers

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
)

// apiPath is where the API begins, below the base path.
const apiPath = "/api/v1"

// operation is one operation of the API. The OpenAPI document describes it under its ID.
type operation struct {
	id     string // operationId
	method string
	path   string         // below apiPath, with parameters as {name}
	scope  accounts.Scope // that a token needs
	traits traits
	handle func(*Server, context.Context, *call) (reply, error)
}

// traits says what is special about an operation.
type traits uint8

const (
	countsAsRead traits = 1 << iota // it counts as a read for the limits, although its method could change something
	isList                          // it takes or sends a list of people, which is longer than other bodies and takes a while
	needsProof                      // in a session, the person has to confirm first that it's them, as in the settings
	showsPeople                     // a token also needs the scope roster:read: others learn whom its owner sees
)

// is reports whether the operation has a trait.
func (o operation) is(t traits) bool { return o.traits&t != 0 }

// changes reports whether the operation counts as a change for the limits.
func (o operation) changes() bool { return o.method != http.MethodGet && !o.is(countsAsRead) }

// scopes returns the scopes that a token needs.
func (o operation) scopes() []accounts.Scope {
	if o.is(showsPeople) {
		return []accounts.Scope{o.scope, accounts.ReadRoster}
	}
	return []accounts.Scope{o.scope}
}

// scopeText returns the scopes for people.
func (o operation) scopeText() string {
	all := make([]string, 0, 2)
	for _, scope := range o.scopes() {
		all = append(all, string(scope))
	}
	return strings.Join(all, ", ")
}

// call is one request to the API.
type call struct {
	*http.Request
	caller caller
	params map[string]string // of the path
}

// caller is who makes a request: a person by one of their tokens, or by their session.
type caller struct {
	user    accounts.User
	token   accounts.Token   // zero: the caller has a session
	session accounts.Session // zero: the caller has a token
	proved  bool             // the person has just proved within this session who they are

	again func(context.Context) (accounts.User, error) // looks the person up again; an error if the token or session has ended
}

// key identifies the token or the session for limits.
func (x caller) key() string {
	if x.token.ID != "" {
		return "token:" + x.token.ID
	}
	return "session:" + x.session.ID
}

// grant returns the ID of the token or the session.
func (x caller) grant() string { return cmp.Or(x.token.ID, x.session.ID) }

// apiRoutes registers the operations of the API, and what describes it.
func (s *Server) apiRoutes() {
	usual := policy{callers: tokens, anySite: true, errors: asProblem, compress: true, headers: apiHeaders(s.rules.headers)}
	long := usual
	long.body, long.answerIn = maxListBody, listTime
	api, lists := s.group(usual), s.group(long)
	preflights := map[string]bool{}
	for _, o := range operations {
		path := s.site.path(apiPath + routePath(o.path))
		methods := []string{o.method}
		if o.method == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
		group := api
		if o.is(isList) {
			group = lists
		}
		group.on(methods, path, s.adapt(o), []echo.MiddlewareFunc{s.may(o)})
		if !preflights[path] {
			preflights[path] = true
			s.echo.OPTIONS(path, preflight)
		}
	}
}

// routePath returns the path of a route for an operation's path.
func routePath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}

// apiHeaders are for responses of the API. Pages of any site may read them, if they have a token: browsers don't send
// our cookies along with such requests, and don't show the response to a page if they did.
func apiHeaders(shared http.Header) http.Header {
	h := shared.Clone()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Expose-Headers", "ETag, Link, Location, Preference-Applied, Retry-After, WWW-Authenticate, X-Request-Id")
	h.Set("Vary", "Authorization, Cookie")
	return h
}

// preflightAge is how long browsers remember what preflight allows.
const preflightAge = "86400"

// preflight tells browsers that pages of other sites may send requests with a token.
func preflight(c echo.Context) error {
	h := c.Response().Header()
	h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-None-Match, Last-Event-ID, Prefer")
	h.Set("Access-Control-Max-Age", preflightAge)
	return c.NoContent(http.StatusNoContent)
}

// adapt makes a handler of Echo from an operation. Nothing else in the API knows Echo.
func (s *Server) adapt(o operation) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := &call{Request: c.Request(), caller: callerOf(c), params: map[string]string{}}
		for i, name := range c.ParamNames() {
			x.params[name] = c.ParamValues()[i]
			if value, err := url.PathUnescape(x.params[name]); err == nil && x.URL.RawPath != "" { // Echo matched the escaped path
				x.params[name] = value
			}
		}
		if o.method == http.MethodGet {
			return s.answerRead(c, x, o)
		}
		r, err := o.handle(s, x.Context(), x)
		if err != nil {
			return err
		}
		return r.send(c)
	}
}

// may checks that the caller may call an operation now: that their token has its scopes, that they're an administrator
// if it needs one, and the limits.
func (s *Server) may(o operation) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			x := callerOf(c)
			if err := s.mayCall(c, x, o); err != nil {
				return err
			}
			if err := s.limitCalls(c.Request().Context(), x, o); err != nil {
				return err
			}
			r, origin := c.Request(), accounts.Origin{Via: accounts.ViaAPI}
			if o.scope == accounts.Administer {
				origin.Address, origin.Request = from(s.addresses.of(r)), requestID(c)
			}
			c.SetRequest(r.WithContext(accounts.Through(r.Context(), origin)))
			return next(c)
		}
	}
}

// mayCall returns why the caller may not call an operation, or nil.
func (s *Server) mayCall(c echo.Context, x caller, o operation) error {
	if x.token.ID != "" {
		for _, scope := range o.scopes() {
			if !x.token.Has(scope) {
				return lacksScope(c, scope)
			}
		}
	}
	asAdmin := o.scope == accounts.Administer
	if asAdmin && !x.user.Admin {
		return &failure{Status: http.StatusForbidden, Message: "Only administrators can do this."}
	}
	if x.token.ID != "" || !o.is(needsProof) && !(asAdmin && o.changes()) {
		return nil
	}
	if asAdmin {
		c.Set(asAdminKey, true)
	}
	if !s.proved(c) {
		return unconfirmedFailure()
	}
	return nil
}

// readsPerMinute limits the reads with one token or in one session.
const (
	readsPerMinute = 600
	readsWindow    = time.Minute
)

// limitCalls counts a call. Changes count together with those in the browser.
func (s *Server) limitCalls(ctx context.Context, x caller, o operation) error {
	var held reservation
	switch {
	case o.changes() && o.scope == accounts.Administer:
		return s.overLimit(held.take(ctx, s.limiters.Members, "admin:"+x.user.ID, s.cfg.Limits.Acts, actsWindow), "change something")
	case o.changes():
		return s.limitActsOf(ctx, x.user.ID)
	}
	return s.overLimit(held.take(ctx, s.limiters.Members, "api:"+x.key(), readsPerMinute, readsWindow), "read this")
}
