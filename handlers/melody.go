package handlers

import (
	"errors"
	"log/slog"
	"math"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"
	"github.com/olahol/melody"
)

// Close codes (RFC 6455 section 7.4.1, and the range for applications).
const (
	closePolicy      = melody.ClosePolicyViolation // the session has ended: sign in again
	closeRestart     = melody.CloseServiceRestart  // reconnect, maybe to another replica
	closeLater       = melody.CloseTryAgainLater   // full, or too slow
	closeUnsupported = melody.CloseUnsupportedData
	closeTooMany     = 4001 // the person has too many tabs open; the tab reconnects when it becomes visible
)

// connID identifies a connection.
type connID = *melody.Session

// wsConn is the websocket connection of a socket. Only this file knows that it's a melody session.
type wsConn struct{ session *melody.Session }

func (w wsConn) id() connID { return w.session }

// write queues a message. It ignores errors: a closed session is about to be removed, and melody reports a full queue
// to transport.failed.
func (w wsConn) write(text []byte) { _ = w.session.Write(text) }

// ping sends a ping, and doesn't wait for the queued frames. It blocks for up to writeWait.
func (w wsConn) ping() {
	_ = w.session.WebsocketConnection().WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWait))
}

// close sends a close frame after the queued frames.
func (w wsConn) close(code int, reason string) {
	_ = w.session.CloseWithMsg(melody.FormatCloseMessage(code, reason))
}

// closeNow sends a close frame ahead of the queued frames, if there is room for it.
func (w wsConn) closeNow(code int, reason string) {
	_ = w.session.WebsocketConnection().WriteControl(websocket.CloseMessage, melody.FormatCloseMessage(code, reason),
		time.Now().Add(50*time.Millisecond))
}

// transport upgrades requests to websocket connections and carries their events to sockets.
type transport struct {
	sockets *sockets
	melody  *melody.Melody
	log     *slog.Logger
}

func newTransport(s *sockets, originAllowed func(*http.Request) bool) *transport {
	m := melody.New()
	t := &transport{sockets: s, melody: m, log: s.log}
	m.Config.PingPeriod = math.MaxInt64 // never; see sockets.keepPinging
	m.Config.PongWait, m.Config.WriteWait = pongWait, writeWait
	m.Config.MaxMessageSize, m.Config.MessageBufferSize = maxMessage, queueFrames
	m.Upgrader.ReadBufferSize, m.Upgrader.WriteBufferSize = readBuffer, 1024
	m.Upgrader.WriteBufferPool = &sync.Pool{}
	m.Upgrader.CheckOrigin = originAllowed
	m.Upgrader.Error = func(http.ResponseWriter, *http.Request, int, error) {} // errors.go answers
	m.HandleConnect(upgraded)
	m.HandleMessage(func(s *melody.Session, frame []byte) {
		onFreshStack(func() { t.guard(s, "message", func() { t.message(s, frame) }) })
	})
	m.HandleMessageBinary(func(s *melody.Session, _ []byte) {
		onFreshStack(func() { t.guard(s, "message", func() { t.message(s, nil) }) })
	})
	m.HandleSentMessage(func(s *melody.Session, _ []byte) { t.guard(s, "sent", func() { t.sent(s) }) })
	m.HandleError(func(s *melody.Session, err error) { t.guard(s, "error", func() { t.failed(s, err) }) })
	return t
}

// onFreshStack runs f in another goroutine and waits for it. The reading goroutine lives as long as its socket, and its
// stack would stay as large as the deepest call has made it.
func onFreshStack(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}

// guard runs a callback of melody. A panic in it ends only this socket. The goroutine that serves the socket goes on
// and tells presence that it has ended.
func (t *transport) guard(s *melody.Session, callback string, f func()) {
	defer func() {
		if v := recover(); v != nil {
			t.log.Error("panic in a socket", "callback", callback, "panic", v, "stack", string(debug.Stack()))
			_ = s.WebsocketConnection().NetConn().Close()
		}
	}()
	f()
}

// opening synchronizes the two goroutines of a socket that is being opened: those of serve and pump.
type opening struct {
	upgraded chan *melody.Session // gets the session after the upgrade
	refused  chan error           // gets the error if there was no upgrade
	entered  chan struct{}        // closed when the connection may be used
}

// serve upgrades the request and lets the handler return, so that an idle socket holds no request, response or buffers.
// It starts a goroutine that ends with the socket and then calls ended. The work between the upgrade and the first
// read happens here, on the stack of the request, which is already large and soon freed.
func (t *transport) serve(c echo.Context, x *socket, ended func()) error {
	response := c.Response()
	o := &opening{make(chan *melody.Session), make(chan error), make(chan struct{})}
	x.opening = o
	go t.pump(x, response.Writer, c.Request(), ended)
	select {
	case m := <-o.upgraded:
		defer close(o.entered)
		response.Committed, response.Status = true, http.StatusSwitchingProtocols // Echo doesn't see the upgrade
		t.guard(m, "connect", func() { t.connect(m, x) })
		return nil
	case err := <-o.refused:
		return &failure{Status: http.StatusBadRequest, Message: "This isn't a valid WebSocket handshake.", Err: err}
	}
}

const socketKey = "socket"

// pump runs the socket until it ends. The request and its writer are arguments and not captured, so that they become
// garbage after the upgrade. What's on the stack of pump stays there while the socket is open.
func (t *transport) pump(x *socket, w http.ResponseWriter, r *http.Request, ended func()) {
	defer t.finish(x, ended)
	err := t.melody.HandleRequestWithKeys(hijacker{w, &x.wire}, r, map[string]any{socketKey: x})
	if x.opening != nil {
		x.opening.refused <- err
	}
}

// finish ends a socket after pump has returned or panicked.
func (t *transport) finish(x *socket, ended func()) {
	defer ended()
	defer t.sockets.leave(x)
	if v := recover(); v != nil {
		t.log.Error("panic in a socket", "panic", v, "stack", string(debug.Stack()))
		if x.opening != nil {
			x.opening.refused <- errors.New("panic")
		}
	}
	if x.wire.Conn != nil {
		x.wire.cut() // nobody reads from it any more
	}
}

// upgraded hands the session of a new connection to serve, and waits until serve has entered it.
func upgraded(m *melody.Session) {
	x := m.Keys[socketKey].(*socket)
	m.Request, m.Keys = nil, nil
	o := x.opening
	x.opening = nil
	o.upgraded <- m
	<-o.entered
}

// connect runs before anything is written or read on the new connection.
func (t *transport) connect(m *melody.Session, x *socket) {
	x.ws = wsConn{m}
	x.wire.tune()
	t.sockets.enter(x)
}

// find returns the socket of m, or nil if it was refused or has ended.
func (t *transport) find(m *melody.Session) *socket {
	t.sockets.mu.Lock()
	defer t.sockets.mu.Unlock()
	return t.sockets.open[m]
}

func (t *transport) message(m *melody.Session, frame []byte) {
	if x := t.find(m); x != nil && !x.closing.Load() {
		t.sockets.message(x, frame)
	}
}

func (t *transport) sent(m *melody.Session) {
	if x := t.find(m); x != nil {
		t.sockets.written(x)
	}
}

// failed handles every error of a connection. A full queue is reported by the writing goroutine, which may hold locks.
// In that case, failed takes no locks and doesn't block.
func (t *transport) failed(m *melody.Session, err error) {
	if errors.Is(err, melody.ErrMessageBufferFull) {
		t.sockets.metrics.dropped.Inc()
		go func() {
			if x := t.find(m); x != nil {
				t.sockets.tooSlow(x)
			}
		}()
		return
	}
	if errors.Is(err, errFlood) {
		if x := t.find(m); x != nil {
			x.cutOff(closeLater, "too many messages")
		}
		return
	}
	var closed *websocket.CloseError
	if !errors.As(err, &closed) {
		return
	}
	switch closed.Code {
	case websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseNoStatusReceived:
		if x := t.find(m); x != nil {
			x.closedByClient(closed.Code)
		}
	}
}
