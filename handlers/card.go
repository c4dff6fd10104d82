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
	row     []byte // nil: to be rendered when somebody looks
	pages   []*page
	present bool // in board.present
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

// rowOf is what a row shows. It must not depend on who looks.
func rowOf(p accounts.Person, v presence.View, now time.Time) ui.Row {
	row := ui.Row{
		UID: p.ID, Username: p.Username, Name: p.DisplayName,
		State: string(v.State), Since: v.Since, Text: v.Text, Emoji: v.Emoji,
	}
	if v.State == presence.Offline {
		seen := p.LastSeen
		if v.LastSeen.After(seen) {
			seen = v.LastSeen
		}
		row.Seen = seenWord(seen, now)
	}
	return row
}

// renderLocked returns the card's row, rendered now if there is none.
func (b *board) renderLocked(c *card) []byte {
	if c.row == nil {
		view := rowOf(c.person, c.view, time.Now())
		view.Stale = c.view.Elsewhere && !b.lost.IsZero()
		row, err := b.ui.Row(view)
		if err != nil { // a template that cannot render a person is a bug, and the row of one person only
			b.log.Error("render row", "error", err, "user", c.person.ID)
			return nil
		}
		c.row = row
	}
	return c.row
}

// cardLocked returns the card of p, new or brought up to date.
func (b *board) cardLocked(p accounts.Person) *card {
	c := b.cards[p.ID]
	if c == nil {
		c = &card{person: p, view: b.presence.View(p.ID)}
		b.cards[p.ID] = c
		b.placeLocked(c)
		if c.present { // they came before anybody looked: news to the pages that filter, and to the teams' numbers
			b.filteredLocked(presence.Offline, c.view.State)
			b.wantFlush()
		}
		return c
	}
	b.replaceLocked(c, p)
	return c
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
		b.filteredLocked(c.view.State, v.State)
		b.wantFlush() // the counts changed, whoever lists the person
	}
	if here(c.view) && c.view.Elsewhere && !here(v) {
		b.left[c.person.ID] = time.Now()
	}
	c.view = v
	if !here(v) {
		b.unplaceLocked(c)
	} else if !c.present {
		b.placeLocked(c)
	}
	b.redrawLocked(c)
}

// here reports whether v is of a person who is shown as present.
func here(v presence.View) bool { return v.Listed && v.State != presence.Offline }

// redrawLocked marks c on every page that lists it, when its row has truly become another one.
func (b *board) redrawLocked(c *card) {
	was := c.row
	c.row = nil
	if len(c.pages) == 0 {
		return
	}
	if was != nil && bytes.Equal(was, b.renderLocked(c)) {
		return
	}
	for _, p := range c.pages {
		p.dirty[c] = struct{}{}
	}
	b.wantFlush()
}

// placeLocked puts c among the people who are here, if it is one of them.
func (b *board) placeLocked(c *card) {
	if c.present || !here(c.view) {
		return
	}
	i, _ := slices.BinarySearchFunc(b.present, c, compareCards)
	b.present = slices.Insert(b.present, i, c)
	b.here[c.person.TeamKey()]++
	c.present = true
}

func (b *board) unplaceLocked(c *card) {
	if !c.present {
		return
	}
	i, found := slices.BinarySearchFunc(b.present, c, compareCards)
	if found {
		b.present = slices.Delete(b.present, i, i+1)
	}
	if key := c.person.TeamKey(); b.here[key] > 1 {
		b.here[key]--
	} else {
		delete(b.here, key)
	}
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
