package handlers

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

// out is the writing half of a wire. Frames for many sockets skip the queue of the websocket library and the goroutine
// that empties it: the goroutine that has a frame writes it, if the kernel takes it without waiting.
type out struct {
	broken atomic.Bool  // a write failed
	queued atomic.Int32 // frames in the library's queue; later frames must wait behind them

	deadline  time.Time   // of what the library writes; it writes from one goroutine at a time
	writing   sync.Mutex  // held during a write
	closeSent atomic.Bool // a close frame was written, which must be the last frame
}

// Write writes for the websocket library, and records whether the connection is broken or its last frame was written.
func (w *wire) Write(p []byte) (int, error) {
	w.writing.Lock()
	defer w.writing.Unlock()
	_ = w.Conn.SetWriteDeadline(w.deadline)
	n, err := w.Conn.Write(p)
	if err != nil {
		w.broken.Store(true)
	}
	if isClose(p) {
		w.closeSent.Store(true)
	}
	_ = w.Conn.SetWriteDeadline(time.Time{}) // send doesn't wait, but fails after a deadline that has passed
	return n, err
}

// SetWriteDeadline sets the deadline of what the library writes. It writes large messages in two parts.
func (w *wire) SetWriteDeadline(until time.Time) error {
	w.deadline = until
	return nil
}

// isClose reports whether p, which the library writes at once, is a close frame.
func isClose(p []byte) bool {
	return len(p) >= 2 && p[0] == finalFrame|websocket.CloseMessage && len(p) == 2+int(p[1])
}

// send sends a frame made by textFrame without waiting for the client. It reports whether the frame is on its way. If
// not, nothing was sent. Calls must not overlap.
func (w *wire) send(frame []byte) bool {
	if w.queued.Load() > 0 || !w.writing.TryLock() {
		return false
	}
	n := 0
	if !w.closeSent.Load() && !w.broken.Load() {
		n = writeNow(w.Conn, frame)
	}
	if n == 0 || n == len(frame) {
		w.writing.Unlock()
		return n > 0
	}
	_ = w.Conn.SetWriteDeadline(time.Now().Add(writeWait))
	go w.finish(frame[n:])
	return true
}

// finish sends the rest of a frame that the kernel took only in part. It holds writing, so everything else waits.
func (w *wire) finish(rest []byte) {
	defer w.writing.Unlock()
	if _, err := w.Conn.Write(rest); err != nil {
		w.broken.Store(true)
		w.cut() // nothing that follows half a frame makes sense to the client
		return
	}
	_ = w.Conn.SetWriteDeadline(time.Time{})
}

const finalFrame = 0x80 // the bit of a frame's first byte that says that it ends its message

// textFrame returns text as a server sends it (RFC 6455, section 5.2), so that all sockets share the bytes. No frame is
// sent for an empty text, so it returns nil.
func textFrame(text []byte) []byte {
	n := len(text)
	if n == 0 {
		return nil
	}
	frame := append(make([]byte, 0, 10+n), finalFrame|websocket.TextMessage)
	switch {
	case n < 126:
		frame = append(frame, byte(n))
	case n < 1<<16:
		frame = binary.BigEndian.AppendUint16(append(frame, 126), uint16(n))
	default:
		frame = binary.BigEndian.AppendUint64(append(frame, 127), uint64(n))
	}
	return append(frame, text...)
}

// textOf returns the text of a frame made by textFrame.
func textOf(frame []byte) []byte {
	for header := 2; header <= len(frame); header++ {
		if _, whole := afterHeader(frame[:header]); whole {
			return frame[header:]
		}
	}
	return nil
}
