package presence

import (
	"context"
	"time"
)

const (
	noticeWait = 500 * time.Millisecond // for connections to be noticed that ended while this process stood still
	takenWait  = 100 * time.Millisecond // for other replicas to read what was written
)

// afterStandstill comes before a round. If this process stood still for longer than a lease, the others have hidden its
// people, and many of those may have left. Who has left is taken off the noticeboard before the lease is renewed, or the
// others would show them once more.
func (s *syncer) afterStandstill(ctx context.Context) {
	stood := s.rules.standstill && !s.ranAt.IsZero() && time.Since(s.ranAt) > LeaseTTL
	s.ranAt = time.Now()
	if !stood {
		return
	}
	s.rest(ctx, noticeWait)
	if s.writeMarked(ctx) == nil { // otherwise the round that follows tries again
		s.rest(ctx, takenWait)
	}
}
