//go:build unix

package e2e_test

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"time"
)

// The promised times after a person's last connection has closed (flags --grace-clean and --grace-dropped).
const (
	graceClean   = 5 * time.Second
	graceDropped = 15 * time.Second
	leaseLeast   = 7 * time.Second  // after a crash, other replicas show its people at least this long
	leaseLeaving = 10 * time.Second // the same after a clean stop
	leaseMost    = 13 * time.Second // after either, they are hidden by then
	recovery     = 4 * time.Second  // after an outage of Redis, for people who left during it
)

// What the checker allows for delays of the machine.
const (
	early = 300 * time.Millisecond  // how much later than the server a client notices a close
	late  = 1500 * time.Millisecond // how long a change may take to reach watchers; 1 s is promised
	// How long a change may take to reach another replica. People who move there at the end of their grace period may
	// flicker.
	heard = 500 * time.Millisecond
)

// ending is how a connection or a process ended.
type ending uint8

const (
	clean     ending = iota // the client closed it
	dropped                 // it broke without a close frame
	restarted               // its replica stopped cleanly
	killed                  // its replica was killed
	signedOut               // its session ended
)

// stay is one connection as its client knows it.
type stay struct {
	user   int
	life   *life
	open   time.Time
	closed time.Time // zero: it is still open
	how    ending
}

// keeps returns until when others must still show the person.
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

// earlier returns the earlier of the ends of the grace period and the lease. Connections that the end of their replica
// closed have only the lease.
func earlier(how ending, grace, lease time.Time) time.Time {
	if how != restarted && how != killed && grace.Before(lease) {
		return grace
	}
	return lease
}

// goneBy returns when nobody may show the person any longer, without the time that updates take to reach watchers.
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
		return ended.Add(leaseMost) // other replicas keep its people until its lease expires
	}
	return until
}

// observation is a state in which a watcher was shown a person, and when it appeared.
type observation struct {
	at    time.Time
	state string
}

func (s observation) offline() bool { return s.state == "offline" }

// span is a period of time.
type span struct{ from, to time.Time }

func (s span) holds(t time.Time) bool { return !t.Before(s.from) && t.Before(s.to) }

// record is everything that one watcher was shown.
type record struct {
	name         string
	replica      *replica
	observations map[int][]observation // by user, in chronological order
	up           []span                // when it was connected; nil: it only loads pages, so only false states count
}

// disturbance is a period when Redis lost keys or was unreachable.
type disturbance struct {
	span
	isolated bool // replicas got no messages from each other
}

// ledger records who was really connected when.
type ledger struct {
	mu           sync.Mutex
	stays        []*stay
	disturbances []disturbance   // departures during one count from its end; so do arrivals, if replicas were isolated
	reconnects   []time.Duration // how long from the end of a connection to the next one
	codes        map[int]int     // how often each close code ended a connection; 1006: none

	late, heard time.Duration // allowed delays, see the constants
}

func newLedger() *ledger { return &ledger{codes: map[int]int{}, late: late, heard: heard} }

func (l *ledger) opened(user int, at *life) *stay {
	s := &stay{user: user, life: at, open: time.Now()}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stays = append(l.stays, s)
	return s
}

// closed records the end of a stay. A second call does nothing.
func (l *ledger) closed(s *stay, how ending) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.closed.IsZero() {
		s.closed, s.how = time.Now(), how
	}
}

// outage records that replicas were isolated since from. A replica can't know about people who connected to another one
// during that time, so it may show them offline. It must still show its own people, and people who were online before.
func (l *ledger) outage(from time.Time) { l.disturbed(from, true) }

// loss records that Redis lost keys since from. That only excuses late departures.
func (l *ledger) loss(from time.Time) { l.disturbed(from, false) }

func (l *ledger) disturbed(from time.Time, isolated bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.disturbances = append(l.disturbances, disturbance{span{from, time.Now()}, isolated})
}

// here returns who is certainly present now, and who may be, because their grace period isn't over.
func (l *ledger) here(now time.Time) (present, maybe map[int]bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	present, maybe = map[int]bool{}, map[int]bool{}
	for _, s := range l.stays {
		switch {
		case s.closed.IsZero():
			present[s.user] = true
		case now.Before(s.goneBy().Add(l.late)): // or the update is on its way
			maybe[s.user] = true
		}
	}
	return present, maybe
}

// verdict is what the checker found.
type verdict struct {
	falseOffline []string      // shown offline while connected, or in a gap shorter than the grace period
	falseOnline  []string      // shown present for longer than promised
	unseen       []string      // never shown present although they were
	arrivals     times         // from a connection until a watcher saw it
	departures   times         // from the end of the grace period until each watcher saw it
	hidden       map[int]times // from the last close until each watcher saw it, by user
	watchers     int
	observations int
}

// presenceSpan is a period when a person was present, including gaps that are too short to show.
type presenceSpan struct {
	from   time.Time
	last   time.Time // the last close; zero: still connected
	goneBy time.Time
	must   []span // when showing offline would be wrong
}

// judge compares what watchers were shown until now with who was really connected.
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
			observations := r.observations[user]
			v.observations += len(observations)
			for i, p := range spans {
				l.judgeFalse(&v, r.name, user, observations, p)
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

// spansLocked joins stays into periods of presence, as far as the replica at can know them.
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
		if known := l.knownLocked(s, at); known.Before(m.to) { // the gap is so short that it must not show
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

// knownLocked returns when the replica at could know about s.
func (l *ledger) knownLocked(s *stay, at *replica) time.Time {
	if s.life.replica != at {
		for _, b := range l.disturbances {
			if b.isolated && s.open.After(b.from.Add(-l.late)) && s.open.Before(b.to) {
				return b.to.Add(l.late) // it reconnects to Redis and reads
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

// shiftLocked returns by when a departure at t must show, which is later if it was during a disturbance.
func (l *ledger) shiftLocked(t time.Time) time.Time {
	for _, b := range l.disturbances {
		if t.After(b.from.Add(-l.late)) && t.Before(b.to.Add(recovery)) {
			t = b.to.Add(recovery)
		}
	}
	return t
}

func (l *ledger) judgeFalse(v *verdict, watcher string, user int, observations []observation, p presenceSpan) {
	for _, s := range observations {
		for _, m := range p.must {
			if s.offline() && m.holds(s.at) {
				v.falseOffline = append(v.falseOffline, fmt.Sprintf("%s was shown offline to %s %v after they arrived",
					userName(user), watcher, s.at.Sub(p.from).Round(time.Millisecond)))
			}
		}
	}
}

// judgeArrivalLocked finds when a watcher that was connected all the time first saw a person arrive who had been
// offline.
func (l *ledger) judgeArrivalLocked(v *verdict, r record, user int, p presenceSpan, now time.Time) {
	from := p.from
	for _, b := range l.disturbances {
		if b.isolated && b.holds(from) {
			from = b.to
		}
	}
	i, before := stateAt(r.observations[user], p.from)
	if before != "offline" || !r.connected(p.from, from.Add(l.late)) {
		return
	}
	for _, s := range r.observations[user][i:] {
		if !s.offline() && s.at.Before(p.goneBy) {
			v.arrivals = append(v.arrivals, max(0, s.at.Sub(from)))
			return
		}
	}
	if end := later(p.last, from); !p.last.IsZero() && end.Sub(from) < l.late || now.Sub(from) < l.late {
		return // left again before it had to show
	}
	v.unseen = append(v.unseen, fmt.Sprintf("%s arrived and was never shown to %s", userName(user), r.name))
}

// judgeDepartureLocked finds when a watcher saw a person leave who didn't come back before next.
func (l *ledger) judgeDepartureLocked(v *verdict, r record, user int, p presenceSpan, next time.Time) {
	if p.last.IsZero() {
		return
	}
	i, before := stateAt(r.observations[user], p.from)
	shown := before != "" && before != "offline"
	bound := l.shiftLocked(p.goneBy).Add(l.late)
	for _, s := range r.observations[user][i:] {
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
			v.falseOnline = append(v.falseOnline, fmt.Sprintf("%s was shown to %s for %v after they left",
				userName(user), r.name, s.at.Sub(p.last).Round(time.Millisecond)))
		}
		return
	}
	if shown && !next.Before(bound) && r.connected(p.last, bound) {
		v.falseOnline = append(v.falseOnline, fmt.Sprintf("%s left and is still shown to %s", userName(user), r.name))
	}
}

// connected reports whether the watcher was connected all the time between from and to.
func (r *record) connected(from, to time.Time) bool {
	return slices.ContainsFunc(r.up, func(u span) bool { return !from.Before(u.from) && !to.After(u.to) })
}

// stateAt returns the state that was shown at t, or "", and the index of the first later observation.
func stateAt(observations []observation, t time.Time) (after int, state string) {
	i, _ := slices.BinarySearchFunc(observations, t, func(s observation, t time.Time) int { return s.at.Compare(t) })
	if i == 0 {
		return 0, ""
	}
	return i, observations[i-1].state
}

// times are durations with quantiles.
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
	return fmt.Sprintf("n %d, min %s, p50 %s, p95 %s, p99 %s, max %s", len(t), show(t.at(0)), show(t.at(0.5)),
		show(t.at(0.95)), show(t.at(0.99)), show(t.at(1)))
}
