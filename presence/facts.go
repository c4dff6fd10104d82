package presence

import (
	"slices"
	"time"
)

// FactsAsOf says that SetFacts was called for all that the accounts say up to and with revision rev. About a person,
// the replica that has read furthest is right.
func (t *Tracker) FactsAsOf(rev int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.asOf = rev
}

// SetFacts replaces what is known of user from accounts.
func (t *Tracker) SetFacts(user string, f Facts) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.personLocked(user)
	switch was := p.facts; {
	case was.AsOf > f.AsOf: // another replica has read further, and this one is about to
		f.Invisible, f.Disabled, f.AsOf = was.Invisible, was.Disabled, was.AsOf
	case !f.hidden() && was.AsOf == 0:
		f.AsOf = 0 // the person was never hidden, so no replica needs to be told
	}
	t.setFactsLocked(p, f)
	t.updateLocked(p)
}

// learnLocked takes over from other replicas whether p may be seen, where they have read the accounts further than
// this replica. That is how a replica hides people while it can't reach its database. The highest revision wins and
// stays, so the order in which replicas are heard, stop or start again makes no difference.
func (t *Tracker) learnLocked(p *person, digests []Digest) {
	f := *p.facts
	for _, d := range digests {
		switch same := d.Invisible == f.Invisible && d.Disabled == f.Disabled; {
		case d.AsOf <= f.AsOf:
		case same, d.AsOf > t.asOf:
			f.Invisible, f.Disabled, f.AsOf = d.Invisible, d.Disabled, d.AsOf
		default: // the other replica is behind, and has to be told
			f.AsOf = t.asOf
		}
	}
	if f.AsOf != p.facts.AsOf {
		t.setFactsLocked(p, f)
	}
}

// contradicted reports whether another replica has connections of p and shows or hides them by older facts. This
// replica then tells what it knows, even without connections of its own, until the other one has taken it over.
func (p *person) contradicted() bool {
	return slices.ContainsFunc(p.remote, func(d Digest) bool { return d.AsOf < p.facts.AsOf })
}

// setFactsLocked leaves it to the caller to update p.
func (t *Tracker) setFactsLocked(p *person, f Facts) {
	now := time.Now()
	if turned := f.Invisible != p.facts.Invisible; turned && p.connected(now) {
		if f.Invisible { // looks like signing out, stamp included
			for _, c := range p.conns {
				c.presumeLocked(now)
			}
			p.seen = p.input.UTC().Round(0)
			t.stamps[p.user] = struct{}{}
		} else {
			p.input = now // coming back is input; all before it stays untold
		}
	}
	p.facts = plainFacts
	if !f.plain() {
		p.facts = &f
	}
}
