package handlers

import (
	"context"
	"sync"
	"time"

	"rollcall/accounts"
)

const (
	touchAfter = 10 * time.Minute // resolution of the time when a session or a token was last used
	touchEvery = time.Minute      // between writes
	touchWait  = 2 * time.Second  // for the last write, when stopping
	maxTouches = 10_000           // sessions, and as many tokens, remembered between two writes; others are marked at their next request
)

// touches collects which sessions and tokens were used, so that a GET never writes. The zero value is ready to use.
type touches struct {
	mu       sync.Mutex
	sessions map[string]time.Time // by ID; guarded by mu
	tokens   map[string]time.Time // the same
}

// mark records that session was used at now, unless its time of use was written less than 10 minutes ago.
func (t *touches) mark(session accounts.Session, now time.Time) {
	t.note(&t.sessions, session.ID, session.UsedAt, now)
}

// markToken is mark for a token.
func (t *touches) markToken(token accounts.Token, now time.Time) {
	t.note(&t.tokens, token.ID, token.UsedAt, now)
}

func (t *touches) note(used *map[string]time.Time, id string, was, now time.Time) {
	if now.Sub(was) < touchAfter {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, noted := (*used)[id]; noted || len(*used) >= maxTouches {
		return
	}
	if *used == nil {
		*used = make(map[string]time.Time)
	}
	(*used)[id] = now
}

// take returns the sessions and the tokens marked since the last take.
func (t *touches) take() (sessions, tokens map[string]time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	sessions, tokens = t.sessions, t.tokens
	t.sessions, t.tokens = nil, nil
	return sessions, tokens
}

// keepTouching writes the times of use every minute, and once more when ctx ends. It doesn't retry a failed write,
// because the next request marks the session again.
func (s *Server) keepTouching(ctx context.Context) {
	tick := time.NewTicker(touchEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.writeTouches(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), touchWait)
			defer cancel()
			s.writeTouches(last)
			return
		}
	}
}

func (s *Server) writeTouches(ctx context.Context) {
	ctx = accounts.As(ctx, accounts.System)
	sessions, tokens := s.touches.take()
	if err := s.cfg.Accounts.TouchSessions(ctx, sessions); err != nil {
		s.log.Warn("times of use of sessions were not written", "sessions", len(sessions), "err", err)
	}
	if err := s.cfg.Accounts.TouchTokens(ctx, tokens); err != nil {
		s.log.Warn("times of use of tokens were not written", "tokens", len(tokens), "err", err)
	}
}
