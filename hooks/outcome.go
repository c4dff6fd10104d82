package hooks

import (
	"time"

	"rollcall/accounts"
)

// answer is how a receiver answered.
type answer struct {
	Status     int           // of HTTP; 0: none
	Reason     string        // why it failed; "": it didn't
	Unclear    bool          // it may have arrived all the same
	RetryAfter time.Duration // that the receiver wants
	Took       time.Duration
}

// outcome returns what to store about an answer, and why to stop the hook; "": not at all.
func (m *machine) outcome(d *delivery, a answer, event string, now time.Time) (o accounts.Outcome, stop accounts.HookStop) {
	health := d.target.hook.HookHealth
	o = accounts.Outcome{
		Delivery: accounts.Delivery{At: now, Event: event, Tries: d.attempt.Parts[0].Tries, Status: a.Status, Took: a.Took,
			Reason: a.Reason},
		Accepted: a.Reason == "",
		Unclear:  a.Unclear && m.rules.unsure,
	}
	if o.Accepted {
		o.Again = health.Failures > 0
		return o, ""
	}
	if n := health.Failures + 1; n >= circuitAfter {
		o.ProbeAt = now.Add(m.jitter(circuitPauses[min(n-circuitAfter, len(circuitPauses)-1)]))
	}
	if at := now.Add(a.RetryAfter); a.RetryAfter > 0 && at.After(o.ProbeAt) {
		o.ProbeAt = at
	}
	switch {
	case a.Status == statusGone:
		stop = accounts.HookGone
	case !health.FailsSince.IsZero() && now.Sub(health.FailsSince) >= failingFor:
		stop = accounts.HookFailing
	}
	return o, stop
}

const statusGone = 410

// ended applies an outcome that was stored. stored is false if it couldn't be stored: then nobody knows what the
// receiver was told.
func (m *machine) ended(d *delivery, o accounts.Outcome, stored bool, now time.Time) {
	t := d.target
	health := &t.hook.HookHealth
	switch {
	case o.Accepted:
		health.Failures, health.FailsSince, health.ProbeAt = 0, time.Time{}, time.Time{}
	default:
		health.Failures++
		if health.FailsSince.IsZero() {
			health.FailsSince = now
		}
		health.ProbeAt = o.ProbeAt
	}
	m.release(d, now, func(p *pair, part accounts.Part, was accounts.Told) {
		if o.Accepted && stored {
			p.told = accounts.Told{PersonID: part.PersonID, State: part.State}
			return
		}
		p.told.State = was.State
		p.told.Unsure = o.Unclear || part.WasUnsure || !stored
		p.told.Message = accounts.HookMessage{EventID: d.attempt.EventID, State: part.State, Body: part.Body, Tries: part.Tries,
			Due: part.Next}
		if part.Next.IsZero() {
			p.told.Message.Body = ""
		}
	})
	if o.Again {
		for _, p := range t.open {
			if x := &p.told.Message; x.EventID != "" && (x.Due.IsZero() || x.Due.After(now)) {
				x.Due = now
			}
		}
	}
}

// dropped says that the message of d was dropped.
func (m *machine) dropped(d *delivery, now time.Time) {
	m.release(d, now, func(p *pair, _ accounts.Part, _ accounts.Told) { p.told.Message = accounts.HookMessage{} })
}

// aborted says that d didn't begin. Its people are looked at again at once, unless the caller waits.
func (m *machine) aborted(d *delivery, now time.Time) {
	m.release(d, now, func(*pair, accounts.Part, accounts.Told) {})
}

// release ends d, and applies f to its people.
func (m *machine) release(d *delivery, now time.Time, f func(*pair, accounts.Part, accounts.Told)) {
	t, id := d.target, d.attempt.Hook.ID
	m.sending--
	decrease(m.busy, id)
	decrease(m.owners, d.attempt.Hook.UserID)
	for i, part := range d.attempt.Parts {
		decrease(m.flying, [2]string{id, part.PersonID})
		p := t.people[part.PersonID]
		if p == nil { // offline since, which the receiver was told before
			p = &pair{told: d.from[i], changed: now}
			t.people[part.PersonID] = p
		}
		f(p, part, d.from[i])
		t.sort(p)
	}
}

func decrease[K comparable](counts map[K]int, key K) {
	if counts[key]--; counts[key] <= 0 {
		delete(counts, key)
	}
}
