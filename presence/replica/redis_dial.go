package replica

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
)

// dialFunc opens a connection the way the Redis client asks for it.
type dialFunc = func(ctx context.Context, address string, d *net.Dialer, c *tls.Config) (net.Conn, error)

// dialer returns own, or the Redis client's default if own is nil.
func dialer(own dialFunc) dialFunc {
	if own != nil {
		return own
	}
	return func(ctx context.Context, address string, d *net.Dialer, c *tls.Config) (net.Conn, error) {
		if c != nil {
			return (&tls.Dialer{NetDialer: d, Config: c}).DialContext(ctx, "tcp", address)
		}
		return d.DialContext(ctx, "tcp", address)
	}
}

// latestConn is the latest connection of a client. The client opens a new one with its next command.
type latestConn struct {
	mu   sync.Mutex
	conn net.Conn // guarded by mu; nil before the first
}

// dialer returns own or the default, wrapped so that it remembers the connection.
func (c *latestConn) dialer(own dialFunc) dialFunc {
	dial := dialer(own)
	return func(ctx context.Context, address string, d *net.Dialer, t *tls.Config) (net.Conn, error) {
		conn, err := dial(ctx, address, d, t)
		if err != nil {
			return nil, err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.conn = conn
		return conn, nil
	}
}

// close closes the connection. Commands that wait for answers on it fail.
func (c *latestConn) close() {
	c.mu.Lock()
	conn := c.conn
	c.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
}
