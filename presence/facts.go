package presence

import (
	"slices"
	"time"
)

// FactsAsOf says that SetFacts was called for everything up to accounts revision rev. If replicas have different facts
// about a person, those of the highest revision count.
func (t *Tracker) FactsAsOf(rev int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asOf = rev
}

// NewestFacts returns the highest revision of the accounts among all facts, including those of other replicas.
func (t *Tracker) NewestFacts() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	newest := t.asOf
	for _, p := range t.people {
		newest = max(newest, p.facts.AsOf)
	}
	return newest
}

// SetFacts replaces the facts about user.
func (t *Tracker) SetFacts(user string, f Facts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.personLocked(user)
	switch was := p.facts; {
	case was.AsOf > f.AsOf: // another replica has read further, and this one soon will
		f.Invisible, f.Disabled, f.AsOf = was.Invisible, was.Disabled, was.AsOf
	case !f.hidden() && was.AsOf == 0:
		f.AsOf = 0 // the person was never hidden, so the others needn't know
	}
	t.setFactsLocked(p, f)
	t.updateLocked(p)
}

// learnLocked learns from other replicas whether p is hidden, if they have read a later revision of the accounts.
// That's how a replica hides people while it can't reach its database. The highest revision wins, so the order in which
// digests arrive or replicas restart makes no difference.
func (t *Tracker) learnLocked(p *person, digests []Digest) {
	f := *p.facts
	for _, d := range digests {
		switch same := d.Invisible == f.Invisible && d.Disabled == f.Disabled; {
		case d.AsOf <= f.AsOf:
		case same, d.AsOf > t.asOf:
			f.Invisible, f.Disabled, f.AsOf = d.Invisible, d.Disabled, d.AsOf
		default: // the other replica is behind and needs the newer revision
			f.AsOf = t.asOf
		}
	}
	if f.AsOf != p.facts.AsOf {
		t.setFactsLocked(p, f)
	}
}

// contradicted reports whether another replica has connections of p and uses older facts. This replica then publishes
// its facts, even without connections of its own, until the other one has taken them over.
func contradicted(p *person) bool {
	return slices.ContainsFunc(p.remote, func(d Digest) bool { return d.AsOf < p.facts.AsOf })
}

// setFactsLocked sets the facts. The caller updates p.
func (t *Tracker) setFactsLocked(p *person, f Facts) {
	now := time.Now()
	if turned := f.Invisible != p.facts.Invisible; turned && p.connected(now) {
		if f.Invisible { // looks like signing out, including last seen
			for _, c := range p.conns {
				c.presumeLocked(now)
			}
			p.seen = p.input.UTC().Round(0)
			t.stamps[p.user] = struct{}{}
		} else {
			p.input = now // becoming visible counts as input, so earlier input stays hidden
		}
	}
	p.facts = plainFacts
	if !f.plain() {
		p.facts = &f
	}
}
