package replica

import (
	"errors"
	"time"
)

const (
	redialEvery    = 5 * time.Second // while rounds fail, the connection is replaced this often
	redialReadOnly = 1 * time.Second // or this often while the server takes no writes
)

// health is how well this replica reaches the store. Guarded by syncer.mu.
type health struct {
	rounds     int       // complete rounds so far
	lastOK     time.Time // end of the last successful round
	lostSince  time.Time // since when rounds fail; zero if they don't
	redialedAt time.Time // while rounds fail, when the connection was last replaced, or else the first failure
	redial     bool      // replace the connection before the next round

	outages    uint64 // how often lostSince was set
	reconnects uint64 // how often the connection was replaced
	resyncs    int    // after the first
}

// lose records that this replica doesn't reach the others, and reports whether that is new.
func (h *health) lose() bool {
	if !h.lostSince.IsZero() {
		return false
	}
	h.lostSince = h.lastOK
	h.outages++
	return true
}

// redialDue reports whether the connection has to be replaced because a round failed with err. After a failover, the
// address may lead to another server, but an open connection stays with the old one.
func (h *health) redialDue(err error, now time.Time) bool {
	wait := redialEvery
	if errors.Is(err, errReadOnly) {
		wait = redialReadOnly
	} else if h.redialedAt.IsZero() {
		h.redialedAt = now
	}
	if now.Sub(h.redialedAt) < wait {
		return false
	}
	h.redialedAt = now
	return true
}
