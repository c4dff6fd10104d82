package handlers

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
	"github.com/olahol/melody"

	"rollcall/presence"
)

// TestEveryFrameCounts: frames of every kind count toward the budget, and a client that exceeds it is disconnected.
func TestEveryFrameCounts(t *testing.T) {
	t.Parallel()
	const fin, text, ping, pong = 0x80, 1, 9, 10
	l := newLiveBoard(t, func(c *Config) { c.Limits.SocketsUser = 0 })
	ada := l.member("ada")
	for name, c := range map[string]struct{ first, again []byte }{
		"messages":            {nil, frame(fin|text, []byte("a"), true, -1)},
		"pings":               {nil, frame(fin|ping, nil, true, -1)},
		"pongs":               {nil, frame(fin|pong, nil, true, -1)},
		"empty continuations": {frame(text, []byte("a"), true, -1), frame(0, nil, true, -1)},
	} {
		s, _ := l.rawDial(ada)
		_ = s.SetDeadline(time.Now().Add(patience / 2))
		if _, err := s.Write(append(c.first, bytes.Repeat(c.again, messageBurst+1)...)); err != nil {
			t.Fatal(err)
		}
		if code, reason := s.closeFrame(t); code != melody.CloseTryAgainLater || reason != "too many messages" {
			t.Errorf("after %d %s the socket is closed with %d %q, want %d",
				messageBurst+1, name, code, reason, melody.CloseTryAgainLater)
		}
	}
}

// closeFrame reads until the server's close frame and returns its code and reason. The code is 0 if there is none.
func (s *rawSocket) closeFrame(t *testing.T) (code int, reason string) {
	t.Helper()
	for {
		var header [2]byte
		if _, err := io.ReadFull(s.in, header[:]); err != nil {
			t.Logf("no close frame: %v", err)
			return 0, ""
		}
		length := uint64(header[1])
		if length == 126 {
			var more [2]byte
			_, _ = io.ReadFull(s.in, more[:])
			length = uint64(binary.BigEndian.Uint16(more[:]))
		}
		payload := make([]byte, length)
		if _, err := io.ReadFull(s.in, payload); err != nil {
			t.Fatal(err)
		}
		if header[0] == 0x88 && length >= 2 {
			return int(binary.BigEndian.Uint16(payload)), string(payload[2:])
		}
	}
}

// TestFramesInPieces: the count of frames doesn't depend on how the bytes are split into reads.
func TestFramesInPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for _, size := range []int{0, 1, 125, 126, 127, 300, 1 << 16, 1<<16 + 1} {
		for _, masked := range []bool{true, false} {
			stream := bytes.Repeat(frame(0x81, []byte(strings.Repeat("x", size)), masked, -1), messageBurst)
			w, now := &wire{}, time.Now()
			for rest := stream; len(rest) > 0; {
				n := min(1+r.IntN(400), len(rest))
				if !w.count(rest[:n], now) {
					t.Fatalf("%d frames of %d bytes exceed the budget of %d", messageBurst, size, messageBurst)
				}
				rest = rest[n:]
			}
			if w.count([]byte{0x81}, now) {
				t.Errorf("%d frames of %d bytes, masked %v, are within the budget of %d",
					messageBurst+1, size, masked, messageBurst)
			}
		}
	}
}

// TestSilentForTooLong: data that arrives after pongWait of silence is ignored, because it may have been sent long ago.
// This happens only to a process that was suspended.
func TestSilentForTooLong(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	w := &wire{Conn: near, heard: time.Now().Add(-pongWait - time.Second)}
	heard := w.heard
	go func() { _, _ = far.Write([]byte("anything")) }()
	if n, err := w.Read(make([]byte, 8)); n != 0 || err == nil {
		t.Errorf("Read after a silence = %d, %v, want an error", n, err)
	}
	if w.heard != heard {
		t.Error("data after a silence updates heard")
	}
}

// TestCloseWaitsForTheClient: after a close frame, the connection stays open for closeWait, so that what the client
// sends at that moment doesn't reset it. Without one, it's closed at once.
func TestCloseWaitsForTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer far.Close()
		w := &wire{Conn: near, heard: time.Now()}
		go func() { _, _ = io.Copy(io.Discard, far) }()
		if _, err := w.Write([]byte{0x88, 2, 3, 0xe8}); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		go func() { _, _ = far.Write([]byte{0x81, 0}) }()
		time.Sleep(closeWait - 1)
		if n, err := w.Read(make([]byte, 8)); n != 2 || err != nil {
			t.Errorf("Read after a close frame = %d, %v, want the 2 bytes that the client has sent", n, err)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if _, err := w.Read(make([]byte, 8)); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("Read after closeWait = %v, want %v", err, io.ErrClosedPipe)
		}
	})
	near, far := net.Pipe()
	defer far.Close()
	w := &wire{Conn: near}
	_ = w.Close()
	if _, err := near.Write([]byte("a")); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("Write after Close = %v, want %v", err, io.ErrClosedPipe)
	}
}

// TestAnswerIsNoLeave: while the server closes a socket, only a page that goes away makes its end a leave. Other codes may
// be answers.
func TestAnswerIsNoLeave(t *testing.T) {
	for code, want := range map[int]presence.LeaveReason{
		websocket.CloseNormalClosure: presence.Dropped, websocket.CloseNoStatusReceived: presence.Dropped,
		websocket.CloseGoingAway: presence.Clean,
	} {
		x := &socket{}
		x.closing.Store(true)
		if x.closedByClient(code); presence.LeaveReason(x.leaveReason.Load()) != want {
			t.Errorf("closing with %d answered = %v, want %v", code, x.leaveReason.Load(), want)
		}
		x = &socket{}
		if x.closedByClient(code); presence.LeaveReason(x.leaveReason.Load()) != presence.Clean {
			t.Errorf("closed by the client with %d = %v, want %v", code, x.leaveReason.Load(), presence.Clean)
		}
	}
}
