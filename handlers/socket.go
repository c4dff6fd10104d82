package handlers

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
	"github.com/labstack/echo/v4"
	"github.com/olahol/melody"

	"rollcall/presence"
	"rollcall/ui"
)

const (
	pingEvery     = 20 * time.Second
	pongWait      = 45 * time.Second
	writeWait     = 5 * time.Second
	maxMessage    = 512 // bytes a client may send at once
	queueFrames   = 16  // frames that wait for a slow reader; one more closes it
	kernelBuffer  = 64 << 10
	firstWordWait = 2 * time.Second        // our own page says at once how long ago the last input was
	closeWait     = 500 * time.Millisecond // for a close frame to go out, before the connection is cut
	drainWait     = 2 * time.Second
	leaveWait     = time.Second // for the other replicas to be told

	closeRested = 4001 // this tab was closed for another one of the same person; it comes back when it is looked at
)

// socket is one open websocket: one tab of one person. Guarded by board.mu, but for what says otherwise.
type socket struct {
	melody  *melody.Session // set once, before the socket is in any index
	user    string          // never changes, like those below
	session string
	expires time.Time
	address netip.Prefix
	phone   bool
	speaks  bool   // the page will say at once whether there is input
	version string // of the page, as its URL says; "" for none

	page    *page
	conn    *presence.Connection // nil until it is known how long ago the last input was
	wait    *time.Timer          // until then
	hidden  bool
	since   time.Time // hidden, or else open, since
	seen    uint64    // the page's version when it became hidden
	partial bool      // shows only the people who are here: its page was loaded while warming
	me      ui.Me     // as last sent
	titled  int       // people here by its title, while hidden
	budget  budget    // of messages; used by the reading goroutine alone

	closing atomic.Bool  // the close frame is on its way
	lost    atomic.Bool  // a frame did not fit into the queue
	how     atomic.Int32 // presence.How, for the end
}

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
	}
	if v := signedIn(c); v != nil {
		s.user, s.session, s.expires = v.user.ID, v.session.ID, v.session.ExpiresAt
		if s.page, err = b.load(r.Context(), q); err != nil {
			return err
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
	if err := b.sockets.HandleRequestWithKeys(w, r, map[string]any{"socket": s, "ready": ready}); err != nil {
		refused <- err
	}
}

// connect runs before anything is written or read on the new socket.
func (b *board) connect(m *melody.Session) {
	s := m.Keys["socket"].(*socket)
	defer close(m.Keys["ready"].(chan struct{}))
	m.Request, m.Keys = nil, nil
	s.melody = m
	conn := m.WebsocketConnection()
	s.tune(conn)
	if s.user == "" {
		s.kick(melody.ClosePolicyViolation, "login")
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if code, reason := b.refusalLocked(s); code != 0 {
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
		return melody.ClosePolicyViolation, "login"
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
	p := s.page
	switch {
	case b.warming && s.version == b.versionLocked(p):
		s.partial = true
	case b.warming:
		s.partial = strings.HasPrefix(s.version, b.boot) && strings.HasSuffix(s.version, partialMark)
		s.write(b.warmGreetingLocked(s))
	case s.version != b.versionLocked(p):
		s.write(b.snapshotLocked(p))
	}
	b.tellSelfLocked(s)
}

// warmGreetingLocked tells a page that comes back while warming who else has.
func (b *board) warmGreetingLocked(s *socket) []byte {
	f := b.ui.NewFrame()
	f.Warming(true)
	if s.partial {
		f.List(b.listLocked(s.page, true))
		return f.Bytes()
	}
	for _, c := range s.page.cards {
		if c.present {
			f.Row(c.person.ID, b.renderLocked(c))
		}
	}
	return f.Bytes()
}

// silent is the activity of a client that has not said anything.
var silent = presence.Activity{Ago: presence.NoInput}

// join lets s count for its person from now on, or tells presence what it says where it does already.
func (b *board) join(s *socket, a presence.Activity) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.open[s.melody] != s || s.closing.Load():
	case s.conn == nil:
		b.joinLocked(s, a)
	default:
		s.conn.Note(a)
	}
}

func (b *board) joinLocked(s *socket, a presence.Activity) {
	if s.wait != nil {
		s.wait.Stop()
	}
	s.conn = b.presence.Join(s.user, presence.Client{Session: s.session, Phone: s.phone}, a)
}

// message takes in what the tab says of itself: there was input, it is idle, or it is hidden.
func (b *board) message(m *melody.Session, frame []byte) {
	b.mu.Lock()
	s := b.open[m]
	b.mu.Unlock()
	if s == nil {
		return // closed at the door
	}
	if !s.budget.spend(time.Now()) {
		s.kick(melody.CloseTryAgainLater, "too many messages")
		return
	}
	a, ok := parseActivity(frame)
	if !ok {
		s.kick(melody.CloseUnsupportedData, "")
		return
	}
	b.turn(s, a.Hidden)
	b.join(s, a)
}

// turn notes that a tab was hidden or is looked at again. One that comes back is brought up to date.
func (b *board) turn(s *socket, hidden bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := s.page
	if s.hidden == hidden || b.open[s.melody] != s {
		return
	}
	s.hidden, s.since = hidden, time.Now()
	if hidden {
		delete(p.watchers, s)
		p.hidden[s] = struct{}{}
		s.seen, s.titled = p.version, p.counts.Here()
		p.thinLocked()
		return
	}
	delete(p.hidden, s)
	p.watchers[s] = struct{}{}
	if p.stale() {
		signal(b.readWanted) // nobody saw it until now
	}
	switch {
	case b.warming:
		s.write(b.warmGreetingLocked(s))
	case s.seen != p.version:
		s.write(b.snapshotLocked(p))
	}
	b.tellSelfLocked(s)
}

// thinLocked lets go of what only tabs that can be seen need.
func (p *page) thinLocked() {
	if len(p.watchers) == 0 {
		p.snapshot = nil
	}
}

// leave forgets a socket that has ended, however it did.
func (b *board) leave(s *socket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.melody == nil || b.open[s.melody] != s {
		return
	}
	delete(b.open, s.melody)
	b.byUser.remove(s.user, s)
	b.bySession.remove(s.session, s)
	if b.byAddress[s.address]--; b.byAddress[s.address] == 0 {
		delete(b.byAddress, s.address)
	}
	delete(s.page.watchers, s)
	delete(s.page.hidden, s)
	s.page.used = time.Now()
	s.page.thinLocked()
	b.trimLocked(nil)
	if s.wait != nil {
		s.wait.Stop()
	}
	if s.conn != nil {
		s.conn.Leave(presence.How(s.how.Load()))
		b.lately[s.session] = lately{s.user, time.Now()}
	}
	b.emptyLocked()
}

// failed is told of every error of a socket, by whoever caused it. A full queue is found by the loop that writes while
// it holds board.mu, so for that no lock is taken here and nothing is waited for.
func (b *board) failed(m *melody.Session, err error) {
	if errors.Is(err, melody.ErrMessageBufferFull) {
		go b.tooSlow(m)
		return
	}
	var closed *websocket.CloseError
	if !errors.As(err, &closed) {
		return
	}
	switch closed.Code {
	case websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseNoStatusReceived:
		b.mu.Lock()
		defer b.mu.Unlock()
		if s := b.open[m]; s != nil {
			s.how.CompareAndSwap(int32(presence.Dropped), int32(presence.Clean))
		}
	}
}

// tooSlow ends a socket whose reader did not keep up. A lost frame is a wrong board: the page comes back and is told
// everything anew.
func (b *board) tooSlow(m *melody.Session) {
	b.mu.Lock()
	s := b.open[m]
	b.mu.Unlock()
	if s == nil || s.lost.Swap(true) {
		return
	}
	s.closing.Store(true)
	conn := m.WebsocketConnection()
	_ = conn.WriteControl(websocket.CloseMessage, melody.FormatCloseMessage(melody.CloseTryAgainLater, "slow"), time.Now().Add(50*time.Millisecond))
	cut(conn)
}

// write queues a frame, which nobody may change any more.
func (s *socket) write(frame []byte) {
	if len(frame) > 0 && !s.closing.Load() {
		_ = s.melody.Write(frame) // a closed session is about to leave; a full queue is told to failed
	}
}

// kick closes s with code. A tab that does not read its close frame is cut off.
func (s *socket) kick(code int, reason string) {
	if s.closing.Swap(true) {
		return
	}
	_ = s.melody.CloseWithMsg(melody.FormatCloseMessage(code, reason))
	conn := s.melody.WebsocketConnection()
	time.AfterFunc(closeWait, func() { cut(conn) })
}

// endLocked closes s because its session has ended: its person has left this tab on purpose, without any grace.
func (s *socket) endLocked() {
	s.how.Store(int32(presence.SignedOut))
	if s.conn != nil {
		s.conn.Leave(presence.SignedOut)
	}
	s.kick(melody.ClosePolicyViolation, "login")
}

// endSessionLocked closes the sockets of a session, and those that are being opened.
func (b *board) endSessionLocked(id string) {
	b.ended[id] = time.Now()
	for _, s := range b.bySession[id] {
		s.endLocked()
		b.presence.End(s.user, id)
	}
	if was, ok := b.lately[id]; ok { // of a page that was left or reloaded just now
		b.presence.End(was.user, id)
	}
}

// sweep ends the sockets of sessions that have run out, and forgets sessions that ended a while ago.
func (b *board) sweep(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.open {
		if !now.Before(s.expires) {
			s.endLocked()
		}
	}
	for id, at := range b.ended {
		if now.Sub(at) > sweepEvery {
			delete(b.ended, id)
		}
	}
	for id, was := range b.lately {
		if now.Sub(was.at) > sweepEvery {
			delete(b.lately, id)
		}
	}
}

// drain closes every socket so that its page comes back elsewhere, and waits for them, 2 s at most. What is shown of
// their people stays as it is.
func (b *board) drain(ctx context.Context) {
	b.mu.Lock()
	b.draining = true
	b.mu.Unlock()
	leave, cancel := context.WithTimeout(ctx, leaveWait)
	if err := b.presence.Drain(leave); err != nil {
		b.log.Warn("the other replicas could not be told that this one leaves", "err", err)
	}
	cancel()
	b.mu.Lock()
	for _, s := range b.open {
		s.kick(melody.CloseServiceRestart, "")
	}
	b.emptyLocked()
	b.mu.Unlock()
	ctx, cancel = context.WithTimeout(ctx, drainWait)
	defer cancel()
	select {
	case <-b.empty:
	case <-ctx.Done():
	}
}

// emptyLocked tells drain when the last socket has gone.
func (b *board) emptyLocked() {
	if b.draining && len(b.open) == 0 {
		b.emptied.Do(func() { close(b.empty) })
	}
}

func (b *board) isDraining() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.draining
}

// tune bounds what the kernel queues for a reader, and what pings may cost.
func (s *socket) tune(conn *websocket.Conn) {
	if tcp, ok := conn.NetConn().(*net.TCPConn); ok {
		_ = tcp.SetWriteBuffer(kernelBuffer)
	}
	pong := conn.PingHandler()
	conn.SetPingHandler(func(data string) error {
		if !s.budget.spend(time.Now()) {
			return errFlood
		}
		return pong(data)
	})
}

var errFlood = errors.New("too many messages")

// cut ends a connection without a word. Ending it twice does no harm.
func cut(conn *websocket.Conn) { _ = conn.NetConn().Close() }

// index finds sockets by something they share, mostly by one or two at a time.
type index map[string][]*socket

func (x index) add(key string, s *socket) { x[key] = append(x[key], s) }

func (x index) remove(key string, s *socket) {
	if left := slices.DeleteFunc(x[key], func(o *socket) bool { return o == s }); len(left) > 0 {
		x[key] = left
	} else {
		delete(x, key)
	}
}
