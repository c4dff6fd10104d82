package presence

import "time"

// Stats are a Tracker's numbers for metrics. Counters start at 0 with the process and never decrease.
type Stats struct {
	Counts                // people by the state that watchers see
	People  int           // people in memory: connected, in a grace period, or with facts
	Changes uint64        // changes of what watchers may see
	Link    *ReplicaStats // nil if there are no other replicas
}

// ReplicaStats are the numbers of one replica among others.
type ReplicaStats struct {
	Others    int           // other replicas with a lease
	Lost      bool          // this replica can't reach the others
	Conflict  bool          // this replica doesn't talk to the others, because they have other accounts
	Own       int           // users with an entry of this replica
	Elsewhere int           // users with an entry of another replica
	RoundTrip time.Duration // of the last renewal of the lease; 0 if there was none
	LeaseAge  time.Duration // since that renewal; 0 if there was none

	Outages    uint64 // how often this replica lost the others
	Reconnects uint64 // how often it replaced a connection that failed or announced nothing
	Resyncs    uint64 // how often it missed announcements and read everything again, not counting the first time
	Repaired   uint64 // own entries that it found wrong or missing, and wrote again
}
