package handlers

import (
	"bytes"
	"context"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"
)

// TestEverySocketIsPinged: in all turns together, every socket gets a ping, even one whose frames wait in a queue.
func TestEverySocketIsPinged(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t, func(c *Config) { c.Limits.SocketsUser = 0 })
	ada := l.member("ada")
	open := make([]*rawSocket, 12)
	for i := range open {
		open[i], _ = l.rawDial(ada)
	}
	var all []*socket
	for deadline := time.Now().Add(patience); len(all) < len(open); time.Sleep(time.Millisecond) {
		if all = l.server.sockets.of(l.uid("ada")); time.Now().After(deadline) { // a client gets its answer before that
			t.Fatalf("%d sockets are open, want %d", len(all), len(open))
		}
	}
	for i, x := range all {
		if x.turn < 0 || x.turn >= turns {
			t.Errorf("a socket has turn %d of %d", x.turn, turns)
		}
		x.wire.queued.Add(int32(i % 2))
	}
	for turn := range turns {
		l.server.sockets.ping(turn)
	}
	for i, s := range open {
		_ = s.SetDeadline(time.Now().Add(patience))
		if !s.pinged() {
			t.Errorf("socket %d got no ping", i)
		}
	}
}

// TestEachTurn: every turn comes once per pingEvery, even if one of them takes several seconds.
func TestEachTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var came [turns]int
		stopped := make(chan struct{})
		go func() {
			defer close(stopped)
			eachTurn(ctx, func(turn int) {
				if came[turn]++; turn == 3 {
					time.Sleep(7 * time.Second)
				}
			})
		}()
		const rounds = 4
		time.Sleep(rounds*pingEvery + time.Second/2)
		cancel()
		<-stopped
		for turn, n := range came {
			if n != rounds {
				t.Errorf("turn %d came %d times in %v, want %d", turn, n, rounds*pingEvery, rounds)
			}
		}
	})
}

// pinged reads until a ping without data.
func (s *rawSocket) pinged() bool {
	for {
		var header [10]byte
		n, whole := 0, false
		var rest uint64
		for ; !whole; n++ {
			if _, err := io.ReadFull(s.in, header[n:n+1]); err != nil {
				return false
			}
			rest, whole = afterHeader(header[:n+1])
		}
		if bytes.Equal(header[:n], []byte{finalFrame | websocket.PingMessage, 0}) {
			return true
		}
		if _, err := io.CopyN(io.Discard, s.in, int64(rest)); err != nil {
			return false
		}
	}
}
