package handlers

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/live"
)

const (
	maxStreamUsers = 50 // in the query of one stream
	maxCursorText  = 64 // bytes; longer ones aren't ours
)

// streamOperation isn't one of the operations, because its answer doesn't end.
var streamOperation = operation{id: "stream", method: http.MethodGet, path: "/stream", scope: accounts.ReadRoster}

// streamRoutes lists the URLs of streams. The policy says who may read them.
func (s *Server) streamRoutes() {
	readers := s.group(policy{callers: tokens, anySite: true, errors: asProblem, headers: apiHeaders(s.rules.headers)})
	path := s.site.path(apiPath + streamOperation.path)
	readers.on([]string{http.MethodGet}, path, s.stream, []echo.MiddlewareFunc{s.may(streamOperation)})
	s.echo.OPTIONS(path, preflight)
}

// readerOf returns who reads a stream, by which token or sign-in, and until when that's valid.
func readerOf(x caller) reader {
	if x.token.ID != "" {
		return reader{person: x.user.ID, grant: x.token.ID, expires: x.token.ExpiresAt}
	}
	return reader{
		person: x.user.ID, grant: x.session.ID, expires: x.session.ExpiresAt, proxied: x.session.Method == accounts.ByProxy,
	}
}

// stream answers GET /api/v1/stream with lines of JSON, server-sent events, or websocket messages.
func (s *Server) stream(c echo.Context) error {
	r, by := c.Request(), callerOf(c)
	x := &stream{
		reader: readerOf(by), streams: s.streams, format: streamFormat(r), address: s.addresses.prefix(r),
		asked: s.asks(c),
	}
	want, err := streamWant(r)
	if err != nil {
		return err
	}
	want.Eyes = by.user.Person
	for _, scope := range by.token.Scopes {
		want.Scopes += string(scope) + " "
	}
	if x.format == asMessages {
		if err := s.checkStreamSocket(r, by); err != nil {
			return err
		}
	}
	if err := s.live.CatchUp(r.Context()); err != nil { // the first one after a start ends all streams
		return notRead(fmt.Errorf("open a stream: %w", err))
	}
	if why := s.streams.enter(x); why != notRefused {
		return s.refuse(c, x, why)
	}
	if x.feed, err = s.live.OpenStream(r.Context(), want); err != nil {
		s.streams.leave(x)
		return notRead(fmt.Errorf("open a stream: %w", err))
	}
	if err := s.begin(c, x); err != nil {
		x.feed.Stop()
		s.streams.leave(x)
		return err
	}
	go x.read(func() { s.logStream(x) })
	return nil
}

// streamFormat returns what r asks for.
func streamFormat(r *http.Request) streamed {
	if websocket.IsWebSocketUpgrade(r) {
		return asMessages
	}
	for _, header := range r.Header.Values("Accept") {
		for item := range strings.SplitSeq(header, ",") {
			if kind, _, err := mime.ParseMediaType(item); err == nil && kind == "text/event-stream" {
				return asEvents
			}
		}
	}
	return asLines
}

// streamWant reads the query string. A cursor that isn't one yields a snapshot, because cursors of other processes
// aren't known either.
func streamWant(r *http.Request) (want live.StreamWant, err error) {
	for name, values := range r.URL.Query() {
		switch {
		case name == "team" && len(values) == 1, name == "since" && len(values) == 1:
		case name == "user" && len(values) <= maxStreamUsers:
		case name == "user":
			return want, badStream(fmt.Sprintf("Ask for at most %d people, or for a team.", maxStreamUsers))
		case name == "team" || name == "since":
			return want, badStream(fmt.Sprintf("Give %s only once.", name))
		default:
			return want, badStream("A stream takes the parameters team, user, and since, and no others.")
		}
	}
	q, err := live.Query{Team: r.URL.Query().Get("team")}.Clean()
	if err != nil {
		return want, badStream("This name of a team is too long.")
	}
	want.Team = q.Team
	for _, name := range r.URL.Query()["user"] {
		if name = strings.ToLower(strings.TrimSpace(name)); name == "" { // or else it would be everyone
			return want, badStream("Name somebody: user=NAME. Leave user out for everyone.")
		}
		want.Users = append(want.Users, name)
	}
	want.Since = r.URL.Query().Get("since")
	if id := r.Header.Get("Last-Event-ID"); id != "" { // newer than the address, which stays the same
		want.Since = id
	}
	if len(want.Since) > maxCursorText {
		want.Since = ""
	}
	return want, nil
}

func badStream(message string) error {
	return &failure{Status: http.StatusBadRequest, Message: message}
}

// streamProtocol is the subprotocol of streams over websockets.
const streamProtocol = "rollcall.v1"

// checkStreamSocket checks the handshake of a websocket. Browsers send our cookies with any page's, so Origin counts
// for callers without a token.
func (s *Server) checkStreamSocket(r *http.Request, by caller) error {
	if by.token.ID == "" && !s.originAllowed(r) {
		return &failure{Status: http.StatusForbidden, Message: "This page isn't allowed to open a live connection here."}
	}
	if !slices.Contains(websocket.Subprotocols(r), streamProtocol) {
		return badStream("Offer the subprotocol " + streamProtocol + ".")
	}
	return nil
}

// begin sends the head of the response and takes the connection over, so that an idle stream holds no request, response
// or buffers.
func (s *Server) begin(c echo.Context, x *stream) error {
	response := c.Response()
	if x.format == asMessages {
		ws, err := streamUpgrader.Upgrade(hijacker{response.Writer, &x.wire}, c.Request(), nil)
		if err != nil {
			return &failure{Status: http.StatusBadRequest, Message: "This isn't a valid WebSocket handshake.", Err: err}
		}
		c.Set(streamKey, true)
		response.Committed, response.Status, x.ws = true, http.StatusSwitchingProtocols, ws
		x.wire.tune()
		x.limitReads()
		x.conn.Store(&x.wire)
		return nil
	}
	head := streamHead(x.format, response.Header())
	_, _, err := hijacker{response.Writer, &x.wire}.Hijack()
	if err != nil {
		return &failure{Status: http.StatusHTTPVersionNotSupported, Message: "Streams need HTTP/1.1.", Err: err}
	}
	c.Set(streamKey, true)
	response.Committed, response.Status = true, http.StatusOK
	x.wire.tune()
	_ = x.wire.Conn.SetDeadline(time.Time{})
	x.conn.Store(&x.wire)
	if err := x.write(head); err != nil {
		x.wire.cut()
		return clientGone(err)
	}
	return nil
}

// streamHead returns the head of a response whose body ends with the connection.
func streamHead(format streamed, shared http.Header) []byte {
	h := shared.Clone()
	h.Set("Content-Type", format.mediaType())
	h.Set("X-Accel-Buffering", "no") // or else nginx may hold everything back
	h.Set("Connection", "close")
	h.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	var b bytes.Buffer
	b.WriteString("HTTP/1.1 200 OK\r\n")
	_ = h.Write(&b)
	b.WriteString("\r\n")
	if format == asEvents {
		fmt.Fprintf(&b, "retry: %d\n\n", retry().Milliseconds())
	}
	return b.Bytes()
}

// refuse answers a request for a stream that can't be opened now. A browser's EventSource gives up for good on any
// status but 200, so it gets a stream that ends at once and says when to try again. A browser can't read why a
// handshake was refused, so a websocket is opened and closed.
func (s *Server) refuse(c echo.Context, x *stream, why refusal) error {
	reason := map[refusal]string{refusedRestart: "restart", refusedOver: "login"}[why]
	if reason == "" {
		reason = "full"
	}
	s.metrics.refused.WithLabelValues(reason).Inc()
	if x.format == asLines || why == refusedOver && x.format == asEvents {
		return refuseStream(why)
	}
	if err := s.begin(c, x); err != nil {
		return err
	}
	if x.ws != nil {
		code := closeLater
		if why == refusedRestart {
			code = closeRestart
		} else if why == refusedOver {
			code = closeOver
		}
		_ = x.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(endWait))
		go func() {
			x.discard() // until the client answers
			x.wire.cut()
		}()
	}
	_ = x.wire.Close()
	s.logStream(x)
	return nil
}

// streamKey marks requests that became streams: their length isn't that of an answer.
const streamKey = "stream"

// logStream writes the access log line of a stream that has ended.
func (s *Server) logStream(x *stream) {
	if !s.cfg.AccessLog {
		return
	}
	s.log.LogAttrs(context.Background(), slog.LevelInfo, "request",
		slog.String("method", http.MethodGet), slog.String("path", s.site.path("/api/v1/stream")),
		slog.Int("status", http.StatusOK), slog.Float64("ms", float64(time.Since(x.asked.at).Microseconds())/1000),
		slog.Uint64("bytes", x.sent.Load()), slog.String("address", from(x.asked.from)),
		slog.String("request", x.asked.request), slog.String("user", x.person))
}
