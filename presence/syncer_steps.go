package presence

import (
	"context"
	"time"
)

// beat renews the own lease when it is time, and looks at those of the others.
func (s *syncer) beat(ctx context.Context) error {
	s.mu.Lock()
	due := time.Since(s.beatAt) >= beatEvery
	if due {
		s.deaf = s.beaten && !s.echoed
		s.beatAt, s.echoed = time.Now(), false
	}
	var unknown bool
	for _, p := range s.peers {
		unknown = unknown || !p.known
	}
	s.mu.Unlock()
	if due {
		if err := s.renewLease(ctx); err != nil {
			return err
		}
	}
	if due || unknown {
		return s.lookAtPeers(ctx)
	}
	return nil
}

func (s *syncer) renewLease(ctx context.Context) error {
	s.mu.Lock()
	says, sent := s.healthLocked(), time.Now()
	s.mu.Unlock()
	had, err := step(ctx, func(ctx context.Context) (bool, error) { return s.link.beat(ctx, says) })
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.beatAt, s.echoed, s.beaten = time.Time{}, true, false // try again; there is nothing to be echoed
		return err
	}
	if s.lapsedLocked() {
		s.resync = true
		s.holdLocked(time.Now().Add(holdFor))
		s.kick()
	}
	if s.beaten && !had { // the lease had lapsed: all may be gone, or others have cleaned up after us
		for u := range s.own {
			s.toWrite[u] = struct{}{} // and not only after reading: others hold our people for a few seconds
			s.toRead[u] = struct{}{}
		}
	}
	s.beaten, s.trip, s.renewedAt = true, time.Since(sent), time.Now()
	return nil
}

// lapsedLocked reports whether the own lease was not renewed for so long that the leases of others may have ended, too,
// although they live: Redis may have refused all writes, or the machine of all replicas may have stood still.
func (s *syncer) lapsedLocked() bool {
	return s.rules.lapse && !s.renewedAt.IsZero() && time.Since(s.renewedAt) >= 2*beatEvery
}

// healthLocked is what the next beat says of this replica.
func (s *syncer) healthLocked() health {
	return health{people: len(s.own), trip: s.trip, deaf: s.deaf, repaired: s.repaired, ago: time.Since(s.repairAt), resyncs: s.resyncs}
}

// lookAtPeers asks which replicas have a lease. One without it is gone, and its people with it: they had the time of
// the lease for a grace. One that lost it in a wipe and may be alive prolongs the hold until it is back, and has written
// its entries again: it may come back later than others.
func (s *syncer) lookAtPeers(ctx context.Context) error {
	s.mu.Lock()
	ids := make([]string, 0, len(s.peers))
	heard := make([]int, 0, len(s.peers))
	for id, p := range s.peers {
		if s.rules.poll && (p.alive || time.Now().Before(s.holding)) || !p.known { // one that is gone is announced when it comes back
			ids, heard = append(ids, id), append(heard, p.heard)
		}
	}
	s.mu.Unlock()
	if len(ids) == 0 {
		return nil
	}
	left, err := step(ctx, func(ctx context.Context) ([]time.Duration, error) { return s.link.leases(ctx, ids) })
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	held := now.Before(s.holding) || s.lapsedLocked()
	for i, id := range ids {
		p := s.peers[id]
		if p == nil {
			continue
		}
		was := p.alive
		switch {
		case left[i] > 0:
			if held && was && !p.missing.IsZero() {
				s.holdLocked(now.Add(holdFor))
			}
			p.alive, p.missing, p.until = true, time.Time{}, now.Add(left[i])
		case p.missing.IsZero():
			p.missing = now
			fallthrough
		default:
			p.alive = was && (held || now.Before(p.until))
			if held && p.alive {
				s.holdLocked(earlier(p.until, now.Add(beatEvery+echoWait))) // or until the next look
			}
		}
		p.known = left[i] > 0 || p.heard == heard[i]
		if !p.known { // it may have come back just after the answer, and have said so before it
			s.kick()
		}
		if p.alive != was {
			for _, u := range s.usersOfLocked(p) {
				s.changes.mark(u)
			}
		}
	}
	return nil
}

// holdLocked makes that until then, missing is not gone.
func (s *syncer) holdLocked(then time.Time) {
	if s.rules.hold && then.After(s.holding) {
		s.holding = then
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// readMarked reads users that were announced, batch by batch.
func (s *syncer) readMarked(ctx context.Context) error {
	s.mu.Lock()
	for u, t := range s.doubted {
		if !time.Now().Before(t) {
			s.toRead[u] = struct{}{}
		}
	}
	if now := time.Now(); !now.Before(s.holding) {
		for u := range s.kept {
			s.toRead[u] = struct{}{}
		}
		clear(s.kept)
	}
	s.mu.Unlock()
	for range s.batches(s.toRead) { // what is announced meanwhile waits for the next round, or there would be no end
		users := s.take(s.toRead)
		if len(users) == 0 {
			return nil
		}
		entries, err := step(ctx, func(ctx context.Context) ([]map[string]string, error) { return s.link.read(ctx, users) })
		s.mu.Lock()
		for i, u := range users {
			if err != nil {
				s.toRead[u] = struct{}{}
				continue
			}
			if !s.rules.keepMarks {
				delete(s.toRead, u)
			}
			s.applyLocked(u, entries[i])
		}
		s.mu.Unlock()
		if err != nil {
			return err
		}
		if err := s.meetPeers(ctx); err != nil {
			return err
		}
	}
	return nil
}

// has reports whether user is connected here.
func (s *syncer) has(user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.own[user]
	return ok
}

// batches is how many it takes to work off marks as they are now.
func (s *syncer) batches(marks map[string]struct{}) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return (len(marks) + batchEntries - 1) / batchEntries
}

// take removes up to a batch of users from marks. They are taken before anything is read or written, so that a mark
// made meanwhile stays.
func (s *syncer) take(marks map[string]struct{}) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	users := make([]string, 0, min(len(marks), batchEntries))
	for u := range marks {
		if len(users) == batchEntries {
			break
		}
		users = append(users, u)
		delete(marks, u)
	}
	return users
}

// applyLocked takes in what the noticeboard has of user.
func (s *syncer) applyLocked(user string, entries map[string]string) {
	if s.rules.audit && entries[s.self] != s.own[user] { // the truth about our connections is ours
		s.repairLocked(user)
	}
	was := s.remote[user]
	is := make([]posting, 0, len(entries))
	for id, value := range entries {
		if id != s.self && value != "" {
			is = append(is, posting{s.peerLocked(id), value})
		}
	}
	is = s.keepLocked(user, was, is)
	changed := len(is) != len(was)
	for _, p := range was {
		p.by.users--
	}
	for _, p := range is {
		p.by.users++
		changed = changed || posted(was, p.by) != p.value
	}
	if len(is) > 0 {
		s.remote[user] = is
	} else {
		delete(s.remote, user)
	}
	if changed {
		s.changes.mark(user)
	}
}

// keepLocked returns what is of user, and beside it what was and has vanished though its owner lives, and may be merely
// lost: while holding all of it, and otherwise for the moment that the owner needs to write it again.
func (s *syncer) keepLocked(user string, was, is []posting) []posting {
	now := time.Now()
	doubt, doubting := s.doubted[user]
	delete(s.doubted, user)
	for _, p := range was {
		switch {
		case posted(is, p.by) != "" || !p.by.alive:
		case now.Before(s.holding):
			is = append(is, p) // its owner has not written it again yet
			s.kept[user] = struct{}{}
		case doubting && !now.Before(doubt): // it has gone on purpose
		default:
			if !doubting {
				doubt = now.Add(doubtFor)
			}
			s.doubted[user] = doubt
			is = append(is, p)
		}
	}
	return is
}

// usersOfLocked are the users with an entry of p.
func (s *syncer) usersOfLocked(p *peer) []string {
	users := make([]string, 0, p.users)
	for u, postings := range s.remote {
		if posted(postings, p) != "" {
			users = append(users, u)
		}
	}
	return users
}

// repairLocked has the own entry of user written again. It counts as a difference unless one is on its way anyway.
func (s *syncer) repairLocked(user string) {
	_, waiting := s.toWrite[user]
	_, sent := s.written[user]
	if !waiting && !sent {
		s.repaired++
		s.repairAt = time.Now()
	}
	s.toWrite[user] = struct{}{}
	s.kick()
}

func (s *syncer) peerLocked(id string) *peer {
	p := s.peers[id]
	if p == nil {
		p = &peer{}
		s.peers[id] = p
	}
	return p
}

// meetPeers looks at the leases of replicas whose entries were read for the first time: what a dead one left behind
// must not show.
func (s *syncer) meetPeers(ctx context.Context) error {
	s.mu.Lock()
	unknown := false
	for _, p := range s.peers {
		unknown = unknown || !p.known
	}
	s.mu.Unlock()
	if !unknown {
		return nil
	}
	return s.lookAtPeers(ctx)
}

// writeMarked writes own entries, with what is true at the moment of sending.
func (s *syncer) writeMarked(ctx context.Context) error {
	for range s.batches(s.toWrite) {
		users := s.take(s.toWrite)
		if len(users) == 0 {
			return nil
		}
		entries := make([]entry, len(users))
		s.mu.Lock()
		for i, u := range users {
			entries[i] = entry{u, s.own[u]}
			s.written[u] = struct{}{}
		}
		s.mu.Unlock()
		if _, err := step(ctx, func(ctx context.Context) (any, error) { return nil, s.link.write(ctx, entries) }); err != nil {
			s.mu.Lock()
			for _, u := range users {
				s.toWrite[u] = struct{}{}
			}
			s.mu.Unlock()
			return err
		}
	}
	return nil
}

// cleanUp takes away what replicas left behind that have been gone for a minute. One that comes back all the same finds
// that out by its own audit.
func (s *syncer) cleanUp(ctx context.Context) error {
	gone := map[string][]string{}
	s.mu.Lock()
	if time.Since(s.cleanedAt) < beatEvery {
		s.mu.Unlock()
		return nil
	}
	s.cleanedAt = time.Now()
	for id, p := range s.peers {
		switch {
		case p.alive || p.missing.IsZero() || time.Since(p.missing) < cleanAfter:
		case p.users == 0:
			delete(s.peers, id)
		default:
			gone[id] = s.usersOfLocked(p)
		}
	}
	s.mu.Unlock()
	if len(gone) == 0 {
		return nil
	}
	_, err := step(ctx, func(ctx context.Context) (any, error) { return nil, s.link.clean(ctx, gone) })
	return err
}
