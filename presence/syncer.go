package presence

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// LeaseTTL is how long a replica counts after its last sign of life.
const LeaseTTL = 10 * time.Second

// The times of the protocol between replicas (DESIGN: "Constants").
const (
	beatEvery    = 3 * time.Second       // between renewals, and between looks at the others'
	holdFor      = 3 * time.Second       // after a resync: what is missing may merely not be back yet
	gather       = 5 * time.Millisecond  // marks are gathered for so long before they are worked off
	gatherLone   = 1 * time.Millisecond  // or for so long, which keeps those made in one go together,
	gatherAfter  = 20 * time.Millisecond // where there was no round for this long: a lone change need not wait for more
	echoWait     = 1 * time.Second       // for the own beat to come back as an announcement
	cleanAfter   = 60 * time.Second      // a replica without a lease for so long is gone for good
	roundWait    = 4 * time.Second       // for one step of a round
	doubtFor     = 50 * time.Millisecond // an entry that was thrown out is written again by then
	retryFirst   = 50 * time.Millisecond // after a failed round, doubling
	retryLast    = 500 * time.Millisecond
	redialEvery  = 5 * time.Second       // while rounds fail, the connection is replaced this often,
	redialTold   = 1 * time.Second       // or this often when the server says that it takes no writes
	claimAfter   = beatEvery + retryLast // replicas that were here before mark a noticeboard as theirs again by then
	batchEntries = 500                   // users in one batch
)

// rules can be switched off one by one by the simulation, to show that each is needed. All are on.
type rules struct {
	audit     bool // an own entry that is not what it should be is written again
	union     bool // a resync looks at all users known here, not only at those found there
	poll      bool // leases are looked at, never trusted to announce their end
	hold      bool // after a resync, missing is not gone
	keepMarks bool // what is announced during a read is read again
	lapse     bool // after a long gap between renewals of the own lease, leases of others may have ended for the same reason
	redial    bool // a connection that keeps failing is replaced
	waitTurn  bool // a new process waits for those who were here before it marks a noticeboard as its own
	rejoin    bool // after a conflict, a replica keeps looking and comes back
	contest   bool // a foreign mark that nobody renews ends within a lease

	standstill bool // after a standstill, who has left meanwhile is taken away before the lease is renewed
}

var allRules = rules{
	audit: true, union: true, poll: true, hold: true, keepMarks: true,
	lapse: true, redial: true, waitTurn: true, rejoin: true, contest: true, standstill: true,
}

// syncer keeps what other replicas have of their users, and makes the noticeboard say what this one has of its own.
// Announcements only mark; one loop reads, compares and writes. It is self-stabilizing: whatever the noticeboard loses,
// makes up or carries out late, once that stops, all replicas agree with the truth within seconds.
type syncer struct {
	link  link
	self  string
	log   *slog.Logger
	rules rules

	claimAfter time.Duration // see the constant; tests do not wait that long

	wake    chan struct{} // capacity 1
	changes *Feed
	synced  chan struct{} // closed after the first whole round
	stop    context.CancelFunc
	ended   chan struct{}
	ranAt   time.Time // when the loop last worked; used by the loop alone

	endSurvey func() // used by the loop only; stops the survey, if there is one, and waits for it

	mu         sync.Mutex
	own        map[string]string    // guarded by mu, like all below; the truth about our users, as entries
	remote     map[string][]posting // what others have, by user, in no order
	peers      map[string]*peer     // other replicas, by id
	toRead     map[string]struct{}
	toWrite    map[string]struct{}
	doubted    map[string]time.Time // users with an entry that is missing though its replica lives, until when it may come back
	kept       map[string]struct{}  // users with an entry that is missing and held
	ours       bool                 // this process has seen that the noticeboard belongs to our accounts
	unowned    time.Time            // since when it has belonged to nobody; zero: it has an owner, or was not reached
	resync     bool                 // everything must be read anew
	surveying  bool                 // the list of everybody on the noticeboard is still being read
	surveyErr  error                // why the last survey failed, until the next round reports it
	whole      bool                 // this round began after the survey, so it reads all that the survey found
	renew      bool                 // and the connection replaced first
	holding    time.Time            // until then missing is not gone
	beatAt     time.Time            // when the own lease was last renewed
	echoed     bool                 // that renewal was announced to us
	deaf       bool                 // the renewal before it never was
	beaten     bool                 // there was one before
	trip       time.Duration        // of that renewal
	written    map[string]struct{}  // users whose entry was written in this round: an older one may still be read
	repaired   int                  // own entries that were found wrong or missing
	repairAt   time.Time            // when the last of them was
	resyncs    int                  // after the first
	renewedAt  time.Time            // when the own lease was last known to be renewed
	outages    uint64               // how often lost was set
	reconnects uint64               // how often the connection was replaced
	cleanedAt  time.Time            // when the remains of dead replicas were last looked for
	leaving    bool
	rounds     int       // whole rounds so far
	lastOK     time.Time // end of the last one
	lost       time.Time // since when rounds fail; zero: they do not
	dialedAt   time.Time // while they fail: when the connection was last replaced, or the first of them failed
	conflict   error     // why this replica stays away from the others; nil: it does not
}

// posting is the entry that one replica has of a user. There are as many as there are people at other replicas.
type posting struct {
	by    *peer
	value string
}

// posted is what by has in postings, "" for nothing.
func posted(postings []posting, by *peer) string {
	for _, p := range postings {
		if p.by == by {
			return p.value
		}
	}
	return ""
}

// peer is another replica.
type peer struct {
	alive   bool
	known   bool      // its lease was looked at, and has not been announced again after it was missing
	heard   int       // how often its lease was announced: when it was asked for before the last time, the answer may be older
	missing time.Time // since when it had none; zero: it has one
	until   time.Time // when the lease last seen runs out: gone before that, it was lost and did not end
	users   int       // with an entry of it, in syncer.remote
}

func newSyncer(self string, log *slog.Logger) *syncer {
	return &syncer{
		self: self, log: log, rules: allRules, claimAfter: claimAfter,
		wake: make(chan struct{}, 1), changes: newFeed(), synced: make(chan struct{}), ended: make(chan struct{}),
		own: map[string]string{}, remote: map[string][]posting{}, peers: map[string]*peer{},
		toRead: map[string]struct{}{}, toWrite: map[string]struct{}{}, kept: map[string]struct{}{}, doubted: map[string]time.Time{}, written: map[string]struct{}{},
		resync: true, lastOK: time.Now(), endSurvey: func() {},
	}
}

// start runs the loop until close.
func (s *syncer) start() {
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	go s.run(ctx)
}

func (s *syncer) kick() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Publish implements Registry.
func (s *syncer) Publish(user string, d Digest) {
	value := encodeDigest(d)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.own[user] == value || s.leaving {
		return
	}
	if value == "" {
		delete(s.own, user)
	} else {
		s.own[user] = value
	}
	s.toWrite[user] = struct{}{}
	s.kick()
}

// Remote implements Registry.
func (s *syncer) Remote(user string) []Digest {
	s.mu.Lock()
	defer s.mu.Unlock()
	var digests []Digest
	for _, p := range s.remote[user] {
		if p.by.alive {
			digests = append(digests, decodeDigest(p.value))
		}
	}
	return digests
}

// Changes implements Registry.
func (s *syncer) Changes() *Feed { return s.changes }

// Peers implements Registry.
func (s *syncer) Peers() Peers {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Peers{Lost: s.lost, Conflict: s.conflict}
	for _, p := range s.peers {
		if p.alive {
			st.Others++
		}
	}
	return st
}

// Synced implements Registry.
func (s *syncer) Synced() <-chan struct{} { return s.synced }

// Leave implements Registry: one last beat says that this replica goes. Its entries stay, and its lease covers them
// while its people come back elsewhere.
func (s *syncer) Leave(ctx context.Context) error {
	s.mu.Lock()
	s.leaving = true
	s.mu.Unlock()
	s.end() // from now on nothing else may beat
	if !s.belongs() {
		return nil // what is there may belong to other accounts
	}
	_, err := s.link.beat(ctx, health{leaving: true})
	return err
}

// Close implements Registry.
func (s *syncer) Close() error {
	s.end()
	s.link.close()
	return nil
}

func (s *syncer) end() {
	s.stop()
	<-s.ended
}

// invalidated takes in announcements: users to read, the own lease coming back, replicas never heard of; and lost, that
// announcements were missed. It runs on the link's reading goroutine: it marks and does nothing else.
func (s *syncer) invalidated(users, replicas []string, lost bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, u := range users {
		s.toRead[u] = struct{}{}
	}
	for _, id := range replicas {
		if id == s.self {
			s.echoed = true
		} else {
			p := s.peerLocked(id)
			p.heard++
			if !p.missing.IsZero() {
				p.known = false // perhaps it is back
			}
		}
	}
	if lost {
		s.resync = true
		s.unowned = time.Time{} // whoever was here before has to come back first
	}
	s.kick()
}

// run is the one loop: it gathers marks for a moment, then works them off.
func (s *syncer) run(ctx context.Context) {
	defer close(s.ended)
	defer func() { s.endSurvey() }()
	timer := time.NewTimer(0)
	defer timer.Stop()
	retry := retryFirst
	var worked time.Time // when the last round ended well
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-timer.C:
		}
		pause := gather
		if time.Since(worked) >= gatherAfter {
			pause = gatherLone
		}
		s.rest(ctx, pause)
		if err := s.round(ctx); err != nil {
			if ctx.Err() != nil {
				return
			}
			pause := s.failed(err, retry)
			if s.isAway() && !s.rules.rejoin {
				return
			}
			s.rest(ctx, pause) // marks do not start the next round before that
			retry = min(2*retry, retryLast)
			s.kick()
			continue
		}
		worked = time.Now()
		if s.succeeded() {
			retry = retryFirst
		}
		timer.Reset(s.untilDue())
	}
}

// rest waits for d or the end of ctx.
func (s *syncer) rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// failed takes in why a round failed, and returns how long to wait before the next one, which is retry in general.
func (s *syncer) failed(err error, retry time.Duration) time.Duration {
	var foreign *StoreError
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case errors.Is(err, errUnowned):
	case errors.As(err, &foreign):
		s.foreignLocked(foreign)
		return beatEvery
	default:
		if s.lostLocked() {
			s.log.Warn("other replicas cannot be reached; their people stay as they were last known", "err", err)
		}
		s.redialLocked(err)
	}
	return retry
}

// lostLocked notes that the others cannot be heard, and reports whether that is new.
func (s *syncer) lostLocked() bool {
	if !s.lost.IsZero() {
		return false
	}
	s.lost = s.lastOK
	s.outages++
	return true
}

// redialLocked has the connection replaced while rounds fail: after a failover the same address may lead to another
// server, and a connection that is never closed stays with the old one.
func (s *syncer) redialLocked(err error) {
	wait, now := redialEvery, time.Now()
	if errors.Is(err, errReadOnly) {
		wait = redialTold
	} else if s.dialedAt.IsZero() {
		s.dialedAt = now
	}
	if s.rules.redial && now.Sub(s.dialedAt) >= wait {
		s.renew, s.resync, s.dialedAt = true, true, now
	}
}

// succeeded notes the end of a round and reports whether everything on the noticeboard is known now. While a survey
// runs, people who came during an outage may be missing, so the others stay lost and nothing counts as synced.
func (s *syncer) succeeded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastOK = time.Now()
	if !s.whole {
		return false
	}
	if !s.lost.IsZero() {
		s.log.Info("other replicas can be reached again", "lost", time.Since(s.lost).Round(time.Millisecond))
		s.lost, s.dialedAt = time.Time{}, time.Time{}
	}
	if s.rounds++; s.rounds == 1 {
		close(s.synced)
	}
	return true
}

// untilDue is how long nothing need be done that is not announced.
func (s *syncer) untilDue() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	due := s.beatAt.Add(beatEvery)
	if !s.echoed && s.beatAt.Add(echoWait).Before(due) {
		due = s.beatAt.Add(echoWait)
	}
	if len(s.kept) > 0 && s.holding.Before(due) {
		due = s.holding
	}
	for _, t := range s.doubted {
		if t.Before(due) {
			due = t
		}
	}
	return max(due.Sub(now), time.Millisecond)
}

// round does all that is due. After an error what was not done stays marked.
func (s *syncer) round(ctx context.Context) error {
	s.afterStandstill(ctx)
	defer func() { s.ranAt = time.Now() }()
	if err := s.heal(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	clear(s.written)
	s.mu.Unlock()
	// Side by side, so that a round takes one trip to a distant server and not one for each.
	return s.whileBeating(ctx, func(ctx context.Context) error {
		var writing sync.WaitGroup
		var write error
		writing.Go(func() { write = s.writeMarked(ctx) })
		read := s.readMarked(ctx)
		writing.Wait()
		return errors.Join(read, write, s.cleanUp(ctx))
	})
}

// step runs f with the time one step may take.
func step[T any](ctx context.Context, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, roundWait)
	defer cancel()
	return f(ctx)
}

// heal replaces a connection that no longer announces anything, and makes sure that the noticeboard is ours. After missed
// announcements it starts over: first a beat, which proves the connection, then everybody who is known here or ours is marked,
// and a survey looks for the rest.
func (s *syncer) heal(ctx context.Context) error {
	s.mu.Lock()
	failed := s.surveyErr
	s.surveyErr, s.whole = nil, !s.surveying
	s.mu.Unlock()
	if failed != nil {
		return failed
	}
	if err := s.reconnect(ctx); err != nil {
		return err
	}
	if err := s.enter(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	resync := s.resync
	if resync {
		s.beatAt = time.Time{}
		if len(s.remote) > 0 { // or else nothing is known that could be held
			s.holdLocked(time.Now().Add(holdFor))
		}
	}
	s.mu.Unlock()
	if !resync {
		return nil
	}
	if err := s.beat(ctx); err != nil {
		return err
	}
	s.readAnew(ctx)
	return nil
}

// reconnect replaces the connection if that is due.
func (s *syncer) reconnect(ctx context.Context) error {
	s.mu.Lock()
	if !s.echoed && s.beaten && time.Since(s.beatAt) >= echoWait {
		s.renew, s.resync = true, true
	}
	renew := s.renew
	s.mu.Unlock()
	if !renew {
		return nil
	}
	if _, err := step(ctx, func(ctx context.Context) (any, error) { return nil, s.link.renew(ctx) }); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.renew = false
	s.reconnects++
	return nil
}

// readAnew marks everybody who is known here or ours, and has a survey look for the rest.
func (s *syncer) readAnew(ctx context.Context) {
	s.endSurvey()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resync = false
	if s.rounds > 0 {
		s.resyncs++
	}
	if len(s.remote) > 0 {
		s.holdLocked(time.Now().Add(holdFor))
	}
	if s.rules.union {
		for u := range s.remote {
			s.toRead[u] = struct{}{}
		}
		for u := range s.own {
			s.toRead[u] = struct{}{}
		}
	}
	s.surveyLocked(ctx)
}
