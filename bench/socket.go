package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
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
	chunk     = 8 << 10 // bytes read at once of frames nobody looks at
)

// phone is a browser whose person is away as soon as its page is hidden. That lets a test change what is shown of
// them at will: h makes them away, a online.
const phone = "bench (Mobile; like Mobi)"

// watch looks at frames, one at a time. The frame is valid only during the call.
type watch struct {
	wants func() bool // false: the next frame need not be kept
	see   func(frame []byte, at time.Time)
}

// crowd dials sockets and holds them: a socket that nothing refers to would be closed by the garbage collector.
type crowd struct {
	bases  []*url.URL // of the servers they are spread over
	dialer websocket.Dialer
	pool   sync.Pool // of *[]byte, for frames
	lost   atomic.Int64

	mu      sync.Mutex
	sockets []*socket // guarded by mu
	why     error     // guarded by mu; of the first that was lost
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

// dial opens a socket of p on the page that query names, at the first server, and starts to read it. A nil w counts
// frames only.
func (c *crowd) dial(ctx context.Context, p *person, query, agent string, w *watch) (*socket, error) {
	return c.dialAt(ctx, c.bases[0], p, query, agent, w)
}

func (c *crowd) dialAt(ctx context.Context, base *url.URL, p *person, query, agent string, w *watch) (*socket, error) {
	header := http.Header{"Cookie": {p.cookie}, "Origin": {base.Scheme + "://" + base.Host}, "User-Agent": {agent}}
	conn, answer, err := c.dialer.DialContext(ctx, socketURL(base, query), header)
	switch {
	case errors.Is(err, syscall.EMFILE):
		return nil, fmt.Errorf("%w: raise the limit of open files (ulimit -Hn) or connect fewer", err)
	case err != nil && answer != nil:
		return nil, fmt.Errorf("GET /ws was answered %d: %w", answer.StatusCode, err)
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

// dialAll opens a socket for each of the people, so many under way at once, at the servers in turn; see makes the watch
// of each and may be nil.
func (c *crowd) dialAll(ctx context.Context, all []*person, dialers int, query, agent string, see func(i int) *watch) ([]*socket, error) {
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

// read takes frames until the socket ends. Pings are answered meanwhile.
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

// readFrame takes one frame. A buffer is held only while one arrives: most sockets are silent at any time.
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
		if err != nil { // io.EOF at the end of the frame; else the next NextReader tells
			break
		}
	}
	s.frames.Add(1)
	if wanted {
		w.see(buf[:n], time.Now())
	}
	return nil
}

// say sends one activity frame. One goroutine at a time may call it.
func (s *socket) say(frame string) error {
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeWait))
	return s.conn.WriteMessage(websocket.TextMessage, []byte(frame))
}

// check is an error when sockets ended that nobody closed.
func (c *crowd) check() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := c.lost.Load(); n > 0 {
		return fmt.Errorf("%d of %d sockets ended unexpectedly, the first with: %w", n, len(c.sockets), c.why)
	}
	return nil
}

// received is how many frames and bytes came to these sockets so far.
func received(sockets []*socket) (frames, bytes int64) {
	for _, s := range sockets {
		frames += s.frames.Load()
		bytes += s.bytes.Load()
	}
	return frames, bytes
}

// close leaves as browsers do, and waits for the reading to end.
func (c *crowd) close() {
	c.mu.Lock()
	leaving := c.sockets
	c.sockets = nil
	c.mu.Unlock()
	bye := websocket.FormatCloseMessage(websocket.CloseNormalClosure, "")
	for _, s := range leaving {
		s.closing.Store(true)
		_ = s.conn.WriteControl(websocket.CloseMessage, bye, time.Now().Add(writeWait))
		s.conn.Close()
	}
	c.reading.Wait()
}
