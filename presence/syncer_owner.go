package presence

import (
	"context"
	"errors"
	"time"
)

// enter makes sure that the noticeboard belongs to our accounts, before this replica writes to it for the first time and
// after it belonged to others.
func (s *syncer) enter(ctx context.Context) error {
	s.mu.Lock()
	inside, ours := s.ours && s.conflict == nil, s.ours
	s.mu.Unlock()
	if inside {
		return nil
	}
	_, err := step(ctx, func(ctx context.Context) (any, error) {
		return nil, s.link.owner(ctx, ours && s.rules.contest)
	})
	if s.mayClaim(err) {
		_, err = step(ctx, func(ctx context.Context) (any, error) { return nil, s.link.claim(ctx) })
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conflict != nil {
		s.conflict, s.resync, s.beaten = nil, true, false
	}
	s.ours = true
	return nil
}

// mayClaim reports whether this replica may mark the noticeboard as ours, after owner returned err. Replicas that were
// here before do so at once when they find it empty. A new process gives them the time to, because it may be the one
// that has the wrong accounts.
func (s *syncer) mayClaim(err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !errors.Is(err, errUnowned):
		s.unowned = time.Time{}
		return false
	case s.ours || !s.rules.waitTurn:
		return true
	case s.unowned.IsZero():
		s.unowned = time.Now()
	}
	return time.Since(s.unowned) >= s.claimAfter
}

// foreignLocked keeps this replica away from a noticeboard that belongs to other accounts. What it knows of others
// stays as it was: that a foreign mark is there doesn't mean that anybody has left.
func (s *syncer) foreignLocked(found *StoreError) {
	if s.conflict == nil {
		s.log.Error("this Redis belongs to other accounts; staying away from the other replicas until that changes",
			"err", found)
	}
	s.conflict = found
	s.lostLocked()
}

// isAway reports whether this replica stays away from the others.
func (s *syncer) isAway() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conflict != nil
}

// belongs reports whether this replica may write to the noticeboard.
func (s *syncer) belongs() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ours && s.conflict == nil
}
