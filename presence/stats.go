package presence

import "time"

// Stats is what a Tracker can tell of itself in numbers. Whoever shows them decides how. Counters begin with the process
// and never go back.
type Stats struct {
	Counts                // people by what is shown of them
	People  int           // people about whom something is remembered: here, in a grace, or with a status of their own
	Changes uint64        // changes of what a watcher may see of somebody
	Link    *ReplicaStats // nil: this process is alone
}

// ReplicaStats is how a replica stands to the others.
type ReplicaStats struct {
	Others    int           // replicas with a lease beside this one
	Lost      bool          // the others cannot be reached
	Conflict  bool          // this replica stays away from the others, because they have other accounts
	Own       int           // users with an entry of this replica
	Elsewhere int           // users with an entry of another one
	Trip      time.Duration // of the last renewal of the lease; 0: there was none
	LeaseAge  time.Duration // since that renewal; 0: there was none

	Outages    uint64 // how often the others were lost
	Reconnects uint64 // how often a connection that announced nothing or kept failing was replaced
	Resyncs    uint64 // how often announcements were missed and everything was read anew, the first time apart
	Repaired   uint64 // own entries that were found wrong or missing, and written again
}

// Stats returns the numbers of this moment.
func (t *Tracker) Stats() Stats {
	t.mu.Lock()
	st := Stats{Counts: t.counts, People: len(t.people), Changes: t.changes}
	t.mu.Unlock()
	if r, ok := t.cfg.Registry.(interface{ stats() ReplicaStats }); ok {
		link := r.stats()
		st.Link = &link
	}
	return st
}

// stats is what Stats tells of replicas.
func (s *syncer) stats() ReplicaStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := ReplicaStats{
		Lost: !s.lost.IsZero(), Conflict: s.conflict != nil,
		Own: len(s.own), Elsewhere: len(s.remote), Trip: s.trip,
		Outages: s.outages, Reconnects: s.reconnects, Resyncs: uint64(s.resyncs), Repaired: uint64(s.repaired),
	}
	for _, p := range s.peers {
		if p.alive {
			st.Others++
		}
	}
	if !s.renewedAt.IsZero() {
		st.LeaseAge = time.Since(s.renewedAt)
	}
	return st
}
