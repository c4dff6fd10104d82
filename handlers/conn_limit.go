package handlers

import (
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

const (
	maxRefusals  = 64          // refused connections that get a response at the same time; others are just closed
	refusalWait  = time.Second // for a refused client to send its request and read the answer
	refusalReads = 4 << 10     // bytes of the request that are read
)

// spareLocal is the number of connections from this machine that are accepted above the limit. Otherwise local health
// checks would restart a server that is full but healthy.
const spareLocal = 64

// connLimit counts the open connections, live ones included, and refuses new ones above its limit, so that a flood
// can't use up the file descriptors that the database, Redis and the log need.
type connLimit struct {
	limit    int // 0: no limit
	spare    int // above the limit, for connections from this machine
	open     atomic.Int64
	refused  func()        // counts a refusal
	refusals chan struct{} // one entry per refusal that is being sent
}

// connStats holds the number of open connections and their limit.
type connStats struct{ open, limit int }

func newConnLimit(limit int, refused func()) *connLimit {
	return &connLimit{limit: limit, spare: spareLocal, refused: refused, refusals: make(chan struct{}, maxRefusals)}
}

func (l *connLimit) stats() connStats { return connStats{int(l.open.Load()), l.limit} }

// LimitConnections applies the limit of open connections to l. Only TCP connections count.
func (s *Server) LimitConnections(l net.Listener) net.Listener { return &limitedListener{l, s.conns} }

// limitedListener counts its connections against a limit.
type limitedListener struct {
	net.Listener
	limit *connLimit
}

// Accept returns the next connection within the limit.
func (w *limitedListener) Accept() (net.Conn, error) {
	for {
		conn, err := w.Listener.Accept()
		if err != nil {
			return nil, err
		}
		tcp, ok := conn.(*net.TCPConn)
		if !ok {
			return conn, nil
		}
		if w.limit.enter(tcp.RemoteAddr()) {
			_ = setUserTimeout(tcp, pongWait) // fails only if the client is gone already
			return &limitedConn{TCPConn: tcp, limit: w.limit}, nil
		}
		w.limit.refuse(tcp)
	}
}

// enter counts a connection from peer and reports whether it's within the limit.
func (l *connLimit) enter(peer net.Addr) bool {
	room := int64(l.limit)
	if parseAddr(peer.String()).IsLoopback() {
		room += int64(l.spare)
	}
	if n := l.open.Add(1); l.limit <= 0 || n <= room {
		return true
	}
	l.open.Add(-1)
	return false
}

// limitedConn counts against the limit until it's closed.
type limitedConn struct {
	*net.TCPConn
	limit *connLimit
	gone  atomic.Bool
}

// Close closes the connection. It may be called more than once.
func (c *limitedConn) Close() error {
	if !c.gone.Swap(true) {
		c.limit.open.Add(-1)
	}
	return c.TCPConn.Close()
}

const fullText = "This server has as many connections as it can hold. Try again in a few seconds.\n"

var fullAnswer = fmt.Appendf(nil,
	"HTTP/1.1 503 Service Unavailable\r\nRetry-After: %d\r\nContent-Type: text/plain; charset=utf-8\r\n"+
		"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
	int(retrySoon/time.Second), len(fullText), fullText)

// refuse answers 503 to any request and closes the connection. Only a few connections get a response at a time, because
// each one holds a file descriptor while it waits.
func (l *connLimit) refuse(conn *net.TCPConn) {
	l.refused()
	select {
	case l.refusals <- struct{}{}:
	default:
		_ = conn.Close()
		return
	}
	go func() {
		defer func() { <-l.refusals }()
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(refusalWait))
		// Clients ignore a response that comes before their request.
		if _, err := conn.Read(make([]byte, refusalReads)); err != nil {
			return
		}
		_, _ = conn.Write(fullAnswer)
		_ = conn.CloseWrite()
		// Closing with unread data resets the connection, and the client may lose the response.
		_, _ = io.CopyN(io.Discard, conn, refusalReads)
	}()
}
