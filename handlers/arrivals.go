package handlers

import (
	"rollcall/accounts"
	"rollcall/ui"
)

// arrivedLocked lets pages know that c's person came, which list people before or behind whom they do not.
func (b *board) arrivedLocked(c *card) {
	if b.warming || !c.present { // nobody arrives while people come back
		return
	}
	for _, p := range b.pages {
		if p.misses(c) {
			p.arrived++
			b.wantFlush()
		}
	}
}

// misses reports whether c belongs to what p is a page of, on another page of it. Of pages of a search that is not
// known.
func (p *page) misses(c *card) bool {
	q := &p.query
	switch {
	case len(p.cards) == 0, q.search != "",
		q.team != "" && q.teamKey != c.person.TeamKey(),
		q.state != "" && q.state != string(c.view.State):
		return false
	}
	first, last := p.cards[0].person, p.cards[len(p.cards)-1].person
	return p.prev != "" && accounts.ComparePeople(c.person, first) < 0 ||
		p.next != "" && accounts.ComparePeople(c.person, last) > 0
}

// arrivals are what p tells of it. The number only grows, so that each tab may count from when it was loaded.
func (b *board) arrivals(p *page) ui.Arrivals {
	return ui.Arrivals{Since: b.boot, N: p.arrived, Show: p.query.view()}
}
