package handlers

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"rollcall/live"
)

// reader is who reads a stream.
type reader struct {
	person  string    // ID
	grant   string    // ID of the sign-in
	expires time.Time // of the sign-in; zero: never
	proxied bool      // a proxy named the person; see recheckEvery
}

func (r *reader) expired(now time.Time) bool { return !r.expires.IsZero() && !now.Before(r.expires) }

// ending is why a stream ends.
type ending int32

const (
	notEnding  ending = iota
	endRestart        // connect again, maybe to another replica
	endOver           // the sign-in has ended
	endBehind         // the reader has missed changes: begin again
)

const (
	closeOver  = 4401             // close code, in the range for applications: the sign-in has ended
	settleWait = 20 * time.Second // to read everyone whom a stream shows
)

// stream is one open stream. One goroutine reads, to notice when the client leaves. Another one writes, but only while
// there's something to write, so that an idle stream takes little memory.
type stream struct {
	reader
	streams *streams
	format  streamed
	address netip.Prefix
	asked   asked
	turn    int // in which second signs of life are due
	feed    *live.Stream
	wire    wire
	ws      *websocket.Conn // nil unless it's a websocket

	conn    atomic.Pointer[wire] // to the wire, once it's connected
	begun   atomic.Bool          // it may be written to
	alive   atomic.Bool          // a sign of life is due
	ending  atomic.Int32         // an ending
	pumping atomic.Int32         // pumpIdle, pumpRunning or pumpAgain
	writing sync.Mutex           // held by the goroutine that writes
	sent    atomic.Uint64
}

const (
	pumpIdle = iota
	pumpRunning
	pumpAgain
)

// read starts the stream, and returns when it has ended.
func (x *stream) read(ended func()) {
	x.begun.Store(true)
	x.feed.Start(x.wake)
	x.discard()
	x.feed.Stop()
	x.wire.cut()
	x.writing.Lock() // wait for the writer
	defer x.writing.Unlock()
	x.streams.leave(x)
	ended()
}

// settle reads from the accounts what the stream lacks, because its person may see other people than before.
func (x *stream) settle() error {
	ctx, cancel := context.WithTimeout(context.Background(), settleWait)
	defer cancel()
	return x.feed.Settle(ctx)
}

// limitReads limits what a websocket's client can send: it has nothing to say.
func (x *stream) limitReads() {
	x.ws.SetReadLimit(maxMessage)
	listen := func(string) error { return x.ws.SetReadDeadline(time.Now().Add(pongWait)) }
	_ = listen("")
	x.ws.SetPongHandler(listen)
}

// discard reads until the client leaves or sends more than a reader has to say.
func (x *stream) discard() {
	if x.ws != nil {
		for {
			if _, _, err := x.ws.NextReader(); err != nil {
				return
			}
		}
	}
	var b [1]byte
	_, _ = x.wire.Conn.Read(b[:])
}

// wake has the stream write what there is. It's called from any goroutine, and doesn't block.
func (x *stream) wake() {
	for x.begun.Load() {
		if x.pumping.CompareAndSwap(pumpIdle, pumpRunning) {
			go x.pump()
			return
		}
		if x.pumping.CompareAndSwap(pumpRunning, pumpAgain) || x.pumping.Load() == pumpAgain {
			return
		}
	}
}

// pump writes until there's nothing left.
func (x *stream) pump() {
	for {
		x.writing.Lock()
		err := x.writeNews()
		x.writing.Unlock()
		if err != nil {
			_ = x.wire.Close() // the reading goroutine then ends the stream
			return
		}
		if x.pumping.CompareAndSwap(pumpRunning, pumpIdle) {
			return
		}
		x.pumping.Store(pumpRunning)
	}
}

// end has the stream end. If the client doesn't read the last event, or doesn't answer a close frame, the connection is
// cut.
func (x *stream) end(why ending) {
	if x.ending.CompareAndSwap(int32(notEnding), int32(why)) {
		x.wake()
		time.AfterFunc(endWait, func() { x.cut() })
	}
}

// cut closes the connection, if there's one already.
func (x *stream) cut() {
	if w := x.conn.Load(); w != nil {
		w.cut()
	}
}

// errStreamEnded says that the last event was written.
var errStreamEnded = errors.New("the stream has ended")

// writeNews writes the events that there are, and a sign of life if one is due.
func (x *stream) writeNews() error {
	for {
		events, then := x.feed.Take()
		if err := x.writeEvents(events, then == live.TookAll && x.alive.Swap(false)); err != nil {
			return err
		}
		switch then {
		case live.TookAll:
			return nil
		case live.Behind:
			x.streams.metrics.slow.Inc()
			x.ending.CompareAndSwap(int32(notEnding), int32(endBehind))
		case live.Unsettled:
			if x.settle() != nil {
				x.ending.CompareAndSwap(int32(notEnding), int32(endRestart))
			}
		}
	}
}

// writeEvents writes events and a sign of life, or else that the stream ends.
func (x *stream) writeEvents(events []live.Event, alive bool) error {
	w := x.writer()
	defer w.release()
	if why := ending(x.ending.Load()); why != notEnding {
		w.farewell(why)
		return errStreamEnded
	}
	for _, e := range events {
		if err := w.event(e); err != nil {
			return err
		}
	}
	if alive {
		w.aliveEvent()
	}
	return w.flush()
}
