package replica

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"rollcall/presence"
)

// The times of the protocol between replicas.
const (
	leaseTTL   = presence.LeaseTTL
	beatEvery  = 3 * time.Second        // between renewals of this replica's lease, and between reads of the others
	holdFor    = 3 * time.Second        // after a resync, a missing entry or lease counts for this long
	echoWait   = 1 * time.Second        // for the announcement of this replica's renewal
	stepWait   = 4 * time.Second        // for one step of a round
	cleanAfter = 60 * time.Second       // entries of a replica without a lease are removed after this long
	retryFirst = 50 * time.Millisecond  // pause after a failed round, doubling
	retryLast  = 500 * time.Millisecond // up to this
	adoptAfter = beatEvery + retryLast  // running replicas mark an empty store as theirs within this time
)

// rules are the parts of the protocol that the simulation switches off one at a time to show that each is needed.
type rules struct {
	audit      bool // a replica writes its own entry again when it reads something else
	union      bool // a resync reads all users known here, not only those in the store
	poll       bool // a replica reads leases regularly, because their end isn't always announced
	hold       bool // after a resync, a missing entry or lease counts for a while
	keepMarks  bool // an announcement during a read causes another read
	redial     bool // a replica replaces a connection that keeps failing
	waitTurn   bool // a new process lets running replicas mark an empty store first
	rejoin     bool // after a conflict, a replica keeps trying and comes back
	contest    bool // a foreign mark that nobody renews ends within a lease
	standstill bool // after a standstill, a replica removes users who have left before it renews its lease
	unseen     bool // a lease that ended while it couldn't be read counts for a while
	removals   bool // an entry that its replica said it removes isn't read twice
}

var allRules = rules{
	audit: true, union: true, poll: true, hold: true, keepMarks: true,
	redial: true, waitTurn: true, rejoin: true, contest: true, standstill: true, unseen: true, removals: true,
}

// syncer implements the protocol, and presence.Registry on a sharedStore. It keeps the entries of other replicas in
// memory, and makes sure that the store has this replica's own entries.
//
// Announcements only mark users to read. One loop reads, compares and writes. The protocol is self-stabilizing: once a
// store stops losing, inventing or delaying data, all replicas agree with the truth within seconds.
type syncer struct {
	store sharedStore
	self  string
	log   *slog.Logger
	rules rules

	changes *presence.Feed
	synced  chan struct{} // closed after the first complete round
	loop    loop

	mu      sync.Mutex // guards everything below, including all fields of these types; never held during I/O
	leaving bool
	resync  bool // read everything again
	lease   ownLease
	peers   peers
	entries entries
	owner   ownership
	survey  survey
	health  health
}

func newSyncer(self string, log *slog.Logger) *syncer {
	s := &syncer{
		self: self, log: log, rules: allRules, changes: presence.NewFeed(), synced: make(chan struct{}),
		loop: newLoop(), resync: true, health: health{lastOK: time.Now()}, owner: ownership{adoptAfter: adoptAfter},
	}
	s.peers = newPeers(&s.rules)
	s.entries = newEntries(self, &s.rules, &s.peers)
	return s
}

// Publish implements presence.Registry.
func (s *syncer) Publish(user string, d presence.Digest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.leaving && s.entries.publish(user, encodeDigest(d)) {
		s.loop.wakeUp()
	}
}

// Remote implements presence.Registry.
func (s *syncer) Remote(user string) []presence.Digest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries.digests(user)
}

// Changes implements presence.Registry.
func (s *syncer) Changes() *presence.Feed { return s.changes }

// Synced implements presence.Registry.
func (s *syncer) Synced() <-chan struct{} { return s.synced }

// Peers implements presence.Registry.
func (s *syncer) Peers() presence.Peers {
	s.mu.Lock()
	defer s.mu.Unlock()
	return presence.Peers{Others: s.peers.alive(), Lost: s.health.lostSince, Conflict: s.owner.conflict}
}

// Stats implements presence.Registry.
func (s *syncer) Stats() *presence.ReplicaStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := presence.ReplicaStats{
		Others: s.peers.alive(), Lost: !s.health.lostSince.IsZero(), Conflict: s.owner.conflict != nil,
		Own: len(s.entries.own), Elsewhere: len(s.entries.remote), RoundTrip: s.lease.roundTrip,
		Outages: s.health.outages, Reconnects: s.health.reconnects,
		Resyncs: uint64(s.health.resyncs), Repaired: uint64(s.entries.repaired),
	}
	if !s.lease.renewedAt.IsZero() {
		st.LeaseAge = time.Since(s.lease.renewedAt)
	}
	return &st
}

// Leave implements presence.Registry. The last renewal of the lease says that this replica is leaving. The entries stay
// and count until the lease ends, while users connect to other replicas.
func (s *syncer) Leave(ctx context.Context) error {
	s.mu.Lock()
	s.leaving = true
	s.mu.Unlock()
	s.loop.end() // otherwise, a beat could follow the last one
	s.mu.Lock()
	ours, held := s.owner.joined(), s.lease.held
	s.mu.Unlock()
	if !ours {
		return nil // the store may belong to other accounts
	}
	_, err := s.store.beat(ctx, leaseInfo{leaving: true}, held)
	return err
}

// Close implements presence.Registry.
func (s *syncer) Close() error {
	s.loop.end()
	s.store.close()
	return nil
}

// announced records what the store announced: users whose entries changed and replicas whose leases changed. It runs on
// the connection's reading goroutine, so it only marks.
func (s *syncer) announced(users, replicas []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.entries.toRead.add(users...)
	for _, id := range replicas {
		if id == s.self {
			s.lease.announced = true
		} else {
			s.peers.announced(id, time.Now())
		}
	}
	s.loop.wakeUp()
}

// removing records that replicas said that they remove entries. Like announced, it only marks.
func (s *syncer) removing(all []removal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range all {
		if s.rules.removals && r.replica != s.self && s.entries.noteRemoval(r, time.Now()) {
			s.loop.wakeUp()
		}
	}
}

// announcementsLost says that announcements may have been missed.
func (s *syncer) announcementsLost() {
	s.mu.Lock()
	clear(s.entries.removed) // what is missing from now on may be lost
	s.mu.Unlock()
	s.partBack()
}

// partBack says that a part of the store can be used again, and that its announcements may have been missed. Removals
// that couldn't be made there were announced by the other parts all the same, and still explain what is missing.
func (s *syncer) partBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.resync = true
	s.holdLocked()
	s.owner.unownedSince = time.Time{} // running replicas need the full time again to mark the store as theirs
	s.loop.wakeUp()
}

// wake causes a round, because a part of the store doesn't work anymore.
func (s *syncer) wake() { s.loop.wakeUp() }

// moveOwn marks this replica's entries with certain keys to be read. They were moved, and might have been lost.
func (s *syncer) moveOwn(has func(user string) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for user := range s.entries.own {
		if has(user) {
			s.entries.toRead.add(user)
		}
	}
	s.loop.wakeUp()
}

// moved says that the connection leads to a server that the replicas don't share anymore.
func (s *syncer) moved() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.health.redial, s.resync = true, true
	s.loop.wakeUp()
}

// has reports whether this replica has an entry of user.
func (s *syncer) has(user string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.entries.own[user]
	return ok
}

// found marks users and replicas that a survey found. Some replicas have no users yet.
func (s *syncer) found(users, replicas []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range replicas {
		if id != s.self {
			s.peers.get(id)
		}
	}
	s.entries.toRead.add(users...)
	s.loop.wakeUp()
}
