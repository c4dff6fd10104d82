package handlers

import (
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/olahol/melody"

	"rollcall/accounts"
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
	sight   sight
	conn    *presence.Connection // nil until it is known how long ago the last input was
	wait    *time.Timer          // until then
	hidden  bool
	since   time.Time       // hidden, or else open, since
	seen    uint64          // the page's version when it became hidden
	partial bool            // lists only the people who are here: it has no page, or one that was loaded while warming
	person  accounts.Person // whose it is
	me      ui.Me           // as last sent, like row
	row     []byte
	titled  int  // people here by its title, while hidden
	wire    wire // used by the reading goroutine alone

	closing atomic.Bool  // the close frame is on its way
	lost    atomic.Bool  // a frame did not fit into the queue
	how     atomic.Int32 // presence.How, for the end

	traffic *traffic // of the board
	sent    uint64   // bytes of it, queued for this socket
	asked   asked    // for the access log
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

// socketOf is the socket of a session; nil: it was refused, or has ended.
func (b *board) socketOf(m *melody.Session) *socket {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.open[m]
}

// message takes in what the tab says of itself: there was input, it is idle, or it is hidden.
func (b *board) message(m *melody.Session, frame []byte) {
	s := b.socketOf(m)
	if s == nil {
		return // it was refused
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
		b.wantReadLocked(p) // nobody saw it until now
	}
	switch {
	case b.warming:
		s.write(b.warmGreetingLocked(s))
	case s.seen != p.version:
		s.write(b.snapshotLocked(p, s.sight))
	}
	b.tellSelfLocked(s)
}

// write queues a frame, which nobody may change any more. It needs board.mu.
func (s *socket) write(frame []byte) {
	if len(frame) == 0 || s.closing.Load() {
		return
	}
	s.traffic.frames++
	s.traffic.bytes += uint64(len(frame))
	s.sent += uint64(len(frame))
	_ = s.melody.Write(frame) // a closed session is about to leave; a full queue is told to failed
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
