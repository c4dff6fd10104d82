package handlers

import (
	"bufio"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"os"
	"time"
)

// wire is the network connection below a socket. It sees what the websocket library doesn't expose: every frame,
// including control frames and fragments, and when the client last sent something. Only the reading goroutine uses the
// fields below out.
type wire struct {
	net.Conn
	out

	heard  time.Time
	budget budget   // of frames
	header [10]byte // of the current frame, as far as it was read
	got    int      // bytes of header
	rest   uint64   // bytes left of the current frame after its header
}

var errFlood = errors.New("too many messages")

// lastRead is how long a broken connection is still read, for data that had already arrived.
const lastRead = 100 * time.Millisecond

// Close waits in two cases, in which whoever reads from the connection has to go on until that fails.
//
// After a close frame, the client gets closeWait to answer it (RFC 6455, section 7.1.1). A connection that is closed at
// once is reset if the client sends something at that moment, and a browser then reports a lost connection instead of
// our reason.
//
// If a write found the connection broken, Close waits for lastRead. A browser that closes a page while frames are on
// their way sends a close frame and then a reset. The writer may see the reset first, and the close frame would be
// lost.
func (w *wire) Close() error {
	wait := closeWait
	switch {
	case w.broken.Load():
		wait = lastRead
	case !w.closeSent.Load():
		return w.Conn.Close()
	}
	time.AfterFunc(wait, w.cut)
	return nil
}

// cut closes the connection at once.
func (w *wire) cut() { _ = w.Conn.Close() }

// Read fails if the client sends more frames than its budget allows. It also fails if the client was silent for longer
// than pongWait. That happens only if this process was suspended, and then the client may have left long ago.
func (w *wire) Read(p []byte) (int, error) {
	n, err := w.Conn.Read(p)
	if n > 0 {
		if refused := w.hear(p[:n]); refused != nil {
			return 0, refused
		}
	}
	return n, err
}

// hear notes what the client has sent just now, or returns why it can't be accepted.
func (w *wire) hear(p []byte) error {
	now := time.Now()
	if now.Sub(w.heard) > pongWait {
		return os.ErrDeadlineExceeded
	}
	w.heard = now
	if !w.count(p, now) {
		return errFlood
	}
	return nil
}

// count spends the budget for each frame that begins in p.
func (w *wire) count(p []byte, now time.Time) bool {
	for len(p) > 0 {
		if w.rest > 0 {
			n := min(w.rest, uint64(len(p)))
			p, w.rest = p[n:], w.rest-n
			continue
		}
		if w.got == 0 && !w.budget.spend(now) {
			return false
		}
		w.header[w.got], p = p[0], p[1:]
		w.got++
		if rest, whole := afterHeader(w.header[:w.got]); whole {
			w.rest, w.got = rest, 0
		}
	}
	return true
}

// afterHeader returns how many bytes of a frame follow its header: the mask and the payload (RFC 6455, section 5.2).
// whole is false while the header is incomplete.
func afterHeader(header []byte) (rest uint64, whole bool) {
	if len(header) < 2 {
		return 0, false
	}
	rest = uint64(header[1] & 0x7f)
	switch {
	case rest == 126 && len(header) < 4, rest == 127 && len(header) < 10:
		return 0, false
	case rest == 126:
		rest = uint64(binary.BigEndian.Uint16(header[2:]))
	case rest == 127:
		rest = binary.BigEndian.Uint64(header[2:]) &^ (1 << 63) // the top bit must be 0
	}
	if header[1]&0x80 != 0 {
		rest += 4
	}
	return rest, true
}

// hijacker inserts a wire between the connection of a request and the websocket library.
type hijacker struct {
	http.ResponseWriter
	wire *wire
}

// Hijack implements http.Hijacker.
func (h hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffers, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	h.wire.Conn, h.wire.heard = conn, time.Now()
	return h.wire, buffers, nil
}

// ended returns when the connection ended. That's now, or earlier if the client had been silent for pongWait by then,
// because a process that was suspended notices late.
func (w *wire) ended(now time.Time) time.Time {
	if latest := w.heard.Add(pongWait); latest.Before(now) {
		return latest
	}
	return now
}

// tune limits how much the kernel buffers for the client.
func (w *wire) tune() {
	if tcp, ok := w.Conn.(interface{ SetWriteBuffer(int) error }); ok {
		_ = tcp.SetWriteBuffer(kernelBuffer)
	}
}
