package handlers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"rollcall/live"
)

// streamed is a way to send events.
type streamed uint8

const (
	asLines    streamed = iota // NDJSON: an event is a line of JSON
	asEvents                   // server-sent events, with the same JSON as data
	asMessages                 // websocket messages of the same JSON
)

func (f streamed) mediaType() string {
	if f == asEvents {
		return "text/event-stream"
	}
	return "application/x-ndjson"
}

// streamPart is how many bytes are written at once. Each part has writeWait to be taken, however long a snapshot is.
const streamPart = 16 << 10

// streamBuffers holds buffers for streams that write. Idle ones have none.
var streamBuffers = sync.Pool{New: func() any { b := make([]byte, 0, 1<<10); return &b }}

var streamUpgrader = websocket.Upgrader{
	ReadBufferSize: 256, WriteBufferSize: 4 << 10, WriteBufferPool: &sync.Pool{},
	Subprotocols: []string{streamProtocol},
	CheckOrigin:  func(*http.Request) bool { return true },                // checkStreamSocket has checked it
	Error:        func(http.ResponseWriter, *http.Request, int, error) {}, // errors.go answers
}

// streamWriter writes events to a stream. It isn't safe for concurrent use.
type streamWriter struct {
	stream *stream
	buf    *[]byte
}

func (x *stream) writer() streamWriter { return streamWriter{x, streamBuffers.Get().(*[]byte)} }

func (w *streamWriter) release() {
	if *w.buf = (*w.buf)[:0]; cap(*w.buf) <= 4*streamPart {
		streamBuffers.Put(w.buf)
	}
}

// event writes an event, or puts it into the buffer.
func (w *streamWriter) event(e live.Event) error {
	if e.Kind == live.EventSnapshot {
		return w.snapshot(e)
	}
	*w.buf = appendEvent(*w.buf, w.stream.format, e)
	return w.fill()
}

// fill writes the buffer if it's full. A websocket's messages are written one by one.
func (w *streamWriter) fill() error {
	if w.stream.format == asMessages || len(*w.buf) >= streamPart {
		return w.flush()
	}
	return nil
}

// flush writes the buffer.
func (w *streamWriter) flush() error {
	if len(*w.buf) == 0 {
		return nil
	}
	err := w.stream.write(*w.buf)
	*w.buf = (*w.buf)[:0]
	return err
}

// write writes lines, or one message.
func (x *stream) write(p []byte) error {
	x.sent.Add(uint64(len(p)))
	until := time.Now().Add(writeWait)
	if x.ws != nil {
		_ = x.ws.SetWriteDeadline(until)
		return x.ws.WriteMessage(websocket.TextMessage, p)
	}
	if err := x.wire.Conn.SetWriteDeadline(until); err != nil {
		return err
	}
	_, err := x.wire.Conn.Write(p)
	return err
}

// snapshot writes a snapshot in parts.
func (w *streamWriter) snapshot(e live.Event) error {
	x := w.stream
	part := x.write
	if x.ws != nil {
		message, err := x.ws.NextWriter(websocket.TextMessage)
		if err != nil {
			return err
		}
		defer message.Close()
		part = func(p []byte) error {
			x.sent.Add(uint64(len(p)))
			_ = x.ws.SetWriteDeadline(time.Now().Add(writeWait))
			_, err := message.Write(p)
			return err
		}
	}
	b := append(appendStart(*w.buf, x.format, string(e.Kind), e.Cursor), `,"as_of":"`...)
	b = append(e.At.AppendFormat(b, time.RFC3339), `","users":[`...)
	for i, row := range e.Rows {
		if i > 0 {
			b = append(b, ',')
		}
		if b = append(b, rowJSON(row)...); len(b) >= streamPart {
			if err := part(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	b = appendEnd(append(b, ']'), x.format)
	*w.buf = b[:0]
	return part(b)
}

// aliveEvent puts a sign of life into the buffer. It's an event, because pages can't see comments.
func (w *streamWriter) aliveEvent() {
	x := w.stream
	*w.buf = appendEnd(appendStart(*w.buf, x.format, "alive", ""), x.format)
	if x.ws != nil {
		_ = x.ws.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeWait))
	}
}

// farewell writes the last event, which says when to connect again. After a sign-in has ended there's none.
func (w *streamWriter) farewell(why ending) {
	x := w.stream
	if why != endOver {
		wait := strconv.FormatInt(retry().Milliseconds(), 10)
		if x.format == asEvents {
			*w.buf = fmt.Appendf(*w.buf, "retry: %s\n", wait)
		}
		*w.buf = append(append(appendStart(*w.buf, x.format, "restart", ""), `,"retry":`...), wait...)
		*w.buf = appendEnd(*w.buf, x.format)
		_ = w.flush()
	}
	if x.ws != nil {
		code := map[ending]int{endRestart: closeRestart, endOver: closeOver, endBehind: closeLater}[why]
		_ = x.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(endWait))
	}
}

// appendEvent appends an event other than a snapshot.
func appendEvent(b []byte, f streamed, e live.Event) []byte {
	b = appendStart(b, f, string(e.Kind), e.Cursor)
	switch e.Kind {
	case live.EventChange:
		b = append(append(b, `,"user":`...), rowJSON(e.Row)...)
	case live.EventGone:
		who, err := json.Marshal(struct {
			ID   string `json:"id"`
			User string `json:"user"`
		}{e.ID, e.Username})
		if err != nil {
			panic(err) // two strings
		}
		b = append(append(b, `,"user":`...), who...)
	case live.EventStale:
		b = append(e.At.UTC().AppendFormat(append(b, `,"since":"`...), time.RFC3339), '"')
	}
	return appendEnd(b, f)
}

// appendStart appends the beginning of an event, up to its cursor.
func appendStart(b []byte, f streamed, kind, cursor string) []byte {
	if f == asEvents {
		b = append(append(append(b, "event: "...), kind...), '\n')
		if cursor != "" {
			b = append(append(append(b, "id: "...), cursor...), '\n')
		}
		b = append(b, "data: "...)
	}
	b = append(append(append(b, `{"event":"`...), kind...), '"')
	if cursor != "" {
		b = append(append(append(b, `,"cursor":"`...), cursor...), '"')
	}
	return b
}

func appendEnd(b []byte, f streamed) []byte {
	switch f {
	case asLines:
		return append(b, "}\n"...)
	case asEvents:
		return append(b, "}\n\n"...)
	}
	return append(b, '}')
}
