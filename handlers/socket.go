package handlers

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"rollcall/live"
	"rollcall/presence"
)

const (
	pingEvery        = 20 * time.Second
	pongWait         = 45 * time.Second
	writeWait        = 5 * time.Second
	maxMessage       = 512 // bytes per message of a client
	readBuffer       = 128 // bytes; a page's messages have at most 12, and control frames must fit: 125
	queueFrames      = 16  // frames that wait for a slow reader; one more closes it
	kernelBuffer     = 64 << 10
	firstMessageWait = 2 * time.Second        // our own page reports the time since the last input right after it connects
	closeWait        = 500 * time.Millisecond // for a close frame to go out and be answered, before the connection is cut
)

// admission holds what is known about a socket before it's open. It never changes.
type admission struct {
	person  string    // id of its person; "": nobody, as for a wall board
	share   string    // id of the share link of a wall board; "": of none
	session string    // id of the sign-in; "" without a person
	expires time.Time // of the session; zero: never
	counts  bool      // the person is online while it's open: true for a tab, false for a wall board
	proxied bool      // a proxy named the person; see recheckEvery
	speaks  bool      // the page will report its input right away
	phone   bool
	lists   bool          // it's told when lists for administrators change
	format  live.Format   // of its frames
	watch   *live.Watcher // nil: a stranger, whose page goes to the sign-in page
	team    *live.Watcher // of its person's own team, if the page shows that apart; else nil

	address netip.Prefix // for the limit
	asked   asked        // for the access log
}

// start starts the watchers. It returns false if a list was dropped.
func (a *admission) start(wake func()) bool {
	return a.watch.Start(wake) && (a.team == nil || a.team.Start(wake))
}

// each calls do with each watcher.
func (a *admission) each(do func(*live.Watcher)) {
	for _, w := range [...]*live.Watcher{a.watch, a.team} {
		if w != nil {
			do(w)
		}
	}
}

// asked holds what a socket keeps of the request that opened it.
type asked struct {
	at      time.Time
	from    netip.Addr
	request string // id
	path    string // without secrets
}

// socket is one open websocket, usually one tab of one person.
type socket struct {
	admission
	ws   wsConn // set once, before the socket is in any index
	wire wire   // below ws

	opening *opening // nil after the upgrade; only for pump's goroutine

	writing sync.Mutex    // held from Take until everything is sent or queued, so that changes stay in order
	sent    atomic.Uint64 // bytes sent to the client or queued for it

	// Guarded by sockets.mu.
	conn   *presence.Connection // nil until the first report or firstMessageWait, and for sockets that don't count
	wait   *time.Timer          // until then
	hidden bool
	since  time.Time // since when it's hidden, or else open
	turn   int       // in which it's pinged; less than turns

	closing     atomic.Bool  // the close frame is on its way
	behind      atomic.Bool  // a frame did not fit into the queue
	leaveReason atomic.Int32 // presence.LeaveReason
}

// silent is the activity of a client that hasn't reported any.
var silent = presence.Activity{Ago: presence.NoInput}

// Why a session ended, in the close frame and in the sign-in page's address.
const (
	endedSession  = "login" // signed out or expired
	endedDisabled = "disabled"
	endedDeleted  = "deleted"
	endedShare    = "share" // revoked, expired, or changed: its page loads again
	endedRole     = "role"  // not an administrator any more; only for pages that need it
)

// endLocked closes s because its session has ended. Its person goes offline without a grace period.
func (s *socket) endLocked(why string) {
	s.leaveReason.Store(int32(presence.SignedOut))
	if s.conn != nil {
		s.conn.Leave(presence.SignedOut)
	}
	s.close(closePolicy, why)
}

// close ends s with a code. If the client doesn't answer the close frame in time, the connection is cut.
func (s *socket) close(code int, reason string) {
	if !s.closing.Swap(true) {
		s.ws.close(code, reason)
		time.AfterFunc(closeWait, s.wire.cut)
	}
}

// cutOff ends s without waiting for its queue. The page gets the reason only if it reads right away.
func (s *socket) cutOff(code int, reason string) {
	s.closing.Store(true)
	s.ws.closeNow(code, reason)
	if s.wire.broken.Load() {
		_ = s.wire.Close() // waits for what the client has sent
		return
	}
	s.wire.cut()
}

// closedByClient records that the browser closed s on purpose, unless something else has ended it already. While s is
// closing, the code may be an answer to ours. Only a page that goes away says 1001, which isn't one of ours.
func (s *socket) closedByClient(code int) {
	if s.closing.Load() && code != websocket.CloseGoingAway {
		return
	}
	s.leaveReason.CompareAndSwap(int32(presence.Dropped), int32(presence.Clean))
}
