package accounts

import (
	"database/sql"
	"time"
)

// Stats is what a Store can tell of itself in numbers.
type Stats struct {
	Writer, Reader PoolStats // where one pool does both they are the same
	Hash           HashStats
}

// PoolStats is how a pool of connections to the database stands. Counters begin with the process.
type PoolStats struct {
	Open, InUse int
	Waits       int64 // for a connection
	Waited      time.Duration
}

func poolStats(db *sql.DB) PoolStats {
	st := db.Stats()
	return PoolStats{Open: st.OpenConnections, InUse: st.InUse, Waits: st.WaitCount, Waited: st.WaitDuration}
}

// HashStats is how the hashing of passwords stands. Counters begin with the process.
type HashStats struct {
	Workers int   // passwords that may be hashed at once
	Running int   // that are being hashed
	Waiting int64 // that wait for their turn
	Done    int64 // hashes computed
	Refused int64 // that were told to come back, after waiting in vain
}

// Stats returns the numbers of this moment.
func (s *Store) Stats() Stats {
	h := s.hash
	return Stats{
		Writer: poolStats(s.w.db), Reader: poolStats(s.r.db),
		Hash: HashStats{
			Workers: cap(h.slots), Running: len(h.slots), Waiting: h.waiting.Load(), Done: h.ops.Load(), Refused: h.refused.Load(),
		},
	}
}
