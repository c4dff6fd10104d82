package handlers

import (
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

const (
	refusing     = 64          // refused connections that get an answer at the same time; others are just closed
	refusalWait  = time.Second // for a refused client to send its request and read the answer
	refusalReads = 4 << 10     // bytes of the request that are read
)

// spareLocal is how many connections from this machine are accepted above the limit. A full server is healthy, and local
// health checks must be able to see that, or they would restart it.
const spareLocal = 64

// connLimit counts the open connections, live ones included, and refuses those above its limit, so that a flood can't use
// up the file descriptors that the database, Redis and the log need. Connections that are open stay open.
type connLimit struct {
	limit   int // 0: none
	spare   int // above the limit, for this machine itself
	open    atomic.Int64
	refused func() // counts
	telling chan struct{}
}

// connStats are how many connections are open, and the limit.
type connStats struct{ open, limit int }

func newConnLimit(limit int, refused func()) *connLimit {
	return &connLimit{limit: limit, spare: spareLocal, refused: refused, telling: make(chan struct{}, refusing)}
}

func (l *connLimit) stats() connStats { return connStats{int(l.open.Load()), l.limit} }

// LimitConnections puts the limit of open connections in front of l, which must be of TCP to be counted.
func (s *Server) LimitConnections(l net.Listener) net.Listener { return &limitedListener{l, s.conns} }

// limitedListener is a listener whose connections count against a limit.
type limitedListener struct {
	net.Listener
	limit *connLimit
}

// Accept returns the next connection that may come in.
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
			return &limitedConn{TCPConn: tcp, limit: w.limit}, nil
		}
		w.limit.refuse(tcp)
	}
}

// enter counts a connection from peer, unless it is one too many.
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

// limitedConn is a connection that counts until it is closed.
type limitedConn struct {
	*net.TCPConn
	limit *connLimit
	gone  atomic.Bool
}

// Close closes the connection. A second call does no harm.
func (c *limitedConn) Close() error {
	if !c.gone.Swap(true) {
		c.limit.open.Add(-1)
	}
	return c.TCPConn.Close()
}

const fullText = "This server has as many connections as it can hold. Try again in a few seconds.\n"

var fullAnswer = fmt.Appendf(nil, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: %d\r\nContent-Type: text/plain; charset=utf-8\r\n"+
	"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
	int(retrySoon/time.Second), len(fullText), fullText)

// refuse answers 503 to any request, and closes. Only a few get an answer at a time: each holds a file descriptor for a
// moment, which closing doesn't.
func (l *connLimit) refuse(conn *net.TCPConn) {
	l.refused()
	select {
	case l.telling <- struct{}{}:
	default:
		_ = conn.Close()
		return
	}
	go func() {
		defer func() { <-l.telling }()
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(refusalWait))
		if _, err := conn.Read(make([]byte, refusalReads)); err != nil { // an answer before the question is no answer
			return
		}
		_, _ = conn.Write(fullAnswer)
		_ = conn.CloseWrite()
		_, _ = io.CopyN(io.Discard, conn, refusalReads) // closing with something unread would take the answer back
	}()
}
