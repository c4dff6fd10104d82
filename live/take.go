package live

import (
	"cmp"
	"slices"
	"time"
)

// Taken says what a reader does after Take.
type Taken uint8

// What a reader does after Take.
const (
	TookAll   Taken = iota // wait to be woken
	TookSome               // call Take again
	Unsettled              // call Settle, and then Take again
	Behind                 // end the stream: it has missed changes, and the reader has to begin again
)

// Take returns the events since the last call, in order.
func (s *Stream) Take() (events []Event, then Taken) {
	s.board.update(func() { events, then = s.board.journals.takeFor(s, time.Now()) })
	return events, then
}

func (j *journals) takeFor(s *Stream, now time.Time) (events []Event, then Taken) {
	if s.at == nil || s.at.over {
		return nil, Behind
	}
	doubt := j.staleSince()
	if !doubt.IsZero() && !s.stale {
		s.stale = true
		events = append(events, Event{Kind: EventStale, At: doubt})
	}
	switch {
	case !s.at.ready:
		return events, Unsettled
	case j.roster.warming && j.rules.hold:
		return events, TookAll
	}
	if s.phase == beginning {
		events = append(events, j.beginFor(s, now)...)
	}
	o := &j.of[s.at.audience]
	if s.since < s.at.floor && j.rules.floor {
		return nil, Behind
	}
	news, more := j.news(s, maxEvents)
	events = append(events, news...)
	if more {
		return events, TookSome
	}
	if s.since = o.seq; s.phase == resuming {
		s.phase = following
		events = append(events, Event{Kind: EventCurrent, Cursor: j.cursor(s.at, s.at.last)})
	}
	if s.stale && doubt.IsZero() {
		s.stale = false
		events = append(events, Event{Kind: EventLive})
	}
	return events, TookAll
}

// beginFor lets s resume from its cursor, or returns a snapshot.
func (j *journals) beginFor(s *Stream, now time.Time) []Event {
	o := &j.of[s.at.audience]
	seq, known := j.sealer.open(s.want.Since, s.at.mark)
	if !j.rules.selection {
		known = seq <= o.seq
	}
	s.want.Since = ""
	if known && seq <= o.seq && (seq >= s.at.floor || !j.rules.floor) {
		s.since, s.phase = seq, resuming
		return nil
	}
	s.since, s.phase = o.seq, following
	return []Event{{
		Kind: EventSnapshot, Cursor: j.cursor(s.at, s.at.last), Rows: j.rows(s.at), At: now.UTC().Truncate(time.Second),
	}}
}

func (j *journals) cursor(s *selection, seq uint64) string { return j.sealer.seal(seq, s.mark) }

// staleSince returns since when what streams have told may be outdated; zero if it isn't.
func (j *journals) staleSince() time.Time {
	r := j.roster
	switch {
	case !r.lost.IsZero():
		return r.lost
	case r.warming:
		return r.warmingSince
	}
	return time.Time{}
}

// news returns at most limit changes that s shows and hasn't taken, and moves s behind them.
func (j *journals) news(s *Stream, limit int) (events []Event, more bool) {
	o := &j.of[s.at.audience]
	first := &o.marks
	for first.prev != &o.marks && first.prev.seq > s.since {
		first = first.prev
	}
	i, _ := slices.BinarySearchFunc(o.buried, s.since+1, func(t tombstone, seq uint64) int {
		return cmp.Compare(t.seq, seq)
	})
	for k := first; k != &o.marks || i < len(o.buried); {
		if len(events) == limit {
			return events, true
		}
		if k == &o.marks || i < len(o.buried) && o.buried[i].seq < k.seq {
			t := o.buried[i]
			i++
			s.since = t.seq
			if s.at.shows(t.inTeam, t.username) && !j.has(s.at, t.id) {
				events = append(events, j.event(s, Event{Kind: EventGone, ID: t.id, Username: t.username}, t.seq))
			}
			continue
		}
		if s.since = k.seq; s.at.showsMark(k) {
			events = append(events, j.event(s, Event{Kind: EventChange, Row: k.shown}, k.seq))
		}
		k = k.next
	}
	if !j.rules.ascending {
		slices.Reverse(events)
	}
	return events, false
}

// event adds the cursor to e. While s resumes there's none: the first one says that the reader has everything.
func (j *journals) event(s *Stream, e Event, seq uint64) Event {
	switch {
	case s.phase == following:
		e.Cursor = j.cursor(s.at, seq)
	case !j.rules.closing:
		e.Cursor = j.cursor(s.at, s.at.last)
	}
	return e
}
