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
	maxTouches = 10_000           // of each kind, remembered between two writes; others are noted at their next request
)

// touches collects which sessions, tokens, or share links were used, so that a GET never writes. The zero value is
// ready to use.
type touches struct {
	mu   sync.Mutex
	used map[string]time.Time // by ID; guarded by mu
}

// uses collects what was used, and when.
type uses struct {
	sessions, tokens touches
	shares           *shareUse
}

// mark notes that what has this ID was used at now, unless that is less than 10 minutes after was, its stored time of
// use.
func (t *touches) mark(id string, was, now time.Time) {
	if now.Sub(was) >= touchAfter {
		t.note(id, now)
	}
}

// note records that what has this ID was used at now.
func (t *touches) note(id string, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, noted := t.used[id]; noted || len(t.used) >= maxTouches {
		return
	}
	if t.used == nil {
		t.used = make(map[string]time.Time)
	}
	t.used[id] = now
}

// take returns what was noted since the last take, by ID.
func (t *touches) take() map[string]time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	used := t.used
	t.used = nil
	return used
}

// keepTouching writes the times of use every minute, and once more when ctx ends. It doesn't retry a failed write,
// because the next request notes the use again.
func (s *Server) keepTouching(ctx context.Context) {
	tick := time.NewTicker(touchEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.writeTouches(ctx)
			s.writeShareTouches(ctx)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), touchWait)
			defer cancel()
			s.writeTouches(last)
			s.writeShareTouches(last)
			return
		}
	}
}

func (s *Server) writeTouches(ctx context.Context) {
	ctx = accounts.As(ctx, accounts.System)
	if used := s.touched.sessions.take(); len(used) > 0 {
		if err := s.cfg.Accounts.TouchSessions(ctx, used); err != nil {
			s.log.Warn("times of use of sessions were not written", "sessions", len(used), "err", err)
		}
	}
	if used := s.touched.tokens.take(); len(used) > 0 {
		if err := s.cfg.Accounts.TouchTokens(ctx, used); err != nil {
			s.log.Warn("times of use of tokens were not written", "tokens", len(used), "err", err)
		}
	}
}
