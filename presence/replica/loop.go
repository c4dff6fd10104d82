package replica

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	gather      = 5 * time.Millisecond  // the loop gathers marks for this long before each round
	gatherAlone = 1 * time.Millisecond  // or only for this long
	gatherAfter = 20 * time.Millisecond // when the last round ended longer ago than this

	closingWait  = 500 * time.Millisecond // after a standstill, for the process to notice closed connections
	readingWait  = 100 * time.Millisecond // for the other replicas to read what was written
	minLoopPause = time.Millisecond
)

// loop is the state of the goroutine that runs the rounds.
type loop struct {
	wake  chan struct{} // capacity 1
	stop  context.CancelFunc
	ended chan struct{}

	stood     bool      // this process stood still, and hasn't removed who left; used only by the goroutine
	ranAt     time.Time // start or end of the last round; used only by the goroutine
	endSurvey func()    // stops the running survey, if any, and waits for it; used only by the goroutine
}

func newLoop() loop {
	return loop{wake: make(chan struct{}, 1), ended: make(chan struct{}), endSurvey: func() {}}
}

func (l *loop) wakeUp() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// end stops the goroutine and waits for it.
func (l *loop) end() {
	l.stop()
	<-l.ended
}

// start starts the loop. Stop it with end.
func (s *syncer) start() {
	ctx, stop := context.WithCancel(context.Background())
	s.loop.stop = stop
	go s.run(ctx)
}

// run gathers marks for a moment, then does a round, over and over.
func (s *syncer) run(ctx context.Context) {
	defer close(s.loop.ended)
	defer func() { s.loop.endSurvey() }()
	timer := time.NewTimer(0)
	defer timer.Stop()
	retry := retryFirst
	var endedAt time.Time // of the last successful round
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.loop.wake:
		case <-timer.C:
		}
		pause := gather
		if time.Since(endedAt) >= gatherAfter {
			pause = gatherAlone
		}
		sleep(ctx, pause)
		if err := s.round(ctx); err != nil {
			if ctx.Err() != nil || !s.failed(err) {
				return
			}
			sleep(ctx, s.retryAfter(err, retry)) // marks don't start the next round earlier
			retry = min(2*retry, retryLast)
			s.loop.wakeUp()
			continue
		}
		endedAt = time.Now()
		if s.succeeded() {
			retry = retryFirst
		}
		timer.Reset(s.untilDue())
	}
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// failed records why a round failed, and reports whether to continue.
func (s *syncer) failed(err error) bool {
	var foreign *AccountsError
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case errors.Is(err, errUnowned):
	case errors.As(err, &foreign):
		if s.owner.conflict == nil {
			s.log.Error("this Redis belongs to other accounts; staying away from the other replicas until that changes",
				"err", foreign)
		}
		s.owner.conflict = foreign // the entries of the others stay, because a foreign mark doesn't mean that anyone left
		s.health.lose()
	default:
		if s.health.lose() {
			s.log.Warn("other replicas cannot be reached; their people stay as they were last known", "err", err)
		}
		if now := time.Now(); len(s.entries.held) > 0 || s.peers.holding(now) {
			s.peers.hold(now.Add(holdFor)) // missing entries may belong to a replica that fails in the same way
		}
		if s.rules.redial && !errors.Is(err, errPartly) && s.health.redialDue(err, time.Now()) {
			s.health.redial, s.resync = true, true
		}
	}
	return s.owner.conflict == nil || s.rules.rejoin
}

// retryAfter returns how long to wait after a round failed with err.
func (s *syncer) retryAfter(err error, usual time.Duration) time.Duration {
	var foreign *AccountsError
	if errors.As(err, &foreign) && !errors.Is(err, errUnowned) {
		return beatEvery
	}
	return usual
}

// succeeded records the end of a round, and reports whether this replica now knows everything in the store. While a
// survey runs, users who came during an outage may be missing, so the outage isn't over and nothing counts as synced.
func (s *syncer) succeeded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health.lastOK = time.Now()
	if !s.survey.complete {
		return false
	}
	if lost := s.health.lostSince; !lost.IsZero() {
		s.log.Info("other replicas can be reached again", "after", time.Since(lost).Round(time.Millisecond))
		s.health.lostSince, s.health.redialedAt = time.Time{}, time.Time{}
	}
	if s.health.rounds++; s.health.rounds == 1 {
		close(s.synced)
	}
	return true
}

// untilDue returns how long the loop may sleep if nothing is announced or published.
func (s *syncer) untilDue() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	due := s.entries.nextDue(s.lease.nextDue())
	return max(time.Until(due), minLoopPause)
}

// round does everything that is due. After an error, the rest stays marked. If only a part of the store works, it does
// what it can.
func (s *syncer) round(ctx context.Context) error {
	if err := s.reconnect(ctx); err != nil {
		return err
	}
	if err := s.afterStandstill(ctx); err != nil {
		return err
	}
	defer func() { s.loop.ranAt = time.Now() }()
	partly := s.store.whole()
	if partly != nil && !errors.Is(partly, errPartly) {
		return partly
	}
	if err := s.heal(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	clear(s.entries.sent)
	s.mu.Unlock()
	// Reading and writing at once saves a round trip to a distant server.
	return errors.Join(partly, s.whileBeating(ctx, func(ctx context.Context) error {
		var writing sync.WaitGroup
		var write error
		writing.Go(func() { write = s.writeMarked(ctx) })
		read := s.readMarked(ctx)
		writing.Wait()
		return errors.Join(read, write, s.cleanUp(ctx))
	}))
}

// afterStandstill runs before a round. If this process stood still for longer than a lease, the others have hidden
// its users, and many of them may have left. It removes those before it starts a new lease, or the others would show
// them again. If it can't remove all of them, it starts no lease. A process that stood still in the middle of a round
// notices it by the lease that it couldn't renew.
func (s *syncer) afterStandstill(ctx context.Context) error {
	s.mu.Lock()
	joined, late := s.owner.joined(), s.lease.restart()
	s.mu.Unlock()
	late = late || !s.loop.ranAt.IsZero() && time.Since(s.loop.ranAt) > leaseTTL
	s.loop.stood = (s.loop.stood || late) && joined && s.rules.standstill
	s.loop.ranAt = time.Now()
	if !s.loop.stood {
		return nil
	}
	sleep(ctx, closingWait)
	if err := s.writeMarked(ctx); err != nil {
		return err
	}
	s.loop.stood = false
	sleep(ctx, readingWait)
	return nil
}
