package replica

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
)

// dialFunc opens a connection the way the Redis client asks for it.
type dialFunc = func(ctx context.Context, address string, d *net.Dialer, c *tls.Config) (net.Conn, error)

// dialer returns a function that opens connections to Redis. After each, it calls opened, if that isn't nil.
func (l *location) dialer(opened func(address string, conn net.Conn)) dialFunc {
	dial := l.option.DialCtxFn
	if dial == nil {
		dial = dialTCP
	}
	return func(ctx context.Context, address string, d *net.Dialer, c *tls.Config) (conn net.Conn, err error) {
		if l.sentinels != nil {
			if address, _, err = l.sentinels.ask(ctx); err != nil {
				return nil, err
			}
		}
		if conn, err = dial(ctx, address, d, c); err == nil && opened != nil {
			opened(address, conn)
		}
		return conn, err
	}
}

func dialTCP(ctx context.Context, address string, d *net.Dialer, c *tls.Config) (net.Conn, error) {
	if c != nil {
		return (&tls.Dialer{NetDialer: d, Config: c}).DialContext(ctx, "tcp", address)
	}
	return d.DialContext(ctx, "tcp", address)
}

// latestConn is the latest connection of a client. The client opens a new one with its next command.
type latestConn struct {
	mu   sync.Mutex
	conn net.Conn // guarded by mu; nil before the first
}

// opened remembers a connection.
func (c *latestConn) opened(_ string, conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conn = conn
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
