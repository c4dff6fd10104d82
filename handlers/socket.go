package handlers

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/live"
	"rollcall/presence"
)

const (
	pingEvery        = 20 * time.Second
	pongWait         = 45 * time.Second
	writeWait        = 5 * time.Second
	maxMessage       = 512 // bytes a client may send at once
	queueFrames      = 16  // frames that wait for a slow reader; one more closes it
	kernelBuffer     = 64 << 10
	firstMessageWait = 2 * time.Second        // our own page says at once how long ago the last input was
	closeWait        = 500 * time.Millisecond // for a close frame to go out, before the connection is cut
)

// admission is what is known of a socket before it is open. It never changes.
type admission struct {
	person  string    // id of whose it is; "": nobody's, as of a wall board
	session string    // id of the sign-in; "" without a person
	expires time.Time // of the session; zero: never
	counts  bool      // it makes its person present: a tab does, a wall board doesn't
	speaks  bool      // the page will say at once whether there is input
	phone   bool
	watch   *live.Watcher // nil: a stranger, who is only told to sign in

	address netip.Prefix // for the limit
	asked   asked        // for the access log
}

// asked is what a socket keeps of the request that opened it.
type asked struct {
	at      time.Time
	from    netip.Addr
	request string // id
}

// socket is one open websocket: one tab of one person, mostly.
type socket struct {
	admission
	ws   wsConn // set once, before the socket is in any index
	wire wire   // below ws; used by the reading goroutine alone

	writing sync.Mutex    // held from Take to the queue of the connection, so that changes stay in order
	sent    atomic.Uint64 // bytes queued for the client

	// Guarded by sockets.mu.
	conn   *presence.Connection // nil until it is known how long ago the last input was, and of those that don't count
	wait   *time.Timer          // until then
	hidden bool
	since  time.Time // hidden, or else open, since

	closing atomic.Bool  // the close frame is on its way
	behind  atomic.Bool  // a frame did not fit into the queue
	how     atomic.Int32 // presence.How, for the end
}

// silent is the activity of a client that has not said anything.
var silent = presence.Activity{Ago: presence.NoInput}

// Why a session ended, as the close frame and the sign-in page name it.
const (
	endedSession  = "login" // signed out, or run out
	endedDisabled = "disabled"
	endedDeleted  = "deleted"
)

// endLocked closes s because its session has ended: its person has left this tab on purpose, without any grace.
func (s *socket) endLocked(why string) {
	s.how.Store(int32(presence.SignedOut))
	if s.conn != nil {
		s.conn.Leave(presence.SignedOut)
	}
	s.close(closePolicy, why)
}

// close ends s with a code. A client that doesn't read its close frame is cut off.
func (s *socket) close(code int, reason string) {
	if !s.closing.Swap(true) {
		s.ws.close(code, reason)
	}
}

// cutOff ends s without waiting for its queue. The page learns why if it reads that at once.
func (s *socket) cutOff(code int, reason string) {
	s.closing.Store(true)
	s.ws.closeNow(code, reason)
}

// closedByClient notes that the browser closed s on purpose, if nothing else has ended it yet.
func (s *socket) closedByClient() {
	s.how.CompareAndSwap(int32(presence.Dropped), int32(presence.Clean))
}
