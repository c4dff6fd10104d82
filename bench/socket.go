package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/sync/errgroup"
)

const (
	dialWait  = 30 * time.Second
	writeWait = 5 * time.Second
	chunk     = 8 << 10 // initial read buffer, bytes
)

// phone is the user agent of a phone. On a phone, people are away as soon as the page is hidden, so a changer can
// switch states at any time: h makes them away, and a makes them online.
const phone = "bench (Mobile; like Mobi)"

// watch handles frames, one at a time. A frame is valid only during the call.
type watch struct {
	wants func() bool // false skips the next frame
	see   func(frame []byte, at time.Time)
}

// crowd opens sockets and keeps references to them, because the garbage collector would close a socket without one.
type crowd struct {
	bases  []*url.URL // the servers that the sockets are spread over
	dialer websocket.Dialer
	pool   sync.Pool // of *[]byte, for frames
	lost   atomic.Int64

	mu      sync.Mutex
	sockets []*socket // guarded by mu
	why     error     // guarded by mu; error of the first lost socket
	reading sync.WaitGroup
}

// socket is one live connection.
type socket struct {
	conn          *websocket.Conn
	frames, bytes atomic.Int64 // received
	closing       atomic.Bool
}

func newCrowd(bases ...*url.URL) *crowd {
	return &crowd{
		bases: bases,
		dialer: websocket.Dialer{
			HandshakeTimeout: dialWait,
			ReadBufferSize:   4 << 10, WriteBufferSize: 256, WriteBufferPool: &sync.Pool{},
			NetDialContext: (&net.Dialer{Timeout: dialWait}).DialContext,
		},
		pool: sync.Pool{New: func() any { b := make([]byte, chunk); return &b }},
	}
}

// dial opens a socket for p on the first server, for the page that query names, and starts reading it. If w is nil,
// frames are only counted.
func (c *crowd) dial(ctx context.Context, p *person, query, agent string, w *watch) (*socket, error) {
	return c.dialAt(ctx, c.bases[0], p, query, agent, w)
}

func (c *crowd) dialAt(ctx context.Context, base *url.URL, p *person, query, agent string, w *watch) (*socket, error) {
	header := http.Header{"Cookie": {p.cookie}, "Origin": {base.Scheme + "://" + base.Host}, "User-Agent": {agent}}
	conn, answer, err := c.dialer.DialContext(ctx, socketURL(base, query), header)
	switch {
	case errors.Is(err, syscall.EMFILE):
		return nil, fmt.Errorf("%w: raise the limit on open files (ulimit -Hn) or connect fewer people", err)
	case err != nil && answer != nil:
		return nil, fmt.Errorf("GET /ws returned %d: %w", answer.StatusCode, err)
	case err != nil:
		return nil, err
	}
	s := &socket{conn: conn}
	c.mu.Lock()
	c.sockets = append(c.sockets, s)
	c.mu.Unlock()
	c.reading.Go(func() { c.read(s, w) })
	return s, nil
}

// dialAll opens a socket for each person, on the servers in turn, with at most dialers connects in progress at once.
// see returns the watch of each person; it can be nil.
func (c *crowd) dialAll(
	ctx context.Context, all []*person, dialers int, query, agent string, see func(i int) *watch,
) ([]*socket, error) {
	sockets := make([]*socket, len(all))
	g, ctx := errgroup.WithContext(ctx)
	var next atomic.Int64
	for range dialers {
		g.Go(func() error {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(all) {
					return nil
				}
				var w *watch
				if see != nil {
					w = see(i)
				}
				s, err := c.dialAt(ctx, c.bases[i%len(c.bases)], all[i], query, agent, w)
				if err != nil {
					return fmt.Errorf("connect %s: %w", all[i].name, err)
				}
				sockets[i] = s
			}
			return ctx.Err()
		})
	}
	return sockets, g.Wait()
}

// read reads frames until the socket closes. This also answers pings.
func (c *crowd) read(s *socket, w *watch) {
	for {
		err := c.readFrame(s, w)
		if err == nil {
			continue
		}
		if !s.closing.Load() {
			c.lost.Add(1)
			c.mu.Lock()
			if c.why == nil {
				c.why = err
			}
			c.mu.Unlock()
		}
		s.conn.Close()
		return
	}
}

// readFrame reads one frame. It takes a buffer from the pool only when a frame arrives, because most sockets are silent
// at any time.
func (c *crowd) readFrame(s *socket, w *watch) error {
	_, r, err := s.conn.NextReader()
	if err != nil {
		return err
	}
	held := c.pool.Get().(*[]byte)
	defer c.pool.Put(held)
	wanted := w != nil && w.wants()
	buf, n := *held, 0
	for {
		if n == len(buf) {
			buf = append(buf, make([]byte, len(buf))...)
			*held = buf
		}
		m, err := r.Read(buf[n:])
		s.bytes.Add(int64(m))
		if wanted {
			n += m
		}
		if err != nil { // io.EOF at the end of the frame; NextReader returns any other error again
			break
		}
	}
	s.frames.Add(1)
	if wanted {
		w.see(buf[:n], time.Now())
	}
	return nil
}

// say sends one activity frame. It isn't safe for concurrent use.
func (s *socket) say(frame string) error {
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeWait))
	return s.conn.WriteMessage(websocket.TextMessage, []byte(frame))
}

// leave closes the socket as browsers do.
func (s *socket) leave() {
	s.closing.Store(true)
	closed := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	_ = s.conn.WriteControl(websocket.CloseMessage, closed, time.Now().Add(writeWait))
	s.conn.Close()
}

// leave closes one of the sockets.
func (c *crowd) leave(s *socket) {
	s.leave()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sockets = slices.DeleteFunc(c.sockets, func(o *socket) bool { return o == s })
}

// check returns an error if sockets were closed by anyone else.
func (c *crowd) check() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.lost.Load(); n > 0 {
		return fmt.Errorf("%d of %d sockets closed unexpectedly, the first with: %w", n, len(c.sockets), c.why)
	}
	return nil
}

// received returns how many frames and bytes these sockets have received so far.
func received(sockets []*socket) (frames, bytes int64) {
	for _, s := range sockets {
		frames += s.frames.Load()
		bytes += s.bytes.Load()
	}
	return frames, bytes
}

// close closes the sockets as browsers do, and waits until nothing reads them anymore.
func (c *crowd) close() {
	c.mu.Lock()
	leaving := c.sockets
	c.sockets = nil
	c.mu.Unlock()
	for _, s := range leaving {
		s.leave()
	}
	c.reading.Wait()
}
