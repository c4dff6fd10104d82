//go:build unix

package handlers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// tcpPair returns both ends of a connection whose kernel buffers are small.
func tcpPair(t *testing.T) (w *wire, client *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	far, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = near.Close(), far.Close() })
	_ = near.(*net.TCPConn).SetWriteBuffer(4 << 10)
	_ = far.(*net.TCPConn).SetReadBuffer(4 << 10)
	return &wire{Conn: near}, far.(*net.TCPConn)
}

// TestTextFrame: clients read what textFrame was given, at every length of its header, and textOf finds it.
func TestTextFrame(t *testing.T) {
	if f := textFrame(nil); f != nil {
		t.Errorf("textFrame of nothing = %x, want nil", f)
	}
	for _, n := range []int{1, 125, 126, 1<<16 - 1, 1 << 16} {
		text := strings.Repeat("é", n)[:n]
		got := textFrame([]byte(text))
		if want := frame(finalFrame|websocket.TextMessage, []byte(text), false, -1); !bytes.Equal(got, want) {
			t.Errorf("textFrame of %d bytes begins with %x, want %x", n, got[:4], want[:4])
		}
		if string(textOf(got)) != text {
			t.Errorf("textOf returns something else than the %d bytes in the frame", n)
		}
	}
	if text := textOf([]byte{0x81}); text != nil {
		t.Errorf("textOf half a header = %q, want nil", text)
	}
}

// TestSendKeepsOrder: a client that doesn't read gets every frame in order once it reads, whether a frame was sent at
// once, in two parts, or by the library behind them.
func TestSendKeepsOrder(t *testing.T) {
	w, client := tcpPair(t)
	var want bytes.Buffer
	next := func() []byte {
		f := textFrame([]byte(strings.Repeat(fmt.Sprintf("%d,", want.Len()), 5000)))
		want.Write(f)
		return f
	}
	sent := 0
	f := next()
	for ; w.send(f); f = next() {
		if sent++; sent > 1000 {
			t.Fatal("the kernel takes everything, so the test has no effect")
		}
	}
	if sent == 0 {
		t.Error("the kernel took none of the frames")
	}
	var library sync.WaitGroup
	library.Go(func() {
		if _, err := w.Write(f); err != nil { // what send refused
			t.Errorf("Write after send = %v", err)
		}
	})
	got := make([]byte, want.Len())
	if _, err := io.ReadFull(client, got); err != nil {
		t.Fatal(err)
	}
	library.Wait()
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("the frames arrived in another order")
	}
	if !w.send(next()) {
		t.Error("send = false after everything was read, want true")
	}
}

// TestSendWaitsItsTurn: nothing overtakes the frames in the library's queue, and nothing follows a close frame or a
// failed write.
func TestSendWaitsItsTurn(t *testing.T) {
	some := textFrame([]byte("a"))
	for name, do := range map[string]func(*wire){
		"with a queue":         func(w *wire) { w.queued.Add(1) },
		"after a close frame":  func(w *wire) { _, _ = w.Write([]byte{0x88, 2, 3, 0xe8}) },
		"after a broken write": func(w *wire) { w.broken.Store(true) },
		"during a write":       func(w *wire) { w.writing.Lock() },
	} {
		w, _ := tcpPair(t)
		if !w.send(some) {
			t.Fatalf("%s: send = false before, want true", name)
		}
		if do(w); w.send(some) {
			t.Errorf("%s: send = true, want false", name)
		}
	}
	w, _ := tcpPair(t)
	_, _ = w.Write([]byte{0x89, 0}) // a ping
	if !w.send(some) {
		t.Error("send after a ping = false, want true")
	}
}

// TestDeadlineOfTheLibrary: what the library sets is the deadline of all writes until it sets another one, because it
// writes large messages in two parts. Between them, frames that skip it have none.
func TestDeadlineOfTheLibrary(t *testing.T) {
	w, _ := tcpPair(t)
	_ = w.SetWriteDeadline(time.Now().Add(-1))
	for range 2 {
		if _, err := w.Write([]byte("a")); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("Write after the deadline = %v, want %v", err, os.ErrDeadlineExceeded)
		}
		if n := writeNow(w.Conn, []byte("a")); n != 1 {
			t.Errorf("writeNow after the deadline of the library = %d, want 1", n)
		}
	}
}
