package handlers

import (
	"cmp"
	"time"

	"rollcall/accounts"
)

// candidate is a person who may belong on pages. The words of their names are made once, however many searches are
// watched.
type candidate struct {
	accounts.Person
	words []string // nil: not made yet
}

func (c *candidate) foundBy(s accounts.Search) bool {
	if c.words == nil {
		c.words = c.Words()
	}
	return s.Finds(c.words)
}

// covers reports whether who is among the people that p is a page of, whatever their state and however many stand
// before them.
func (p *page) covers(who *candidate) bool {
	q := &p.query
	switch {
	case q.team != "" && q.teamKey != who.TeamKey(),
		q.after != "" && accounts.ComparePeople(who.Person, p.from) <= 0,
		q.before != "" && accounts.ComparePeople(who.Person, p.from) >= 0:
		return false
	}
	return q.search == "" || who.foundBy(p.search)
}

// affects reports whether who, at a new place of the board or under a new name, may have come onto p.
func (p *page) affects(who *candidate) bool {
	n := len(p.cards)
	switch {
	case !p.covers(who):
		return false
	case n == 0 || p.query.state != "": // how far a walk along the board came isn't known by whom it found
		return true
	case p.query.before != "":
		return p.prev == "" || accounts.ComparePeople(who.Person, p.cards[0].person) >= 0
	}
	return p.next == "" || accounts.ComparePeople(who.Person, p.cards[n-1].person) <= 0
}

// costly reports whether p takes so long to read that nothing else should wait for it.
func (p *page) costly() bool { return p.cost > cheapRead }

// byUrgency orders pages to be read again by how long they have waited in proportion to what they cost, so that costly
// ones, however many, don't keep cheap ones waiting.
func byUrgency(now time.Time) func(a, b *page) int {
	return func(a, b *page) int { return cmp.Compare(b.urgency(now), a.urgency(now)) }
}

func (p *page) urgency(now time.Time) float64 {
	return float64(now.Sub(p.staleSince)) / float64(max(p.cost, time.Microsecond))
}
