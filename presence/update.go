package presence

import (
	"container/heap"
	"slices"
	"time"
)

// Statuses end by the wall clock, which someone may change.
const (
	maxSleep = 30 * time.Second       // how often to check for a change of the wall clock
	maxStep  = 500 * time.Millisecond // larger changes rebuild the agenda
)

// updateLocked resolves p again and updates the counts, subscribers, other replicas and the agenda.
func (t *Tracker) updateLocked(p *person) {
	if t.draining {
		return
	}
	now := time.Now()
	was := len(p.conns) > 0 || len(p.remote) > 0
	p.pruneLocked(now)
	if is := len(p.conns) > 0 || len(p.remote) > 0; was && !is && !p.facts.Invisible && !p.input.IsZero() {
		p.seen = p.input.UTC().Round(0)
		t.stamps[p.user] = struct{}{}
	}
	var few [4]*ConnInfo // most people have a tab or two
	conns := few[:0]
	for _, c := range p.conns {
		conns = append(conns, &c.info)
	}
	r := Resolve(Subject{Facts: p.facts, Conns: conns, Remote: p.remote, Seen: p.seen}, t.cfg.IdleAfter, now)
	r.View.Since = t.since(p, r, now)
	marks := marks(p, now)
	count := devices(marks, p.remote)
	status, claims := p.ownStatus(now), p.liveClaims(now)
	changed := r.View != p.view || r.Why != p.why || count != p.devices || status != p.status || claims != p.claims
	if r.View != p.view {
		t.countLocked(p.view, -1)
		t.countLocked(r.View, +1)
		t.changes++
	}
	p.view, p.why, p.devices, p.status, p.claims = r.View, r.Why, count, status, claims
	ended, endedNext := p.ownEndings(now)
	t.publishLocked(p, conns, marks, ended, now)
	t.scheduleLocked(p, soonest(r.Next, endedNext))
	if changed {
		for _, f := range t.feeds {
			f.Mark(p.user)
		}
	}
	t.dropLocked(p, now)
}

// ownStatus returns the person's own status while it lasts. If it's the one in p.status, it returns that pointer.
func (p *person) ownStatus(now time.Time) *Status {
	own := &p.facts.Status
	switch {
	case !statusLive(own, now):
		return nil
	case p.status != nil && *p.status == *own:
		return p.status
	}
	return own
}

// liveClaims returns the claims for Self. If they're those in p.claims, it returns that pointer, so that renewing a
// lease changes nothing.
func (p *person) liveClaims(now time.Time) *[]Claim {
	if len(p.facts.Claims) == 0 { // most people
		return nil
	}
	var live []Claim
	for i := range p.facts.Claims {
		if c := &p.facts.Claims[i]; c.live(now) {
			live = append(live, c.shown())
		}
	}
	switch {
	case live == nil:
		return nil
	case p.claims != nil && slices.Equal(*p.claims, live):
		return p.claims
	}
	return &live
}

// since returns when the state in r began, for display only. While warming, people come back to states that began in
// another process, so it then uses only the times of their connections and statuses.
func (t *Tracker) since(p *person, r Result, now time.Time) time.Time {
	if r.View.State == Offline {
		return time.Time{}
	}
	if r.View.State == p.view.State {
		return p.view.Since
	}
	since := now
	if t.warm {
		since = r.From
	}
	for _, d := range p.remote {
		if !d.Since.IsZero() && (since.IsZero() || d.Since.Before(since)) {
			since = d.Since
		}
	}
	if since.After(now) {
		since = now
	}
	if since.IsZero() {
		return since
	}
	return since.UTC().Round(0)
}

func (t *Tracker) countLocked(v View, by int) {
	if v.Listed {
		t.counts.Add(v.State, by)
	}
}

// publishLocked publishes this replica's digest of p if it has changed.
func (t *Tracker) publishLocked(p *person, conns []*ConnInfo, marks, ended string, now time.Time) {
	d := Digest{Ended: ended}
	if len(conns) > 0 {
		own := connected(Subject{Conns: conns}, p.facts.idleAfter(t.cfg.IdleAfter), now)
		d.Connected, d.Active, d.Since, d.Devices = true, own.active, p.view.Since, marks
	}
	if len(conns) > 0 || contradicted(p) {
		d.Invisible, d.Disabled, d.AsOf = p.facts.Invisible, p.facts.Disabled, p.facts.AsOf
	}
	if d != p.published {
		p.published = d
		t.cfg.Registry.Publish(p.user, d)
	}
}

// scheduleLocked puts p on the agenda for next. If p is already due earlier, it doesn't move p, because an extra update
// costs less than moving a heap entry with each input.
func (t *Tracker) scheduleLocked(p *person, next time.Time) {
	switch {
	case next.IsZero():
		if p.index >= 0 {
			heap.Remove(&t.due, p.index)
		}
		p.next = next
		return
	case p.index < 0:
		p.next = next
		heap.Push(&t.due, p)
	case next.Before(p.next):
		p.next = next
		heap.Fix(&t.due, p.index)
	default:
		return
	}
	if p.index == 0 {
		t.armLocked()
	}
}

// armLocked sets the timer for the head of the agenda.
func (t *Tracker) armLocked() {
	if len(t.due) == 0 {
		t.timer.Stop()
		return
	}
	t.timer.Reset(min(max(time.Until(t.due[0].next), 0), maxSleep))
}

// tick updates everyone who is due.
func (t *Tracker) tick() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.draining {
		return
	}
	now := time.Now()
	if t.jumpedLocked(now) {
		for _, p := range slices.Clone(t.due) {
			t.updateLocked(p)
		}
	}
	for len(t.due) > 0 && !now.Before(t.due[0].next) {
		p := heap.Pop(&t.due).(*person)
		t.updateLocked(p)
	}
	t.armLocked()
}

// jumpedLocked reports whether the wall clock was changed, at once or gradually, since the agenda was built.
func (t *Tracker) jumpedLocked(now time.Time) bool {
	passed, shown := now.Sub(t.planned), now.Round(0).Sub(t.planned.Round(0)) // Round removes the monotonic clock
	if (shown - passed).Abs() <= maxStep {
		return false
	}
	t.planned = now
	return true
}

// agenda is a heap of people, ordered by when they're due.
type agenda []*person

func (a agenda) Len() int           { return len(a) }
func (a agenda) Less(i, j int) bool { return a[i].next.Before(a[j].next) }

func (a agenda) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].index, a[j].index = i, j
}

func (a *agenda) Push(x any) {
	p := x.(*person)
	p.index = len(*a)
	*a = append(*a, p)
}

func (a *agenda) Pop() any {
	old := *a
	p := old[len(old)-1]
	old[len(old)-1] = nil
	*a = old[:len(old)-1]
	p.index = -1
	return p
}
