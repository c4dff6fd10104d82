package handlers

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"
	"github.com/olahol/melody"
)

func (b *board) newMelody() *melody.Melody {
	m := melody.New()
	m.Config.PingPeriod, m.Config.PongWait, m.Config.WriteWait = pingEvery, pongWait, writeWait
	m.Config.MaxMessageSize, m.Config.MessageBufferSize = maxMessage, queueFrames
	m.Upgrader.ReadBufferSize, m.Upgrader.WriteBufferSize = 256, 1024
	m.Upgrader.WriteBufferPool = &sync.Pool{}
	m.Upgrader.CheckOrigin = b.server.originAllowed
	m.Upgrader.Error = func(http.ResponseWriter, *http.Request, int, error) {} // errors.go answers
	m.HandleConnect(func(s *melody.Session) { b.guard(s, "connect", func() { b.connect(s) }) })
	m.HandleMessage(func(s *melody.Session, frame []byte) { b.guard(s, "message", func() { b.message(s, frame) }) })
	m.HandleMessageBinary(func(s *melody.Session, _ []byte) {
		b.guard(s, "message", func() { b.message(s, nil) })
	})
	m.HandleError(func(s *melody.Session, err error) { b.guard(s, "error", func() { b.failed(s, err) }) })
	return m
}

// guard runs a callback of melody. A panic in it ends this socket and nothing else: the goroutine that serves the
// socket goes on to tell presence that it is gone.
func (b *board) guard(s *melody.Session, callback string, f func()) {
	defer func() {
		if v := recover(); v != nil {
			b.log.Error("panic in a socket", "callback", callback, "panic", v, "stack", string(debug.Stack()))
			go cut(s.WebsocketConnection()) // not here: the panic may have come while board.mu was held by a caller
		}
	}()
	f()
}

// socket answers GET /ws. A browser cannot read a refusal of the handshake and would try for ever, so a page without
// a session is let in and closed with 1008, which its script understands.
func (b *board) socket(c echo.Context) error {
	r := c.Request()
	if !b.server.originAllowed(r) {
		return &failure{Status: http.StatusForbidden, Message: "This page may not open a live connection here."}
	}
	if !websocket.IsWebSocketUpgrade(r) {
		c.Response().Header().Set("Upgrade", "websocket")
		return &failure{Status: http.StatusUpgradeRequired, Message: "This address is for live connections."}
	}
	if b.isDraining() {
		return &failure{Status: http.StatusServiceUnavailable, quiet: true, Message: "This server is about to restart."}
	}
	q, err := parseBoardQuery(c.QueryParams())
	if err != nil {
		return err
	}
	s := &socket{
		version: c.QueryParam("v"), speaks: c.QueryParams().Has("v"),
		phone:   strings.Contains(r.UserAgent(), "Mobi"),
		address: b.server.addresses.prefix(r),
		traffic: &b.traffic, asked: asked{time.Now(), b.server.addresses.of(r), requestID(c)},
	}
	if v := signedIn(c); v != nil {
		s.user, s.session, s.expires = v.user.ID, v.session.ID, v.session.ExpiresAt
		s.person, s.sight = v.user.Person, sightOf(v.user.Person)
		if s.page, err = b.load(r.Context(), q); err != nil {
			return notRead(fmt.Errorf("load board: %w", err))
		}
	}
	return b.serve(c, s)
}

// serve upgrades the request and lets the handler return, so that an idle socket holds no request, response or
// buffers. The goroutine it leaves behind ends with the socket, whatever ends it.
func (b *board) serve(c echo.Context, s *socket) error {
	answer := c.Response()
	ready, refused := make(chan struct{}), make(chan error, 1)
	go b.pump(s, answer.Writer, c.Request(), ready, refused)
	select {
	case <-ready:
		answer.Committed, answer.Status = true, http.StatusSwitchingProtocols // Echo did not see it happen
		return nil
	case err := <-refused:
		return &failure{Status: http.StatusBadRequest, Message: "This is not a proper websocket handshake.", Err: err}
	}
}

// pump runs the socket until it ends. The request and its writer are arguments and not captured, so that they are
// garbage as soon as the upgrade is done: that is half the memory of an idle socket.
func (b *board) pump(s *socket, w http.ResponseWriter, r *http.Request, ready chan struct{}, refused chan<- error) {
	defer b.logSocket(s)
	defer b.leave(s)
	defer func() {
		if v := recover(); v != nil {
			b.log.Error("panic in a socket", "panic", v, "stack", string(debug.Stack()))
			select {
			case refused <- errors.New("panic"):
			default:
			}
		}
	}()
	if err := b.sockets.HandleRequestWithKeys(hijacker{w, &s.wire}, r, map[string]any{"socket": s, "ready": ready}); err != nil {
		refused <- err
	}
}

// connect runs before anything is written or read on the new socket.
func (b *board) connect(m *melody.Session) {
	s := m.Keys["socket"].(*socket)
	defer close(m.Keys["ready"].(chan struct{}))
	m.Request, m.Keys = nil, nil
	s.melody = m
	s.tune()
	if s.user == "" {
		b.server.metrics.refused.WithLabelValues("login").Inc()
		s.kick(melody.ClosePolicyViolation, endedSession)
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if code, reason := b.refusalLocked(s); code != 0 {
		b.server.metrics.refused.WithLabelValues(cmp.Or(reason, "restart")).Inc()
		s.kick(code, reason)
		return
	}
	b.enterLocked(s)
	if s.speaks {
		s.wait = time.AfterFunc(firstWordWait, func() { b.join(s, silent) })
	} else {
		b.joinLocked(s, silent)
	}
	b.greetLocked(s)
}

// refusalLocked says with which close code s must go again, if it must.
func (b *board) refusalLocked(s *socket) (code int, reason string) {
	_, ended := b.ended[s.session]
	switch {
	case b.draining, b.pages[s.page.key] != s.page: // or the page was dropped while this socket was being opened
		return melody.CloseServiceRestart, ""
	case ended || !time.Now().Before(s.expires):
		return melody.ClosePolicyViolation, endedSession
	case over(len(b.open), b.limits.Sockets) || over(b.byAddress[s.address], b.limits.SocketsAddress):
		return melody.CloseTryAgainLater, "full"
	}
	return 0, ""
}

// over reports whether one more than n is over limit.
func over(n, limit int) bool { return limit > 0 && n >= limit }

// enterLocked puts s into every index. One socket of the same person gives way when there are too many.
func (b *board) enterLocked(s *socket) {
	open := 0
	for _, o := range b.byUser[s.user] {
		if !o.closing.Load() {
			open++
		}
	}
	if over(open, b.limits.SocketsUser) {
		mostRested(b.byUser[s.user]).kick(closeRested, "rested")
	}
	if c := b.cards[s.user]; c != nil { // they may have changed their mind since the request began
		s.person, s.sight = c.person, sightOf(c.person)
	}
	s.since = time.Now()
	b.open[s.melody] = s
	b.byUser.add(s.user, s)
	b.bySession.add(s.session, s)
	b.byAddress[s.address]++
	s.page.watchers[s] = struct{}{}
}

// mostRested is the socket that has been hidden for longest, or, when none is, the oldest. One that is closing
// already does not count.
func mostRested(sockets []*socket) *socket {
	var most *socket
	for _, s := range sockets {
		switch {
		case most == nil,
			most.closing.Load() && !s.closing.Load(),
			s.closing.Load() == most.closing.Load() && s.hidden && !most.hidden,
			s.closing.Load() == most.closing.Load() && s.hidden == most.hidden && s.since.Before(most.since):
			most = s
		}
	}
	return most
}

// greetLocked makes a new socket current. It is in the page's index by now, so no change falls between.
func (b *board) greetLocked(s *socket) {
	current := s.version == b.versionLocked(s.page, s.sight)
	s.partial = b.warming && (s.version == "" || strings.HasPrefix(s.version, b.boot) && strings.HasSuffix(s.version, partialMark))
	switch {
	case b.warming && !current:
		s.write(b.warmGreetingLocked(s))
	case !current:
		s.write(b.snapshotLocked(s.page, s.sight))
	}
	b.tellSelfLocked(s)
}

// warmGreetingLocked is what a page that comes back while people come back needs: one that lists only those who are
// here, all of it; one from before the start, that they are coming back.
func (b *board) warmGreetingLocked(s *socket) []byte {
	if s.partial {
		return b.snapshotLocked(s.page, s.sight)
	}
	f := b.ui.NewFrame()
	f.Warming(true)
	return f.Bytes()
}

// tune bounds what the kernel queues for a reader.
func (s *socket) tune() {
	if tcp, ok := s.wire.Conn.(interface{ SetWriteBuffer(int) error }); ok {
		_ = tcp.SetWriteBuffer(kernelBuffer)
	}
}
