package presence

import (
	"context"
	"time"
)

// Registry is the seam to other replicas. A Tracker publishes through it what this replica knows of its own
// connections, and reads what the others know of theirs.
//
// The contract, which one conformance suite (registry_test.go) holds every implementation to:
//
//   - Publish is level-triggered: the last digest given for a user is the truth of this replica until the next one.
//     Repeats are harmless, calls for one user may be folded into the last. It never blocks on I/O and never fails:
//     what could not be told is told when that is possible again.
//   - Any digest but the zero one is passed on, also one that says nothing of connections.
//   - Remote returns what the other live replicas have of a user, never this replica's own digest. It answers from
//     memory and never blocks. The order means nothing.
//   - Changes names a user after Remote may have changed for them, at least once after the last change, in any order.
//     It may name users for whom nothing changed.
//   - A replica that leaves (Leave) or dies takes its digests with it: at once in memory, after at most one lease
//     (10 s, seen after 7–13 s) elsewhere. A digest that merely got lost on the way is not a departure.
//   - While the others cannot be reached, or the place where they meet belongs to other accounts, Remote keeps the last
//     known digests and Peers says since when. It comes back by itself.
//   - All methods may be called from many goroutines; none calls back into the Tracker.
type Registry interface {
	Publish(user string, d Digest)
	Remote(user string) []Digest
	Changes() *Feed
	Peers() Peers
	// Synced is closed when it was first known what the others have. Where they cannot be reached it stays open.
	Synced() <-chan struct{}
	// Leave tells the others that this replica goes on purpose: its users have one lease to come back elsewhere.
	Leave(ctx context.Context) error
	// Close ends everything the Registry runs and waits for it.
	Close() error
}

// Peers is how a Registry stands to the other replicas.
type Peers struct {
	Others   int       // live replicas beside this one
	Lost     time.Time // since when the others cannot be reached; zero: they can, or there are none to reach
	Conflict error     // why this replica stays away from the others, which it does until that changes; nil: it doesn't
}
