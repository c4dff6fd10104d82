//go:build unix

package e2e_test

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"
)

// What is promised about somebody whose last connection has gone (DESIGN, "Constants").
const (
	graceClean   = 5 * time.Second
	graceDropped = 15 * time.Second
	leaseLeast   = 7 * time.Second  // after a crash the others go on to show its people at least so long
	leaseLeaving = 10 * time.Second // and after a replica left on purpose
	leaseMost    = 13 * time.Second // after both they are hidden at the latest then
	recovery     = 4 * time.Second  // after an outage of Redis, for departures during it
)

// What the checker allows for the machine's noise.
const (
	early = 300 * time.Millisecond  // a client notices a close so much later than the server
	late  = 1500 * time.Millisecond // a change is on its way to watchers so long; DESIGN promises 1 s
	heard = 500 * time.Millisecond  // and so long to another replica: who moves there at the end of their grace may flicker
)

// ending is how a connection, or a process, ended.
type ending uint8

const (
	clean     ending = iota // the client closed it
	dropped                 // it broke
	restarted               // its replica left on purpose
	killed                  // its replica was killed
	signedOut               // its session was ended
)

// stay is one connection as its client knows it: the truth.
type stay struct {
	user   int
	life   *life
	open   time.Time
	closed time.Time // zero: it is open
	how    ending
}

// keeps is until when others must go on to show the person.
func (s *stay) keeps() time.Time {
	ended, how := s.life.end()
	until := s.closed
	switch s.how {
	case clean:
		until = until.Add(graceClean)
	case dropped:
		until = until.Add(graceDropped)
	}
	switch {
	case ended.IsZero() || s.how == signedOut:
		return until
	case how == killed:
		return earlier(s.how, until, ended.Add(leaseLeast-early))
	default:
		return earlier(s.how, until, ended.Add(leaseLeaving-early))
	}
}

// earlier is the end of the grace or of the lease, whichever is sooner. Who was closed by the end of the replica has
// no grace, only the lease.
func earlier(how ending, grace, lease time.Time) time.Time {
	if how != restarted && how != killed && grace.Before(lease) {
		return grace
	}
	return lease
}

// goneBy is from when on nobody may show the person any more, not counting the way to the watcher.
func (s *stay) goneBy() time.Time {
	ended, _ := s.life.end()
	var until time.Time
	switch s.how {
	case signedOut:
		return s.closed
	case clean:
		until = s.closed.Add(graceClean)
	default:
		until = s.closed.Add(graceDropped)
	}
	if !ended.IsZero() && !ended.After(until) {
		return ended.Add(leaseMost) // what it had told the others stays for its lease
	}
	return until
}

// sight is what a watcher was shown of somebody, when that changed.
type sight struct {
	at    time.Time
	state string
}

func (s sight) offline() bool { return s.state == "offline" }

// span is a stretch of time.
type span struct{ from, to time.Time }

func (s span) holds(t time.Time) bool { return !t.Before(s.from) && t.Before(s.to) }

// record is all that one watcher was shown.
type record struct {
	name    string
	replica *replica
	sights  map[int][]sight // by user, in the order of time
	up      []span          // when it was connected; nil: it looks now and then, and only what is false counts
}

// disturbance is a time in which Redis forgot, or could not be reached.
type disturbance struct {
	span
	deaf bool // replicas could not hear each other
}

// ledger is the truth: who was connected when.
type ledger struct {
	mu      sync.Mutex
	stays   []*stay
	blind   []disturbance   // departures in them count from their end; arrivals, where replicas were deaf
	returns []time.Duration // from a close by the server to the new connection
	codes   map[int]int     // of closes that clients did not ask for; 1006: without one

	late, heard time.Duration // what is allowed for the way
}

func newLedger() *ledger { return &ledger{codes: map[int]int{}, late: late, heard: heard} }

func (l *ledger) opened(user int, at *life) *stay {
	s := &stay{user: user, life: at, open: time.Now()}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stays = append(l.stays, s)
	return s
}

// closed notes the end of a stay once; a second call does nothing.
func (l *ledger) closed(s *stay, how ending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.closed.IsZero() {
		s.closed, s.how = time.Now(), how
	}
}

// outage notes that replicas could not hear each other from then until now. Who connected to another replica in such a
// time cannot be known, so it is no fault to show them offline; whoever was there before, and a replica's own people,
// are shown as ever.
func (l *ledger) outage(from time.Time) { l.disturbed(from, true) }

// loss notes that Redis lost keys from then until now. That excuses nothing but late departures.
func (l *ledger) loss(from time.Time) { l.disturbed(from, false) }

func (l *ledger) disturbed(from time.Time, deaf bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.blind = append(l.blind, disturbance{span{from, time.Now()}, deaf})
}

// here says who is present for certain now, and who may be, because their grace is not over.
func (l *ledger) here(now time.Time) (present, maybe map[int]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	present, maybe = map[int]bool{}, map[int]bool{}
	for _, s := range l.stays {
		switch {
		case s.closed.IsZero():
			present[s.user] = true
		case now.Before(s.goneBy().Add(l.late)): // or the sight of it is on its way
			maybe[s.user] = true
		}
	}
	return present, maybe
}

// verdict is what the checker found.
type verdict struct {
	falseOffline []string      // shown offline though connected, or in a gap that is shorter than promised
	ghosts       []string      // shown present for longer than promised
	unseen       []string      // never shown present though they were there
	arrivals     times         // from a connection to the sight of it
	departures   times         // from the end of the grace to the sight of it, per watcher
	hidden       map[int]times // from the last close to the sight of it, by user
	watchers     int
	sights       int
}

// presence is one stretch of time in which somebody was there, with gaps so short that they may not show.
type presenceSpan struct {
	from   time.Time
	last   time.Time // the last close; zero: still there
	goneBy time.Time
	must   []span // when offline would be false
}

// judge compares what watchers were shown until now with the truth.
func (l *ledger) judge(records []record) verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	v := verdict{hidden: map[int]times{}, watchers: len(records)}
	users := map[int][]*stay{}
	for _, s := range l.stays {
		users[s.user] = append(users[s.user], s)
	}
	for user, stays := range users {
		for _, r := range records {
			spans := l.spansLocked(stays, r.replica, now)
			sights := r.sights[user]
			v.sights += len(sights)
			for i, p := range spans {
				l.judgeFalse(&v, r.name, user, sights, p)
				if r.up == nil {
					continue
				}
				next := now
				if i+1 < len(spans) {
					next = spans[i+1].from
				}
				l.judgeArrivalLocked(&v, r, user, p, now)
				l.judgeDepartureLocked(&v, r, user, p, next)
			}
		}
	}
	return v
}

// spansLocked joins stays into stretches of presence, as somebody at the replica at can know them.
func (l *ledger) spansLocked(stays []*stay, at *replica, now time.Time) []presenceSpan {
	slices.SortFunc(stays, func(a, b *stay) int { return a.open.Compare(b.open) })
	var spans []presenceSpan
	for _, s := range stays {
		keeps, goneBy := now.Add(time.Hour), now.Add(time.Hour)
		if !s.closed.IsZero() {
			keeps, goneBy = s.keeps(), s.goneBy()
		}
		must := span{l.knownLocked(s, at).Add(l.late), keeps}
		n := len(spans) - 1
		if n < 0 || s.open.After(l.shiftLocked(spans[n].goneBy).Add(l.late)) {
			spans = append(spans, presenceSpan{from: s.open, last: s.closed, goneBy: goneBy, must: []span{must}})
			continue
		}
		p := &spans[n]
		m := &p.must[len(p.must)-1]
		if known := l.knownLocked(s, at); known.Before(m.to) { // the gap is short enough: nothing may show
			m.to = later(m.to, keeps)
		} else {
			p.must = append(p.must, must)
		}
		if goneBy.After(p.goneBy) {
			p.goneBy = goneBy
		}
		if !p.last.IsZero() && (s.closed.IsZero() || s.closed.After(p.last)) {
			p.last = s.closed
		}
	}
	return spans
}

// knownLocked is when the replica at could know of s.
func (l *ledger) knownLocked(s *stay, at *replica) time.Time {
	if s.life.replica != at {
		for _, b := range l.blind {
			if b.deaf && s.open.After(b.from.Add(-l.late)) && s.open.Before(b.to) {
				return b.to.Add(l.late) // it connects again, and reads
			}
		}
		return s.open.Add(l.heard)
	}
	return s.open
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// shiftLocked is when a departure at t can be expected at the latest, if Redis was away then.
func (l *ledger) shiftLocked(t time.Time) time.Time {
	for _, b := range l.blind {
		if t.After(b.from.Add(-l.late)) && t.Before(b.to.Add(recovery)) {
			t = b.to.Add(recovery)
		}
	}
	return t
}

func (l *ledger) judgeFalse(v *verdict, watcher string, user int, sights []sight, p presenceSpan) {
	for _, s := range sights {
		for _, m := range p.must {
			if s.offline() && m.holds(s.at) {
				v.falseOffline = append(v.falseOffline, fmt.Sprintf("%s was shown offline to %s %v after they came", userName(user), watcher, s.at.Sub(p.from).Round(time.Millisecond)))
			}
		}
	}
}

// judgeArrivalLocked looks when a watcher that was there all the time first saw somebody who had been gone.
func (l *ledger) judgeArrivalLocked(v *verdict, r record, user int, p presenceSpan, now time.Time) {
	from := p.from
	for _, b := range l.blind {
		if b.deaf && b.holds(from) {
			from = b.to
		}
	}
	i, before := stateAt(r.sights[user], p.from)
	if before != "offline" || !r.connected(p.from, from.Add(l.late)) {
		return
	}
	for _, s := range r.sights[user][i:] {
		if !s.offline() && s.at.Before(p.goneBy) {
			v.arrivals = append(v.arrivals, max(0, s.at.Sub(from)))
			return
		}
	}
	if end := later(p.last, from); !p.last.IsZero() && end.Sub(from) < l.late || now.Sub(from) < l.late {
		return // gone again before it had to show
	}
	v.unseen = append(v.unseen, fmt.Sprintf("%s came and was not shown to %s", userName(user), r.name))
}

// judgeDepartureLocked looks when a watcher saw somebody go who did not come back before next.
func (l *ledger) judgeDepartureLocked(v *verdict, r record, user int, p presenceSpan, next time.Time) {
	if p.last.IsZero() {
		return
	}
	i, before := stateAt(r.sights[user], p.from)
	shown := before != "" && before != "offline"
	bound := l.shiftLocked(p.goneBy).Add(l.late)
	for _, s := range r.sights[user][i:] {
		if !s.at.Before(next) || !r.connected(p.last, s.at) {
			break
		}
		if !s.offline() || s.at.Before(p.last) {
			shown = !s.offline()
			continue
		}
		if !shown {
			return
		}
		v.hidden[user] = append(v.hidden[user], s.at.Sub(p.last))
		v.departures = append(v.departures, s.at.Sub(p.goneBy))
		if s.at.After(bound) {
			v.ghosts = append(v.ghosts, fmt.Sprintf("%s was shown to %s for %v after they left", userName(user), r.name, s.at.Sub(p.last).Round(time.Millisecond)))
		}
		return
	}
	if shown && !next.Before(bound) && r.connected(p.last, bound) {
		v.ghosts = append(v.ghosts, fmt.Sprintf("%s left and is still shown to %s", userName(user), r.name))
	}
}

// connected reports whether the watcher was connected all the time.
func (r *record) connected(from, to time.Time) bool {
	return slices.ContainsFunc(r.up, func(u span) bool { return !from.Before(u.from) && !to.After(u.to) })
}

// stateAt is what was shown at t, "" for nothing yet, and where in sights the later ones begin.
func stateAt(sights []sight, t time.Time) (after int, state string) {
	i, _ := slices.BinarySearchFunc(sights, t, func(s sight, t time.Time) int { return s.at.Compare(t) })
	if i == 0 {
		return 0, ""
	}
	return i, sights[i-1].state
}

// times are durations of which the quantiles matter.
type times []time.Duration

func (t times) at(q float64) time.Duration {
	if len(t) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func (t times) String() string {
	if len(t) == 0 {
		return "none"
	}
	show := func(d time.Duration) string { return d.Round(cmp.Or(d.Abs()/1000, 1).Round(time.Microsecond)).String() }
	return fmt.Sprintf("n %d, min %s, p50 %s, p95 %s, p99 %s, max %s", len(t), show(t.at(0)), show(t.at(0.5)), show(t.at(0.95)), show(t.at(0.99)), show(t.at(1)))
}
