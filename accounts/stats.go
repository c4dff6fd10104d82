package accounts

import (
	"database/sql"
	"time"
)

// Stats holds statistics of a Store.
type Stats struct {
	Writer, Reader PoolStats // the same pool on Postgres
	Hash           HashStats
}

// PoolStats holds statistics of a connection pool. Counters start with the process.
type PoolStats struct {
	Open, InUse int
	Waits       int64 // for a connection
	Waited      time.Duration
}

func poolStats(db *sql.DB) PoolStats {
	st := db.Stats()
	return PoolStats{Open: st.OpenConnections, InUse: st.InUse, Waits: st.WaitCount, Waited: st.WaitDuration}
}

// HashStats holds statistics of password hashing. Counters start with the process.
type HashStats struct {
	Workers int   // maximum number of passwords hashed at once
	Running int   // passwords being hashed
	Waiting int64 // passwords waiting to be hashed
	Done    int64 // hashes computed
	Refused int64 // passwords refused because they waited too long
}

// Stats returns the current statistics.
func (s *Store) Stats() Stats {
	h := s.hash
	return Stats{
		Writer: poolStats(s.w.db), Reader: poolStats(s.r.db),
		Hash: HashStats{
			Workers: cap(h.slots), Running: len(h.slots), Waiting: h.waiting.Load(), Done: h.ops.Load(),
			Refused: h.refused.Load(),
		},
	}
}
