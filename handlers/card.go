package handlers

import (
	"bytes"
	"slices"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
	"rollcall/ui"
)

// card is one person as the board shows them: what accounts and presence say, and the row made of both. A row is
// rendered once a change and the same bytes go to every page and socket. Guarded by board.mu.
type card struct {
	person  accounts.Person
	view    presence.View
	rows    [sights][]byte // nil: to be rendered when somebody looks
	pages   []*page
	present bool           // in board.present
	counted presence.State // in board.here, while present
	readIn  uint64         // board.looks when a reading of a page last brought it or moved it
}

// seenWord is the approximate last seen: a word and never a time. Spans are counted back from now, since what is
// shown must not depend on the viewer's calendar.
func seenWord(seen, now time.Time) string {
	const day = 24 * time.Hour
	switch ago := now.Sub(seen); {
	case seen.IsZero():
		return ""
	case ago < day:
		return "today"
	case ago < 7*day:
		return "this week"
	case ago < 30*day:
		return "this month"
	default:
		return "long ago"
	}
}

// rowOf is what a row shows to those who may know all of it. It must not depend on who looks.
func rowOf(p accounts.Person, v presence.View, now time.Time) ui.Row {
	row := ui.Row{
		UID: p.ID, Username: p.Username, Name: p.DisplayName,
		State: string(v.State), Since: v.Since, Text: v.Text, Emoji: v.Emoji, Until: v.Until,
	}
	if v.State != presence.Offline {
		return row
	}
	seen := p.LastSeen
	if v.LastSeen.After(seen) {
		seen = v.LastSeen
	}
	switch p.Precision {
	case accounts.Nobody:
	case accounts.Exact:
		row.SeenAt = seen
	default:
		row.Seen = seenWord(seen, now)
	}
	return row
}

// renderLocked returns the card's row for a sight, rendered now if there is none.
func (b *board) renderLocked(c *card, to sight) []byte {
	if c.rows[to] != nil {
		return c.rows[to]
	}
	view := rowOf(c.person, c.view, time.Now())
	view.Stale = c.view.Elsewhere && !b.lost.IsZero()
	if to == reticent {
		if view.Seen == "" && view.SeenAt.IsZero() {
			c.rows[to] = b.renderLocked(c, full)
			return c.rows[to]
		}
		view.Seen, view.SeenAt = "", time.Time{}
	}
	row, err := b.ui.Row(view)
	if err != nil { // a template that cannot render a person is a bug, and the row of one person only
		b.log.Error("render row", "error", err, "user", c.person.ID)
		return nil
	}
	c.rows[to] = row
	return row
}

// cardLocked returns the card of p, new or brought up to date.
func (b *board) cardLocked(p accounts.Person) *card {
	c := b.cards[p.ID]
	if c == nil {
		c = &card{person: p, view: b.presence.View(p.ID), readIn: b.looks}
		b.cards[p.ID] = c
		b.placeLocked(c)
		b.cameLocked(c)
		return c
	}
	if b.replaceLocked(c, p) {
		c.readIn = b.looks
	}
	return c
}

// aheadLocked reports whether a page may have been read with what the changes that are being applied only now tell of c.
// It cannot have been when a whole look for changes came between.
func (b *board) aheadLocked(c *card) bool { return b.looks <= c.readIn+1 }

// cameLocked takes note of somebody who is new on the board. If they are here, they came before anybody looked: news to
// the pages that filter, and to the teams' numbers.
func (b *board) cameLocked(c *card) {
	if c.present {
		b.filteredLocked(c, presence.Offline, c.view.State)
		b.wantFlush()
	}
	if b.strangers[c.person.ID] {
		b.arrivedLocked(c)
		delete(b.strangers, c.person.ID)
	}
}

// meetLocked makes cards of people, who stand in board order, and puts those who are here among the others in one go.
func (b *board) meetLocked(people []accounts.Person) {
	var here []*card
	for _, p := range people {
		c := b.cards[p.ID]
		if c != nil {
			b.replaceLocked(c, p)
			b.forgetLocked(c)
			continue
		}
		c = &card{person: p, view: b.presence.View(p.ID)}
		if !isHere(c.view) {
			continue // gone again, and on no page
		}
		b.cards[p.ID] = c
		c.present = true
		b.countHereLocked(c, c.view.State)
		here = append(here, c)
	}
	b.present = merge(b.present, here)
	for _, c := range here {
		b.cameLocked(c)
	}
}

// merge returns the cards of two sorted lists in one.
func merge(a, b []*card) []*card {
	all := make([]*card, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if compareCards(a[0], b[0]) < 0 {
			all, a = append(all, a[0]), a[1:]
		} else {
			all, b = append(all, b[0]), b[1:]
		}
	}
	return append(append(all, a...), b...)
}

// replaceLocked gives c what accounts say now, and reports whether its place on the board may have changed.
func (b *board) replaceLocked(c *card, p accounts.Person) (moved bool) {
	if p.LastSeen.Before(c.person.LastSeen) {
		p.LastSeen = c.person.LastSeen // ours is on its way to the store
	}
	if p == c.person {
		return false
	}
	moved = accounts.ComparePeople(p, c.person) != 0
	if moved {
		b.unplaceLocked(c)
	}
	if p.Team != c.person.Team { // the heading is another one, also where the order stays
		for _, page := range c.pages {
			page.relist = true
		}
		b.wantFlush()
	}
	c.person = p
	if moved {
		b.placeLocked(c)
	}
	b.redrawLocked(c)
	return moved
}

// lookLocked gives c what presence says now.
func (b *board) lookLocked(c *card) {
	v := b.presence.View(c.person.ID)
	if v == c.view {
		return
	}
	if v.State != c.view.State || v.Listed != c.view.Listed {
		b.filteredLocked(c, c.view.State, v.State)
		b.wantFlush() // the counts changed, whoever lists the person
	}
	if isHere(c.view) && !isHere(v) && (c.view.Elsewhere || b.presence.Status().Others > 0) {
		b.left[c.person.ID] = time.Now()
	}
	c.view = v
	switch {
	case !isHere(v):
		b.unplaceLocked(c)
	case !c.present:
		b.placeLocked(c)
		b.arrivedLocked(c)
	default:
		b.countHereLocked(c, v.State)
	}
	b.redrawLocked(c)
}

// isHere reports whether v is of a person who is shown as present.
func isHere(v presence.View) bool { return v.Listed && v.State != presence.Offline }

// redrawLocked marks c on every page that lists it, when its row has truly become another one.
func (b *board) redrawLocked(c *card) {
	was := c.rows
	c.rows = [sights][]byte{}
	if len(c.pages) == 0 {
		return
	}
	if was[full] != nil && bytes.Equal(was[full], b.renderLocked(c, full)) {
		c.rows = was // the other rendering, too: what is told of less has not changed either
		return
	}
	seen := was[reticent] != nil && bytes.Equal(was[reticent], b.renderLocked(c, reticent))
	for _, p := range c.pages {
		earlier, dirty := p.dirty[c]
		p.dirty[c] = seen && (earlier || !dirty)
	}
	b.wantFlush()
}

// placeLocked puts c among the people who are here, if it is one of them.
func (b *board) placeLocked(c *card) {
	if c.present || !isHere(c.view) {
		return
	}
	i, _ := slices.BinarySearchFunc(b.present, c, compareCards)
	b.present = slices.Insert(b.present, i, c)
	c.present = true
	b.countHereLocked(c, c.view.State)
}

// countHereLocked counts c's person in state among those of their team who are here; presence.Offline takes them out.
func (b *board) countHereLocked(c *card, state presence.State) {
	key := c.person.TeamKey()
	counts := b.here[key]
	counts.Add(c.counted, -1)
	counts.Add(state, +1)
	c.counted = state
	if counts.Here() > 0 {
		b.here[key] = counts
	} else {
		delete(b.here, key)
	}
}

func (b *board) unplaceLocked(c *card) {
	if !c.present {
		return
	}
	i, found := slices.BinarySearchFunc(b.present, c, compareCards)
	if found {
		b.present = slices.Delete(b.present, i, i+1)
	}
	b.countHereLocked(c, presence.Offline)
	c.present = false
}

func compareCards(a, b *card) int { return accounts.ComparePeople(a.person, b.person) }

// forgetLocked drops a card that no page lists and whose person is not here.
func (b *board) forgetLocked(c *card) {
	if len(c.pages) == 0 && !c.present && b.cards[c.person.ID] == c {
		delete(b.cards, c.person.ID)
	}
}

// removeLocked takes a person off the board who is disabled or gone, and off every page at once: a card that is known
// is of somebody who is listed.
func (b *board) removeLocked(c *card) {
	b.unplaceLocked(c)
	for _, p := range c.pages {
		p.cards = slices.DeleteFunc(p.cards, func(o *card) bool { return o == c })
		delete(p.dirty, c)
		p.relist = true
		b.staleLocked(p) // somebody may move up
	}
	c.pages = nil
	delete(b.cards, c.person.ID)
	b.wantFlush()
}
