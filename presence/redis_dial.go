package presence

import (
	"context"
	"crypto/tls"
	"net"
	"sync"
)

// dialFunc opens a connection the way the Redis client asks for it.
type dialFunc = func(ctx context.Context, address string, d *net.Dialer, c *tls.Config) (net.Conn, error)

// dialer returns own, or what the Redis client does when it has none.
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

// droppable is the latest connection of a client that opens another one by itself with its next command.
type droppable struct {
	mu   sync.Mutex
	conn net.Conn // guarded by mu; nil before the first
}

// dialer is own, or the default, and keeps what it opens.
func (l *droppable) dialer(own dialFunc) dialFunc {
	dial := dialer(own)
	return func(ctx context.Context, address string, d *net.Dialer, c *tls.Config) (net.Conn, error) {
		conn, err := dial(ctx, address, d, c)
		if err != nil {
			return nil, err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		l.conn = conn
		return conn, nil
	}
}

// drop closes the connection. Commands that wait for answers on it fail.
func (l *droppable) drop() {
	l.mu.Lock()
	conn := l.conn
	l.mu.Unlock()
	if conn != nil {
		_ = conn.Close()
	}
}
