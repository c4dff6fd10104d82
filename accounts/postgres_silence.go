package accounts

import (
	"context"
	"net"
	"slices"
	"sync/atomic"
	"time"
)

const (
	silence   = 2 * time.Second // without an answer from the primary, until the other servers are asked
	askAgain  = time.Second     // after they have answered
	answerMax = 2 * time.Second // for them to answer
)

// watchedConn is a connection to one of several servers. A frozen primary keeps its connections open, so while it
// doesn't answer, the other servers are asked whether one of them was promoted.
type watchedConn struct {
	net.Conn
	servers *servers
	timer   *time.Timer
	waiting atomic.Bool // for an answer
}

// watch returns a connection to a server, watched until it's closed.
func (s *servers) watch(conn net.Conn, i int) net.Conn {
	c := &watchedConn{Conn: conn, servers: s}
	c.timer = time.AfterFunc(time.Hour, c.doubt)
	c.timer.Stop()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c] = i
	return c
}

// Write is part of net.Conn.
func (c *watchedConn) Write(data []byte) (int, error) {
	c.waiting.Store(true)
	c.timer.Reset(silence)
	return c.Conn.Write(data)
}

// Read is part of net.Conn.
func (c *watchedConn) Read(data []byte) (int, error) {
	n, err := c.Conn.Read(data)
	if n > 0 {
		c.waiting.Store(false)
		c.timer.Stop()
	}
	return n, err
}

// Close is part of net.Conn. After accept has closed a connection, its owner closes it again, which isn't an error.
func (c *watchedConn) Close() error {
	c.waiting.Store(false)
	c.timer.Stop()
	c.servers.mu.Lock()
	_, open := c.servers.open[c]
	delete(c.servers.open, c)
	c.servers.mu.Unlock()
	if !open {
		return nil
	}
	return c.Conn.Close()
}

// doubt asks the other servers whether one of them is the primary now. If so, all connections to the old one end, this
// one included. Otherwise, a statement takes long, or nobody was promoted yet, and it asks again while there's no
// answer.
func (c *watchedConn) doubt() {
	if c.servers.startAsking() {
		c.servers.askOthers()
		c.servers.work.Done()
	}
	if c.waiting.Load() {
		c.timer.Reset(askAgain)
	}
}

// startAsking reports whether the caller should ask, because nobody else does. It must then call work.Done.
func (s *servers) startAsking() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asking || s.closed || s.primary < 0 {
		return false
	}
	s.asking = true
	s.work.Add(1)
	return true
}

// askOthers moves to the server that was promoted last, if there's one.
func (s *servers) askOthers() {
	ctx, cancel := context.WithTimeout(s.life, answerMax)
	defer cancel()
	s.mu.Lock()
	primary, newest := s.primary, s.history
	s.mu.Unlock()
	others := slices.Delete(slices.Clone(s.all), primary, primary+1)
	for _, a := range ask(ctx, others) {
		if a.err != nil {
			continue
		}
		if newest.before(a.history) {
			s.accept(a.host, a.history)
		}
		a.conn.Close()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asking = false
}
