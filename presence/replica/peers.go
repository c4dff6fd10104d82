package replica

import "time"

// peer is another replica. Guarded by syncer.mu.
type peer struct {
	alive         bool
	known         bool      // its lease was read, and hasn't been announced again since it was missing
	announcements int       // of its lease; if there was one during a read of the lease, the answer may be older
	missing       time.Time // since when it has had no lease; zero if it has one
	readAt        time.Time // when its lease was last read, or a recent announcement made that unnecessary
	renewedAt     time.Time // when a renewal of its lease was last announced
	until         time.Time // when its last known lease ends; a lease that disappears earlier was lost
	users         int       // with an entry of this peer
}

// peers holds all other replicas that this one knows. Guarded by syncer.mu.
type peers struct {
	rules     *rules
	byID      map[string]*peer
	holdUntil time.Time // until then, a missing entry or lease may only be lost, and counts
	cleanedAt time.Time // when it last looked for peers that are gone for good
}

func newPeers(r *rules) peers { return peers{rules: r, byID: map[string]*peer{}} }

// get returns the peer with an ID, or a new one if it isn't known.
func (p *peers) get(id string) *peer {
	if p.byID[id] == nil {
		p.byID[id] = &peer{}
	}
	return p.byID[id]
}

// alive counts the peers with a lease.
func (p *peers) alive() (n int) {
	for _, other := range p.byID {
		if other.alive {
			n++
		}
	}
	return n
}

// unknown reports whether there's a peer whose lease has to be read.
func (p *peers) unknown() bool {
	for _, other := range p.byID {
		if !other.known {
			return true
		}
	}
	return false
}

// announced records that the lease of a peer was announced. As long as the lease can't have expired, that means that it
// was renewed, or that Redis lost it and the peer soon starts another one. Each announcement moves until to less than a
// full lease from now, so that late announcements do no harm.
func (p *peers) announced(id string, now time.Time) {
	other := p.get(id)
	other.announcements++
	switch {
	case !other.missing.IsZero():
		other.known = false // it may be back
	case other.alive && other.until.Sub(now) > echoWait:
		other.renewedAt, other.until = now, later(other.until, now.Add(leaseTTL-beatEvery))
	}
}

// hold makes missing entries and leases count until a time.
func (p *peers) hold(until time.Time) {
	if p.rules.hold && until.After(p.holdUntil) {
		p.holdUntil = until
	}
}

// holding reports whether missing entries and leases count now.
func (p *peers) holding(now time.Time) bool { return now.Before(p.holdUntil) }

// question is one peer whose lease is read, and what was known before the read.
type question struct {
	id            string
	announcements int
	asked         time.Time
}

// toAsk returns the peers whose leases have to be read. A peer without a lease is announced when it comes back. If a
// renewal was just announced, the lease isn't read, so normally no leases are read.
func (p *peers) toAsk(now time.Time) (questions []question) {
	for id, other := range p.byID {
		switch polled := p.rules.poll && (other.alive || p.holding(now)); {
		case other.known && !polled:
		case other.known && !p.holding(now) && now.Sub(other.renewedAt) < beatEvery+echoWait:
			other.readAt = now
		default:
			questions = append(questions, question{id, other.announcements, now})
		}
	}
	return questions
}

// answered records how long the peers in questions still have a lease. It returns the peers that came or went, and
// whether to read some leases again.
//
// A peer without a lease is gone, and so are its users, because the lease was their grace period. As long as the store
// may have lost the lease, the peer counts, and the hold continues until the peer has renewed the lease and written its
// entries again. If its lease couldn't be read for long, it may not have been able to renew it either: the store may
// have refused everything, or the machine of all replicas may have stood still.
func (p *peers) answered(
	questions []question, left []time.Duration, now time.Time,
) (changed []*peer, again bool) {
	for i, q := range questions {
		other := p.byID[q.id]
		if other == nil || left[i] == unknownLease {
			continue
		}
		was := other.alive
		if p.rules.unseen && was && now.Sub(other.readAt) >= 2*beatEvery {
			p.hold(now.Add(holdFor))
		}
		other.readAt = now
		held := p.holding(now)
		if left[i] > 0 {
			if held && was && !other.missing.IsZero() {
				p.hold(now.Add(holdFor))
			}
			other.alive, other.missing = true, time.Time{}
			other.until = q.asked.Add(left[i]) // not later than its end, which might look like a renewal
		} else {
			if other.missing.IsZero() {
				other.missing = now
			}
			other.alive = was && (held || now.Before(other.until))
			if held && other.alive {
				p.hold(earlier(other.until, now.Add(beatEvery+echoWait))) // or until the next read
			}
		}
		other.known = left[i] > 0 || other.announcements == q.announcements
		again = again || !other.known // it may have come back since, and been announced before the answer
		if other.alive != was {
			changed = append(changed, other)
		}
	}
	return changed, again
}

// gone returns the peers that are gone for good and still have entries. It forgets those without entries.
func (p *peers) gone(now time.Time) map[string]*peer {
	if now.Sub(p.cleanedAt) < beatEvery {
		return nil
	}
	p.cleanedAt = now
	gone := map[string]*peer{}
	for id, other := range p.byID {
		switch {
		case other.alive || other.missing.IsZero() || now.Sub(other.missing) < cleanAfter:
		case other.users == 0:
			delete(p.byID, id)
		default:
			gone[id] = other
		}
	}
	return gone
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
