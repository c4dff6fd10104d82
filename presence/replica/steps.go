package replica

import (
	"cmp"
	"context"
	"errors"
	"time"
)

// survey is the state of listing all users and replicas in the store. It runs in parallel with the rounds, because it
// takes seconds on a server with millions of keys of other programs. Guarded by syncer.mu.
type survey struct {
	running  bool
	err      error // why the last one failed, until the next round reports it
	complete bool  // the current round began after it ended, and so reads all users that it found
}

// step runs f with a deadline.
func step[T any](ctx context.Context, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, stepWait)
	defer cancel()
	return f(ctx)
}

// stepErr is step for an f without a result.
func stepErr(ctx context.Context, f func(context.Context) error) error {
	_, err := step(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, f(ctx) })
	return err
}

// heal makes sure that the store belongs to our accounts. If announcements were missed, it starts over: a beat proves
// the connection, then it marks all known users and starts a survey for the rest.
func (s *syncer) heal(ctx context.Context) error {
	s.mu.Lock()
	failed := s.survey.err
	s.survey.err, s.survey.complete = nil, !s.survey.running
	s.mu.Unlock()
	if failed != nil && !errors.Is(failed, errPartly) {
		return failed
	}
	if err := s.join(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	resync := s.resync
	if resync {
		s.lease.sentAt = time.Time{}
		s.holdLocked()
	}
	s.mu.Unlock()
	if !resync {
		return nil
	}
	if err := s.beat(ctx); err != nil && !errors.Is(err, errPartly) {
		return err
	}
	s.readAgain(ctx)
	return nil
}

// holdLocked starts the hold after a resync, unless there are no entries to hold.
func (s *syncer) holdLocked() {
	if len(s.entries.remote) > 0 {
		s.peers.hold(time.Now().Add(holdFor))
	}
}

// reconnect replaces the connection if that's due.
func (s *syncer) reconnect(ctx context.Context) error {
	s.mu.Lock()
	if s.lease.unannounced(time.Now()) {
		s.health.redial, s.resync = true, true
	}
	due := s.health.redial
	s.mu.Unlock()
	if !due {
		return nil
	}
	if err := stepErr(ctx, s.store.reconnect); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health.redial = false
	s.health.reconnects++
	s.resync = true // perhaps again: a round may have begun before somebody asked for another connection
	return nil
}

// join makes sure that the store belongs to our accounts, before this replica first writes to it and after a conflict.
func (s *syncer) join(ctx context.Context) error {
	s.mu.Lock()
	joined, ours := s.owner.joined(), s.owner.ours
	s.mu.Unlock()
	if joined {
		return nil
	}
	err := stepErr(ctx, func(ctx context.Context) error { return s.store.owner(ctx, ours && s.rules.contest) })
	s.mu.Lock()
	adopt := s.owner.mayAdopt(err, s.rules.waitTurn, time.Now())
	s.mu.Unlock()
	if adopt {
		err = stepErr(ctx, s.store.adopt)
	}
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.owner.conflict != nil {
		s.resync, s.lease.held = true, false
	}
	s.owner.ours, s.owner.conflict = true, nil
	return nil
}

// readAgain marks all known users and starts a survey for the rest.
func (s *syncer) readAgain(ctx context.Context) {
	s.loop.endSurvey()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resync = false
	if s.health.rounds > 0 {
		s.health.resyncs++
	}
	s.holdLocked()
	if s.rules.union {
		s.entries.markAll()
	}
	s.loop.endSurvey = s.startSurveyLocked(ctx)
}

// startSurveyLocked starts a survey, and returns a function that stops it and waits for it.
func (s *syncer) startSurveyLocked(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	s.survey = survey{running: true}
	go func() {
		defer close(ended)
		err := s.store.survey(ctx, s.found)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.survey.running, s.survey.err = false, err
		s.resync = s.resync || err != nil
		s.loop.wakeUp()
	}()
	return func() { cancel(); <-ended }
}

// readMarked reads the marked users, batch by batch. Users that are announced in the meantime wait for the next round.
// Otherwise, this round might never end.
func (s *syncer) readMarked(ctx context.Context) error {
	s.mu.Lock()
	s.entries.markDue(time.Now())
	batches := s.entries.toRead.batches()
	s.mu.Unlock()
	var failed error
	for range batches {
		s.mu.Lock()
		users := s.entries.toRead.take() // before the read, so that an announcement during the read marks them again
		s.mu.Unlock()
		if len(users) == 0 {
			break
		}
		found, err := step(ctx, func(ctx context.Context) ([]map[string]string, error) {
			return s.store.read(ctx, users)
		})
		s.takeIn(users, found, err)
		failed = cmp.Or(failed, err)
		if err == nil || errors.Is(err, errPartly) {
			err = s.readNewLeases(ctx)
			failed = cmp.Or(failed, err)
		}
		if err != nil && !errors.Is(err, errPartly) {
			break
		}
	}
	return failed
}

// takeIn applies the result of a read. After an error, it marks the users that weren't read again.
func (s *syncer) takeIn(users []string, found []map[string]string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if found == nil {
		s.entries.toRead.add(users...)
		return
	}
	now := time.Now()
	for i, user := range users {
		if err != nil && found[i] == nil {
			s.entries.toRead.add(user)
			s.entries.keepRemovals(user, now)
			continue
		}
		if !s.rules.keepMarks {
			delete(s.entries.toRead, user)
		}
		changed, repair := s.entries.apply(user, found[i], now)
		if changed {
			s.changes.Mark(user)
		}
		if repair {
			s.loop.wakeUp()
		}
	}
}

// writeMarked writes this replica's marked entries, batch by batch, as they are when each batch is sent.
func (s *syncer) writeMarked(ctx context.Context) error {
	s.mu.Lock()
	batches := s.entries.toWrite.batches()
	s.mu.Unlock()
	var failed error
	for range batches {
		s.mu.Lock()
		users := s.entries.toWrite.take()
		batch := make([]entry, len(users))
		for i, user := range users {
			batch[i] = entry{user, s.entries.own[user]}
		}
		s.entries.sent.add(users...)
		s.mu.Unlock()
		if len(users) == 0 {
			break
		}
		unsent, err := step(ctx, func(ctx context.Context) ([]entry, error) { return s.store.write(ctx, batch) })
		if err != nil {
			s.mu.Lock()
			for _, e := range unsent {
				s.entries.toWrite.add(e.user)
			}
			s.mu.Unlock()
		}
		failed = cmp.Or(failed, err)
		if err != nil && !errors.Is(err, errPartly) {
			break
		}
	}
	return failed
}

// cleanUp removes the entries of replicas that are gone for good. If one comes back after all, its audit writes them
// again.
func (s *syncer) cleanUp(ctx context.Context) error {
	s.mu.Lock()
	gone := map[string][]string{}
	for id, p := range s.peers.gone(time.Now()) {
		gone[id] = s.entries.usersOf(p)
	}
	s.mu.Unlock()
	if len(gone) == 0 {
		return nil
	}
	return stepErr(ctx, func(ctx context.Context) error { return s.store.clean(ctx, gone) })
}
