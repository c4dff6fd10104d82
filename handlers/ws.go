package handlers

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/live"
)

// ws answers GET /ws, the live connection of a page. It takes the board's query string, or only=me for a page without a
// list (with lists, it's told when lists for administrators change), or person=ID for a page about one person. A page
// can't read why a handshake was refused and would retry forever. So a page without a session is accepted and then
// closed with 1008, which its script understands.
func (s *Server) ws(c echo.Context) error {
	if err := s.refuseUpgrade(c.Request(), c.Response().Header()); err != nil {
		return err
	}
	x, err := s.admission(c)
	if err != nil {
		return err
	}
	return s.openSocket(c, x)
}

// refuseUpgrade returns a failure unless r may open a live connection.
func (s *Server) refuseUpgrade(r *http.Request, h http.Header) error {
	if !s.originAllowed(r) {
		return &failure{Status: http.StatusForbidden, Message: "This page isn't allowed to open a live connection here."}
	}
	if !websocket.IsWebSocketUpgrade(r) {
		h.Set("Upgrade", "websocket")
		return &failure{Status: http.StatusUpgradeRequired, Message: "This address is for live connections."}
	}
	if s.sockets.isDraining() {
		return &failure{Status: http.StatusServiceUnavailable, quiet: true, Message: "This server is about to restart."}
	}
	return nil
}

// openSocket upgrades a request.
func (s *Server) openSocket(c echo.Context, x admission) error {
	open := &socket{admission: x}
	return s.sockets.transport.serve(c, open, func() { s.logSocket(open) })
}

// admission reads what the request asks for. A member is online while the socket is open.
func (s *Server) admission(c echo.Context) (admission, error) {
	r := c.Request()
	a := admission{
		speaks: c.QueryParams().Has("v"), phone: strings.Contains(r.UserAgent(), "Mobi"),
		address: s.addresses.prefix(r), asked: s.asks(c),
	}
	q, asked, err := parseQuery(c.QueryParams())
	if err != nil {
		return a, err
	}
	v := signedIn(c)
	if v == nil {
		return a, nil
	}
	a.person, a.session, a.expires, a.counts = v.user.ID, v.session.ID, v.session.ExpiresAt, true
	a.proxied = v.session.Method == accounts.ByProxy
	if c.QueryParam(rowsParam) == briefRows {
		a.format = live.Brief
	}
	a.lists = v.user.Admin && c.QueryParams().Has("lists")
	want := live.Want{Eyes: v.user.Person, Own: true, Shown: c.QueryParam("v")}
	if c.QueryParam("only") != "me" && !c.QueryParams().Has("person") {
		if !asked {
			if q, err = s.live.Resolve(r.Context(), q, false, v.user.Person); err != nil {
				return a, notRead(fmt.Errorf("load board: %w", err))
			}
		}
		want.List = &q
	}
	if id := c.QueryParam("person"); id != "" {
		q, err := live.Query{Person: id}.Clean()
		if err != nil {
			return a, queryFailure(err)
		}
		want.List = &q
	}
	if a.watch, err = s.live.Watch(r.Context(), want); err != nil {
		return a, notRead(fmt.Errorf("load board: %w", err))
	}
	if params := c.QueryParams(); params.Has(teamVersion) {
		q := live.OwnTeam(v.user.Person)
		want := live.Want{List: &q, Eyes: v.user.Person, Shown: params.Get(teamVersion)}
		if a.team, err = s.live.Watch(r.Context(), want); err != nil {
			a.watch.Stop()
			return a, notRead(fmt.Errorf("load team: %w", err))
		}
	}
	return a, nil
}

// A page whose script completes brief rows says so with a parameter of its live connection. Others, such as other
// programs, and pages that were loaded before an upgrade, get whole rows.
const rowsParam, briefRows = "rows", "brief"

// asks returns what a socket keeps of its request.
func (s *Server) asks(c echo.Context) asked {
	return asked{time.Now(), s.addresses.of(c.Request()), requestID(c), loggedPath(c)}
}

// logSocket writes the access log line of a socket that has ended.
func (s *Server) logSocket(x *socket) {
	if x.ws == (wsConn{}) || !s.cfg.AccessLog {
		return // the upgrade failed, and the refusal is in the log
	}
	attrs := []slog.Attr{
		slog.String("method", http.MethodGet),
		slog.String("path", clip(x.asked.path)),
		slog.Int("status", http.StatusSwitchingProtocols),
		slog.Float64("ms", float64(time.Since(x.asked.at).Microseconds())/1000),
		slog.Uint64("bytes", x.sent.Load()),
		slog.String("address", from(x.asked.from)),
		slog.String("request", x.asked.request),
	}
	if x.person != "" {
		attrs = append(attrs, slog.String("user", x.person))
	}
	s.log.LogAttrs(context.Background(), slog.LevelInfo, "request", attrs...)
}
