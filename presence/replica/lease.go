package replica

import "time"

// ownLease is this replica's lease in the store. Guarded by syncer.mu.
type ownLease struct {
	sentAt       time.Time     // of the last renewal; zero if the next one is due now
	announced    bool          // the store announced that renewal to this replica
	notAnnounced bool          // the store never announced the previous renewal
	held         bool          // the last renewal succeeded, so the lease should still be there
	roundTrip    time.Duration // of the last renewal
	renewedAt    time.Time     // end of the last renewal that succeeded
	ended        bool          // a renewal came too late; the next one has to wait for the next round
}

// begin reports whether a renewal is due, and records that it's sent now.
func (l *ownLease) begin(now time.Time) bool {
	if now.Sub(l.sentAt) < beatEvery || l.ended {
		return false
	}
	l.notAnnounced = l.held && !l.announced
	l.sentAt, l.announced = now, false
	return true
}

// failed records that a renewal failed: the next one is due now, and no announcement is expected.
func (l *ownLease) failed() { l.sentAt, l.announced, l.held = time.Time{}, true, false }

// end records that a renewal came too late: the lease had ended.
func (l *ownLease) end() { l.ended, l.held, l.announced = true, false, true }

// restart reports whether the last renewal came too late. Then a new lease is due now.
func (l *ownLease) restart() bool {
	ended := l.ended
	if ended {
		l.ended, l.sentAt = false, time.Time{}
	}
	return ended
}

// renewed records a renewal that was sent at a time, and succeeded now.
func (l *ownLease) renewed(sent, now time.Time) {
	l.held, l.roundTrip, l.renewedAt = true, now.Sub(sent), now
}

// unannounced reports whether the store should have announced the last renewal by now, but didn't.
func (l *ownLease) unannounced(now time.Time) bool {
	return !l.announced && l.held && now.Sub(l.sentAt) >= echoWait
}

// nextDue returns when to renew the lease, or to replace a connection that didn't announce the last renewal.
func (l *ownLease) nextDue() time.Time {
	if !l.announced {
		return l.sentAt.Add(echoWait)
	}
	return l.sentAt.Add(beatEvery)
}
