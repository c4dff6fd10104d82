package handlers

import (
	"context"
	"time"

	"github.com/gorilla/websocket"
)

// turns is the number of turns that a round of pings has, one a second. Each socket is pinged in one of them.
const turns = int(pingEvery / time.Second)

// pingFrame is a ping without data (RFC 6455, section 5.5.2).
var pingFrame = []byte{finalFrame | websocket.PingMessage, 0}

// keepPinging pings every socket once per pingEvery, until ctx ends. melody can do that, too, but in a goroutine of
// each socket, whose stack then stays twice as large.
func (s *sockets) keepPinging(ctx context.Context) { eachTurn(ctx, s.ping) }

// eachTurn calls do once a second with the next turn, until ctx ends. It makes up for seconds that a busy machine lost.
func eachTurn(ctx context.Context, do func(turn int)) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	began := time.Now()
	for done := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		due := int(time.Since(began) / time.Second)
		for done = max(done, due-turns); done < due; done++ {
			do(done % turns)
		}
	}
}

// ping pings the sockets whose turn it is.
func (s *sockets) ping(turn int) {
	s.mu.Lock()
	var due []*socket
	for _, x := range s.open {
		if x.turn == turn {
			due = append(due, x)
		}
	}
	s.mu.Unlock()
	for _, x := range due {
		x.ping()
	}
}

// ping sends a ping to the client. If nothing arrives from it within pongWait, reading from the client fails.
func (x *socket) ping() {
	x.writing.Lock()
	sent := x.closing.Load() || x.wire.send(pingFrame)
	x.writing.Unlock()
	if !sent { // the client is slow
		go x.ws.ping()
	}
}
