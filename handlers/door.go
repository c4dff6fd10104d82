package handlers

import (
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"
)

const (
	awayAtOnce = 64          // connections that are told why they are turned away; others are just closed
	awayWait   = time.Second // for such a one to send its request and to read the answer
	awayReads  = 4 << 10     // bytes of the request that are read
)

// spareLocal is how many connections from this machine itself come in above the limit: a full server is a healthy one, and
// whoever checks it from beside it must learn that, or it would be killed for being popular.
const spareLocal = 64

// door counts the connections that are open, live ones included, and turns away those that are too many, so that a flood
// cannot use up the file descriptors that database, Redis and log need. Whoever is inside is not touched.
type door struct {
	limit   int // 0: none
	spare   int // above the limit, for this machine itself
	open    atomic.Int64
	refused func() // counts
	telling chan struct{}
}

// doorStats is what the door can tell in numbers.
type doorStats struct{ open, limit int }

func newDoor(limit int, refused func()) *door {
	return &door{limit: limit, spare: spareLocal, refused: refused, telling: make(chan struct{}, awayAtOnce)}
}

func (d *door) stats() doorStats { return doorStats{int(d.open.Load()), d.limit} }

// Door puts the limit of open connections in front of l, which must be of TCP to be counted.
func (s *Server) Door(l net.Listener) net.Listener { return &doorway{l, s.door} }

// doorway is a listener behind the door.
type doorway struct {
	net.Listener
	door *door
}

// Accept returns the next connection that may come in.
func (w *doorway) Accept() (net.Conn, error) {
	for {
		conn, err := w.Listener.Accept()
		if err != nil {
			return nil, err
		}
		tcp, ok := conn.(*net.TCPConn)
		if !ok {
			return conn, nil
		}
		if w.door.enter(tcp.RemoteAddr()) {
			return &visitorConn{TCPConn: tcp, door: w.door}, nil
		}
		w.door.turnAway(tcp)
	}
}

// enter counts a connection from peer, unless it is one too many.
func (d *door) enter(peer net.Addr) bool {
	room := int64(d.limit)
	if parseAddr(peer.String()).IsLoopback() {
		room += int64(d.spare)
	}
	if n := d.open.Add(1); d.limit <= 0 || n <= room {
		return true
	}
	d.open.Add(-1)
	return false
}

// visitorConn is a connection that counts until it is closed.
type visitorConn struct {
	*net.TCPConn
	door *door
	gone atomic.Bool
}

// Close closes the connection. A second call does no harm.
func (c *visitorConn) Close() error {
	if !c.gone.Swap(true) {
		c.door.open.Add(-1)
	}
	return c.TCPConn.Close()
}

const fullText = "This server has as many connections as it can hold. Try again in a few seconds.\n"

var fullAnswer = fmt.Appendf(nil, "HTTP/1.1 503 Service Unavailable\r\nRetry-After: %d\r\nContent-Type: text/plain; charset=utf-8\r\n"+
	"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
	int(retrySoon/time.Second), len(fullText), fullText)

// turnAway answers 503 without asking what the client wants, and closes. Few are told at a time: telling costs a file
// descriptor for a moment, which closing does not.
func (d *door) turnAway(conn *net.TCPConn) {
	d.refused()
	select {
	case d.telling <- struct{}{}:
	default:
		_ = conn.Close()
		return
	}
	go func() {
		defer func() { <-d.telling }()
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(awayWait))
		if _, err := conn.Read(make([]byte, awayReads)); err != nil { // an answer before the question is no answer
			return
		}
		_, _ = conn.Write(fullAnswer)
		_ = conn.CloseWrite()
		_, _ = io.CopyN(io.Discard, conn, awayReads) // closing with something unread would take the answer back
	}()
}
