package replica

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"time"
)

// beat renews this replica's lease if that's due, and reads the leases of the others.
func (s *syncer) beat(ctx context.Context) error {
	s.mu.Lock()
	due := s.lease.begin(time.Now())
	unknown := s.peers.unknown()
	s.mu.Unlock()
	var renewed error
	if due {
		if renewed = s.renewLease(ctx); renewed != nil && !errors.Is(renewed, errPartly) {
			return renewed
		}
	}
	if due || unknown {
		return cmp.Or(renewed, s.readLeases(ctx))
	}
	return renewed
}

func (s *syncer) renewLease(ctx context.Context) error {
	s.mu.Lock()
	info, sent, only := s.leaseInfoLocked(), time.Now(), s.lease.held && s.rules.standstill
	last := s.lease.renewedAt
	s.mu.Unlock()
	had, err := s.sendLease(ctx, info, only)
	late := time.Since(last) > leaseTTL
	if err == nil && only && !had && !late { // something else ended the lease, such as FLUSHALL
		_, err = s.sendLease(ctx, info, false)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.lease.failed()
		return err
	}
	now := time.Now()
	if s.lease.held && !had { // the store may have lost everything, or others may have cleaned up after this replica
		s.entries.rewriteAll()
	}
	if only && !had && late {
		s.lease.end()
		s.loop.wakeUp()
		return nil
	}
	s.lease.renewed(sent, now)
	return nil
}

func (s *syncer) sendLease(ctx context.Context, info leaseInfo, only bool) (had bool, err error) {
	return step(ctx, func(ctx context.Context) (bool, error) { return s.store.beat(ctx, info, only) })
}

func (s *syncer) leaseInfoLocked() leaseInfo {
	return leaseInfo{
		people: len(s.entries.own), roundTrip: s.lease.roundTrip, notAnnounced: s.lease.notAnnounced,
		repaired: s.entries.repaired, ago: time.Since(s.entries.repairedAt), resyncs: s.health.resyncs,
	}
}

// readLeases reads which replicas have a lease.
func (s *syncer) readLeases(ctx context.Context) error {
	s.mu.Lock()
	questions := s.peers.toAsk(time.Now())
	s.mu.Unlock()
	if len(questions) == 0 {
		return nil
	}
	ids := make([]string, len(questions))
	for i, q := range questions {
		ids[i] = q.id
	}
	left, err := step(ctx, func(ctx context.Context) ([]time.Duration, error) { return s.store.leases(ctx, ids) })
	if left == nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	changed, again := s.peers.answered(questions, left, now)
	for _, p := range changed {
		for _, user := range s.entries.usersOf(p) {
			s.changes.Mark(user)
		}
	}
	if again {
		s.loop.wakeUp()
	}
	return err
}

// readNewLeases reads the leases of replicas that a read of entries has just found. Entries of a dead one must not
// count.
func (s *syncer) readNewLeases(ctx context.Context) error {
	s.mu.Lock()
	unknown := s.peers.unknown()
	s.mu.Unlock()
	if !unknown {
		return nil
	}
	return s.readLeases(ctx)
}

// whileBeating runs f and keeps renewing the lease in the meantime, because with many users or a distant server, f may
// take longer than a lease. If a beat fails, it cancels f.
func (s *syncer) whileBeating(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	var beating sync.WaitGroup
	var beat error
	beating.Go(func() {
		if beat = s.keepBeating(ctx, done); beat != nil && !errors.Is(beat, errPartly) {
			cancel()
		}
	})
	err := f(ctx)
	close(done)
	beating.Wait()
	return errors.Join(beat, err)
}

// keepBeating beats whenever that's due, until done is closed.
func (s *syncer) keepBeating(ctx context.Context, done <-chan struct{}) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if err := s.beat(ctx); err != nil {
			return err
		}
		s.mu.Lock()
		pause := time.Until(s.lease.sentAt.Add(beatEvery))
		if s.lease.ended {
			pause = beatEvery
		}
		s.mu.Unlock()
		timer.Reset(pause)
		select {
		case <-done:
			return nil
		case <-timer.C:
		}
	}
}
