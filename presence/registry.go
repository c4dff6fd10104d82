package presence

import (
	"context"
	"time"
)

// LeaseTTL is how long the others count a replica's users after its last sign of life.
const LeaseTTL = 10 * time.Second

// Registry connects a Tracker to the other replicas. The Tracker publishes what this replica knows of its own
// connections, and reads what the others know of theirs.
//
// The package registrytest tests every implementation against this contract:
//
//   - The last digest published for a user is valid until the next one. Publish may merge calls for one user, and
//     repeats are harmless. It never blocks on I/O and never fails: the Registry retries what it couldn't send.
//   - Every digest except the zero one reaches the other replicas, even if it has no connections.
//   - Remote returns the digests that other live replicas have of a user, in no order, and never this replica's own. It
//     answers from memory and never blocks.
//   - Changes names a user after Remote may have changed for them, at least once after the last change, in any order.
//     It may name users for whom nothing changed.
//   - When a replica leaves or dies, its digests disappear: at once in Memory, after at most LeaseTTL elsewhere (seen
//     after 7-13 s). A digest that only got lost on the way doesn't disappear.
//   - While this replica can't reach the others, or the store they share belongs to other accounts, Remote keeps the
//     last known digests and Peers says since when. The Registry recovers automatically.
//   - Any goroutine may call any method. No method calls the Tracker back.
type Registry interface {
	Publish(user string, d Digest)
	Remote(user string) []Digest
	Changes() *Feed
	Peers() Peers
	// Stats returns the numbers for metrics, or nil if there can't be other replicas.
	Stats() *ReplicaStats
	// Synced is closed once this replica knows what the others have. It stays open while it can't reach them.
	Synced() <-chan struct{}
	// Leave tells the others that this replica stops on purpose. Its users have LeaseTTL to connect elsewhere.
	Leave(ctx context.Context) error
	// Close ends everything the Registry runs and waits for it.
	Close() error
}

// Peers says whether a Registry reaches the other replicas.
type Peers struct {
	Others   int       // other live replicas
	Lost     time.Time // since when it can't reach the others; zero if it can, or if there are none
	Conflict error     // why it doesn't talk to the others, until that changes; nil if it does
}
