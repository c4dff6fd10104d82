package handlers

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/accounts"
	"rollcall/live"
	"rollcall/presence"
	"rollcall/ui"
)

const (
	drainWait = 2 * time.Second // for sockets to close
	leaveWait = time.Second     // for the other replicas to be told
)

// sockets holds the open websockets of this process. It decides who may open one, knows whose they are, and ends them.
type sockets struct {
	board     *live.Board
	presence  *presence.Tracker
	log       *slog.Logger
	limits    Limits
	metrics   *metrics
	encode    encoder // as a frame; nil if there's nothing to send
	transport *transport
	traffic   traffic
	changed   *presence.Feed // people whose state may have changed
	accounts  *accounts.Store
	lists     *listNews
	places    *places

	mu        sync.Mutex // guards the rest; never held during a callback or a wait
	open      map[connID]*socket
	byUser    index
	bySession index
	byShare   index
	ended     map[string]time.Time     // sessions that ended within the last minute
	recent    map[string]recentSession // sessions that had a socket within the last minute
	drained   drained
}

// encoder returns the bytes of a change in a format.
type encoder func(live.Format, *live.Change) []byte

// drained is about the end of all sockets.
type drained struct {
	begun bool          // no new ones are admitted
	done  chan struct{} // closed when the last one has ended after that
	once  sync.Once     // closes it
}

// traffic counts sockets that were opened, and what was sent to them or queued for them.
type traffic struct{ opened, frames, bytes atomic.Uint64 }

// recentSession holds whose session it was, and when it last had a socket.
type recentSession struct {
	user string
	at   time.Time
}

// index finds sockets by a shared key, usually one or two per key.
type index map[string][]*socket

func (x index) add(key string, s *socket) { x[key] = append(x[key], s) }

func (x index) remove(key string, s *socket) {
	if left := slices.DeleteFunc(x[key], func(o *socket) bool { return o == s }); len(left) > 0 {
		x[key] = left
	} else {
		delete(x, key)
	}
}

func newSockets(cfg Config, board *live.Board, m *metrics, encode encoder,
	originAllowed func(*http.Request) bool) *sockets {
	s := &sockets{
		board: board, presence: cfg.Presence, log: cfg.Log, limits: cfg.Limits, metrics: m,
		encode: func(f live.Format, c *live.Change) []byte { return textFrame(encode(f, c)) },
		open:   map[connID]*socket{}, byUser: index{}, bySession: index{}, byShare: index{}, places: newPlaces(),
		changed: cfg.Presence.Subscribe(), ended: map[string]time.Time{}, recent: map[string]recentSession{},
		drained:  drained{done: make(chan struct{})},
		accounts: cfg.Accounts, lists: newListNews(listsChanged(cfg.UI)),
	}
	s.transport = newTransport(s, originAllowed)
	board.Subscribe(s.applyUpdate)
	return s
}

func listsChanged(pages *ui.UI) []byte {
	f := pages.NewFrame()
	f.Lists()
	return textFrame(f.Bytes())
}

// enter adds x, or closes it with a code that its page understands. Nothing is written or read on x before.
func (s *sockets) enter(x *socket) {
	if x.watch == nil {
		s.metrics.refused.WithLabelValues("login").Inc()
		x.close(closePolicy, endedSession)
		return
	}
	s.mu.Lock()
	code, reason := s.refusalLocked(x)
	if code == 0 {
		s.addLocked(x)
	}
	s.mu.Unlock()
	if code == 0 && !x.start(func() { s.deliver(x) }) { // its list was dropped while the socket was being opened
		code = closeRestart
	}
	if code == 0 && x.lists && s.lists.recent(time.Now()) { // perhaps between its page and now
		s.lists.again()
	}
	if code != 0 {
		s.metrics.refused.WithLabelValues(cmp.Or(reason, "restart")).Inc()
		x.close(code, reason)
	}
}

// refusalLocked returns the close code with which x is refused, or 0 if it has taken a place for x.
func (s *sockets) refusalLocked(x *socket) (code int, reason string) {
	_, ended := s.ended[x.session]
	switch {
	case s.drained.begun:
		return closeRestart, ""
	case ended || x.expired(time.Now()):
		return closePolicy, endedSession
	case x.share != "" && over(len(s.byShare[x.share]), maxSharedSockets):
		return closeLater, "full"
	case !s.places.take(s.limits, x.address):
		return closeLater, "full"
	}
	return 0, ""
}

func (a *admission) expired(now time.Time) bool { return !a.expires.IsZero() && !now.Before(a.expires) }

// over reports whether n+1 is over limit.
func over(n, limit int) bool { return limit > 0 && n >= limit }

// addLocked adds x to every index. If the person then has too many sockets, it closes one of them.
func (s *sockets) addLocked(x *socket) {
	x.since, x.turn = time.Now(), rand.IntN(turns)
	s.open[x.ws.id()] = x
	s.traffic.opened.Add(1)
	if x.share != "" {
		s.byShare.add(x.share, x)
	}
	if x.person == "" {
		return
	}
	open := 0
	for _, o := range s.byUser[x.person] {
		if !o.closing.Load() {
			open++
		}
	}
	if over(open, s.limits.SocketsUser) {
		leastUsed(s.byUser[x.person]).close(closeTooMany, "rested")
	}
	s.byUser.add(x.person, x)
	s.bySession.add(x.session, x)
	switch {
	case !x.counts:
	case x.speaks:
		x.wait = time.AfterFunc(firstMessageWait, func() { s.joinSilent(x) })
	default:
		s.joinLocked(x, silent)
	}
}

// leastUsed returns the socket that has been hidden longest, or the oldest if none is hidden. Sockets that are already
// closing come last.
func leastUsed(sockets []*socket) *socket {
	return slices.MinFunc(sockets, func(a, b *socket) int {
		return cmp.Or(
			compareBool(a.closing.Load(), b.closing.Load()),
			compareBool(b.hidden, a.hidden),
			a.since.Compare(b.since))
	})
}

// compareBool orders false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// deliver sends the board's changes to x.
func (s *sockets) deliver(x *socket) {
	x.writing.Lock()
	defer x.writing.Unlock()
	ok := s.deliverFrom(x, x.watch, x.format)
	if x.team != nil {
		ok = s.deliverFrom(x, x.team, live.Team) && ok
	}
	if !ok {
		go s.tooSlow(x)
	}
}

// deliverFrom sends the changes that w has. It returns false if w has fallen behind.
func (s *sockets) deliverFrom(x *socket, w *live.Watcher, format live.Format) bool {
	changes, ok := w.Take()
	for _, c := range changes {
		s.write(x, c.Encoded(format, func(c *live.Change) []byte { return s.encode(format, c) }))
	}
	return ok
}

// write sends a frame made by textFrame, or queues it if the client is slow. The frame must not be changed afterwards,
// and the caller holds x.writing.
func (s *sockets) write(x *socket, frame []byte) {
	if len(frame) == 0 || x.closing.Load() {
		return
	}
	text := textOf(frame)
	s.traffic.frames.Add(1)
	s.traffic.bytes.Add(uint64(len(text)))
	x.sent.Add(uint64(len(text)))
	if !x.wire.send(frame) {
		x.wire.queued.Add(1)
		x.ws.write(text)
	}
}

// written records that a queued frame was sent.
func (s *sockets) written(x *socket) { x.wire.queued.Add(-1) }

// tooSlow ends a socket whose client can't keep up. After a lost frame its page would be wrong, so the page reconnects
// and gets the whole list.
func (s *sockets) tooSlow(x *socket) {
	if x.behind.Swap(true) {
		return
	}
	s.metrics.slow.Inc()
	x.cutOff(closeLater, "slow")
}

// message handles a message from a tab: a request for the whole list, or a report that there was input, or that it's
// idle or hidden.
func (s *sockets) message(x *socket, frame []byte) {
	if string(frame) == renew {
		x.each((*live.Watcher).Renew)
		return
	}
	a, ok := parseActivity(frame)
	if !ok {
		x.close(closeUnsupported, "")
		return
	}
	if s.recordActivity(x, a) {
		if a.Hidden {
			x.each((*live.Watcher).Pause)
		} else {
			x.each((*live.Watcher).Resume)
		}
	}
}

// recordActivity passes the activity of x on to presence. The first report makes x count for its person. It returns
// true if x became hidden or visible.
func (s *sockets) recordActivity(x *socket, a presence.Activity) (turned bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[x.ws.id()] != x {
		return false
	}
	if turned = x.hidden != a.Hidden; turned {
		x.hidden, x.since = a.Hidden, time.Now()
	}
	switch {
	case x.closing.Load(), !x.counts:
	case x.conn == nil:
		s.joinLocked(x, a)
	default:
		x.conn.Record(a)
	}
	return turned
}

// joinSilent makes x count for its person although it hasn't sent its first report in time.
func (s *sockets) joinSilent(x *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[x.ws.id()] == x && x.conn == nil && !x.closing.Load() {
		s.joinLocked(x, silent)
	}
}

func (s *sockets) joinLocked(x *socket, a presence.Activity) {
	if x.wait != nil {
		x.wait.Stop()
		x.wait = nil
	}
	x.conn = s.presence.Join(x.person, presence.Client{Session: x.session, Phone: x.phone}, a)
}

// leave removes a socket that has ended.
func (s *sockets) leave(x *socket) {
	defer x.each((*live.Watcher).Stop)
	s.mu.Lock()
	if s.open[x.ws.id()] != x {
		s.mu.Unlock()
		return
	}
	delete(s.open, x.ws.id())
	s.places.free(x.address)
	if x.share != "" {
		s.byShare.remove(x.share, x)
	}
	if x.person != "" {
		s.byUser.remove(x.person, x)
		s.bySession.remove(x.session, x)
	}
	if x.wait != nil {
		x.wait.Stop()
	}
	if x.conn != nil {
		x.conn.LeaveAt(presence.LeaveReason(x.leaveReason.Load()), x.wire.ended(time.Now()))
		s.recent[x.session] = recentSession{x.person, time.Now()}
	}
	s.emptyLocked()
	s.mu.Unlock()
}

// drain closes all sockets, so that their pages reconnect elsewhere, and waits up to 2 s for them. Other replicas keep
// showing their people meanwhile.
func (s *sockets) drain(ctx context.Context) {
	s.mu.Lock()
	s.drained.begun = true
	s.mu.Unlock()
	leave, cancel := context.WithTimeout(ctx, leaveWait)
	if err := s.presence.Drain(leave); err != nil {
		s.log.Warn("the other replicas could not be told that this one is stopping", "err", err)
	}
	cancel()
	s.mu.Lock()
	for _, x := range s.open {
		x.close(closeRestart, "")
	}
	s.emptyLocked()
	s.mu.Unlock()
	ctx, cancel = context.WithTimeout(ctx, drainWait)
	defer cancel()
	select {
	case <-s.drained.done:
	case <-ctx.Done():
	}
}

// emptyLocked tells drain when the last socket has ended.
func (s *sockets) emptyLocked() {
	if s.drained.begun && len(s.open) == 0 {
		s.drained.once.Do(func() { close(s.drained.done) })
	}
}

func (s *sockets) isDraining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.drained.begun
}

// openOf returns how many sockets a person has open.
func (s *sockets) openOf(user string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.byUser[user])
}

// sessionsOf returns the sessions of a person that have a live connection to this replica.
func (s *sockets) sessionsOf(user string) map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	open := map[string]bool{}
	for _, x := range s.byUser[user] {
		if !x.closing.Load() {
			open[x.session] = true
		}
	}
	return open
}
