package handlers

import (
	"context"
	"errors"
	"time"

	"github.com/gorilla/websocket"
	"github.com/olahol/melody"

	"rollcall/presence"
)

// thinLocked lets go of what only tabs that can be seen need.
func (p *page) thinLocked() {
	if len(p.watchers) == 0 {
		p.snapshot = [sights][]byte{}
	}
}

// leave forgets a socket that has ended, however it did.
func (b *board) leave(s *socket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.melody == nil || b.open[s.melody] != s {
		return
	}
	delete(b.open, s.melody)
	b.byUser.remove(s.user, s)
	b.bySession.remove(s.session, s)
	if b.byAddress[s.address]--; b.byAddress[s.address] == 0 {
		delete(b.byAddress, s.address)
	}
	delete(s.page.watchers, s)
	delete(s.page.hidden, s)
	s.page.used = time.Now()
	s.page.thinLocked()
	b.trimLocked(nil)
	if s.wait != nil {
		s.wait.Stop()
	}
	if s.conn != nil {
		s.conn.LeaveAt(presence.How(s.how.Load()), s.wire.ended(time.Now()))
		b.lately[s.session] = lately{s.user, time.Now()}
	}
	b.emptyLocked()
}

// failed is told of every error of a socket, by whoever caused it. A full queue is found by the loop that writes while
// it holds board.mu, so for that no lock is taken here and nothing is waited for.
func (b *board) failed(m *melody.Session, err error) {
	if errors.Is(err, melody.ErrMessageBufferFull) {
		b.server.metrics.dropped.Inc()
		go b.tooSlow(m)
		return
	}
	if errors.Is(err, errFlood) {
		if s := b.socketOf(m); s != nil {
			s.cutOff("too many messages")
		}
		return
	}
	var closed *websocket.CloseError
	if !errors.As(err, &closed) {
		return
	}
	switch closed.Code {
	case websocket.CloseNormalClosure, websocket.CloseGoingAway, websocket.CloseNoStatusReceived:
		b.mu.Lock()
		defer b.mu.Unlock()
		if s := b.open[m]; s != nil {
			s.how.CompareAndSwap(int32(presence.Dropped), int32(presence.Clean))
		}
	}
}

// tooSlow ends a socket whose reader did not keep up. A lost frame is a wrong board: the page comes back and is told
// everything anew.
func (b *board) tooSlow(m *melody.Session) {
	s := b.socketOf(m)
	if s == nil || s.lost.Swap(true) {
		return
	}
	b.server.metrics.slow.Inc()
	s.cutOff("slow")
}

// cutOff ends s without waiting for its queue. The page is told why if it reads that at once.
func (s *socket) cutOff(reason string) {
	s.closing.Store(true)
	conn := s.melody.WebsocketConnection()
	_ = conn.WriteControl(websocket.CloseMessage, melody.FormatCloseMessage(melody.CloseTryAgainLater, reason), time.Now().Add(50*time.Millisecond))
	cut(conn)
}

// Why a session ended, as the close frame and the sign-in page name it.
const (
	endedSession  = "login" // signed out, or run out
	endedDisabled = "disabled"
	endedDeleted  = "deleted"
)

// endLocked closes s because its session has ended: its person has left this tab on purpose, without any grace.
func (s *socket) endLocked(why string) {
	s.how.Store(int32(presence.SignedOut))
	if s.conn != nil {
		s.conn.Leave(presence.SignedOut)
	}
	s.kick(melody.ClosePolicyViolation, why)
}

// endSessionLocked closes the sockets of a session, and those that are being opened.
func (b *board) endSessionLocked(id string) {
	b.ended[id] = time.Now()
	for _, s := range b.bySession[id] {
		why := endedSession
		if !b.presence.View(s.user).Listed {
			why = endedDisabled
		}
		s.endLocked(why)
		b.presence.End(s.user, id)
	}
	if was, ok := b.lately[id]; ok { // of a page that was left or reloaded just now
		b.presence.End(was.user, id)
	}
}

// sweep ends the sockets of sessions that have run out, and forgets sessions that ended a while ago.
func (b *board) sweep(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.open {
		if !now.Before(s.expires) {
			s.endLocked(endedSession)
		}
	}
	for id, at := range b.ended {
		if now.Sub(at) > sweepEvery {
			delete(b.ended, id)
		}
	}
	for id, was := range b.lately {
		if now.Sub(was.at) > sweepEvery {
			delete(b.lately, id)
		}
	}
}

// drain closes every socket so that its page comes back elsewhere, and waits for them, 2 s at most. What is shown of
// their people stays as it is.
func (b *board) drain(ctx context.Context) {
	b.mu.Lock()
	b.draining = true
	b.mu.Unlock()
	leave, cancel := context.WithTimeout(ctx, leaveWait)
	if err := b.presence.Drain(leave); err != nil {
		b.log.Warn("the other replicas could not be told that this one leaves", "err", err)
	}
	cancel()
	b.mu.Lock()
	for _, s := range b.open {
		s.kick(melody.CloseServiceRestart, "")
	}
	b.emptyLocked()
	b.mu.Unlock()
	ctx, cancel = context.WithTimeout(ctx, drainWait)
	defer cancel()
	select {
	case <-b.empty:
	case <-ctx.Done():
	}
}

// emptyLocked tells drain when the last socket has gone.
func (b *board) emptyLocked() {
	if b.draining && len(b.open) == 0 {
		b.emptied.Do(func() { close(b.empty) })
	}
}

func (b *board) isDraining() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.draining
}

// cut ends a connection without a word. Ending it twice does no harm.
func cut(conn *websocket.Conn) { _ = conn.NetConn().Close() }
