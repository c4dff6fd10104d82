package handlers

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"rollcall/live"
)

const (
	aliveEvery = 20 * time.Second       // between signs of life, which programs can wait for
	endWait    = 500 * time.Millisecond // for a stream to send its last event, before the connection is cut

	// After a stream ends, its program waits for a random time between these before it connects again.
	leastRetry, mostRetry = 2 * time.Second, 6 * time.Second
)

// streams holds the open streams of this process. It decides who may open one, knows whose they are, and ends them. A
// stream doesn't make its person present.
type streams struct {
	live    *live.Board
	log     *slog.Logger
	limits  Limits
	metrics *metrics
	sockets *sockets // shares limits on live connections

	mu      sync.Mutex // guards the rest; never held during a callback or a wait
	open    map[*stream]struct{}
	byUser  map[string]map[*stream]struct{}
	ended   map[string]time.Time // sign-ins that ended within the last minute
	ticks   int                  // of run
	drained drained
}

func newStreams(s *Server) *streams {
	x := &streams{
		live: s.live, log: s.log, limits: s.cfg.Limits, metrics: s.metrics, sockets: s.sockets,
		open: map[*stream]struct{}{}, byUser: map[string]map[*stream]struct{}{}, ended: map[string]time.Time{},
		drained: drained{done: make(chan struct{})},
	}
	s.live.Subscribe(x.applyUpdate)
	return x
}

// run sends signs of life, and ends the streams of sign-ins that have expired or couldn't be confirmed. It runs until
// ctx ends.
func (s *streams) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var unconfirmed confirmation
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			now := time.Now()
			s.tick(now)
			if unconfirmed.late(s.live.CaughtUp()) {
				s.endWhere(endRestart, func(x *stream) bool { return now.Sub(x.asked.at) >= confirmWait })
			}
		}
	}
}

// tick is called every second. Streams get their signs of life in turns, so that the work is spread.
func (s *streams) tick(now time.Time) {
	s.endWhere(endOver, func(x *stream) bool { return x.expired(now) })
	s.endWhere(endRestart, func(x *stream) bool { return x.proxied && now.Sub(x.asked.at) >= recheckEvery })
	s.mu.Lock()
	s.ticks++
	var due []*stream
	for x := range s.open {
		if (s.ticks+x.turn)%int(aliveEvery/time.Second) == 0 {
			due = append(due, x)
		}
	}
	for id, at := range s.ended {
		if now.Sub(at) > forgetEvery {
			delete(s.ended, id)
		}
	}
	s.mu.Unlock()
	for _, x := range due {
		x.alive.Store(true)
		x.wake()
	}
}

// refusal is why a stream can't be opened.
type refusal uint8

const (
	notRefused refusal = iota
	refusedRestart
	refusedOver
	refusedFull
	refusedPerson
)

// enter adds x, or says why it's refused.
func (s *streams) enter(x *stream) refusal {
	tabs := s.sockets.openOf(x.person)
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ended := s.ended[x.grant]
	switch {
	case s.drained.begun:
		return refusedRestart
	case ended || x.expired(time.Now()):
		return refusedOver
	case over(tabs+len(s.byUser[x.person]), s.limits.SocketsUser):
		return refusedPerson
	case over(len(s.open), s.limits.Streams) || !s.sockets.places.take(s.limits, x.address):
		return refusedFull
	}
	x.turn = rand.IntN(int(aliveEvery / time.Second))
	s.open[x] = struct{}{}
	if s.byUser[x.person] == nil {
		s.byUser[x.person] = map[*stream]struct{}{}
	}
	s.byUser[x.person][x] = struct{}{}
	return notRefused
}

// leave removes a stream that has ended.
func (s *streams) leave(x *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, open := s.open[x]; !open {
		return
	}
	delete(s.open, x)
	if delete(s.byUser[x.person], x); len(s.byUser[x.person]) == 0 {
		delete(s.byUser, x.person)
	}
	s.sockets.places.free(x.address)
	s.emptyLocked()
}

// endProxied ends the streams of a session because the proxy names somebody else by now, or nobody.
func (s *streams) endProxied(id string) {
	s.endWhere(endOver, func(x *stream) bool { return x.grant == id })
}

// endWhere ends the streams for which a condition is true. The condition is checked with the lock held.
func (s *streams) endWhere(why ending, condition func(*stream) bool) {
	s.mu.Lock()
	var ending []*stream
	for x := range s.open {
		if condition(x) {
			ending = append(ending, x)
		}
	}
	s.mu.Unlock()
	for _, x := range ending {
		x.end(why)
	}
}

// applyUpdate ends the streams of sign-ins that ended, and of people who were disabled or deleted.
func (s *streams) applyUpdate(u live.Update) {
	now := time.Now()
	gone := map[string]bool{}
	for _, id := range u.Unlisted {
		gone[id] = true
	}
	s.mu.Lock()
	for _, id := range slices.Concat(u.Sessions, u.Tokens) {
		gone[id], s.ended[id] = true, now
	}
	none := len(s.open) == 0
	s.mu.Unlock()
	switch {
	case none:
	case u.Reset: // some sign-ins may have ended unnoticed: let all programs connect again
		s.endWhere(endRestart, func(*stream) bool { return true })
	case len(gone) > 0:
		s.endWhere(endOver, func(x *stream) bool { return gone[x.person] || gone[x.grant] })
	}
}

// drain ends all streams, so that their programs connect elsewhere, and waits a moment for them.
func (s *streams) drain(ctx context.Context) {
	s.mu.Lock()
	s.drained.begun = true
	s.emptyLocked()
	s.mu.Unlock()
	s.endWhere(endRestart, func(*stream) bool { return true })
	ctx, cancel := context.WithTimeout(ctx, endWait)
	defer cancel()
	select {
	case <-s.drained.done:
	case <-ctx.Done():
	}
}

// emptyLocked tells drain when the last stream has ended.
func (s *streams) emptyLocked() {
	if s.drained.begun && len(s.open) == 0 {
		s.drained.once.Do(func() { close(s.drained.done) })
	}
}

// retry returns how long a program should wait before it connects again.
func retry() time.Duration { return leastRetry + rand.N(mostRetry-leastRetry) }

// refuseStream answers a request for a stream that can't be opened now. A browser's EventSource gives up for good on
// any status but 200, so it gets an empty stream that says when to try again.
func refuseStream(why refusal) *failure {
	switch why {
	case refusedOver:
		return notSignedIn()
	case refusedPerson:
		return &failure{Status: http.StatusTooManyRequests, RetryAfter: mostRetry,
			Message: "You have as many live connections open as one person can have. Close some first."}
	case refusedFull:
		return &failure{Status: http.StatusServiceUnavailable, RetryAfter: mostRetry, quiet: true,
			Message: "This server has as many streams open as it can hold."}
	}
	return &failure{Status: http.StatusServiceUnavailable, RetryAfter: leastRetry, quiet: true,
		Message: "This server is about to restart."}
}

func notSignedIn() *failure {
	return &failure{Status: http.StatusUnauthorized, Message: "The access token was revoked, or the sign-in has ended."}
}
