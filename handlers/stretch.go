package handlers

import (
	"context"
	"slices"

	"rollcall/accounts"
)

const (
	maxWalk      = 10 // stretches of the board that a filter by state reads at most to fill a page
	maxEmptyWalk = 50 // and to find anybody at all
)

// stretch is a page's worth of people in board order, and the cursors of what lies before and behind; "" for nothing.
type stretch struct {
	people     []accounts.Person
	prev, next string
}

// read asks for the people of q. Pages without a filter by state are one stretch of the accounts; those of present
// people come from memory; the rest is a bounded walk.
func (b *board) read(ctx context.Context, q boardQuery) (stretch, error) {
	switch {
	case q.state == "":
		people, more, err := b.accounts.People(ctx, q.people(pageRows))
		if err != nil {
			return stretch{}, err
		}
		return q.stretch(people, more, ""), nil
	case q.state != "offline" && q.search == "":
		return b.readPresent(q)
	default:
		return b.walk(ctx, q)
	}
}

// stretch finds the cursors around people, who were read in the direction of q. more says that the reading did not
// come to an end, and at is how far it came, "" for to the last of people.
func (q boardQuery) stretch(people []accounts.Person, more bool, at string) stretch {
	s := stretch{people: people}
	first, last := q.after, q.before // of an empty stretch: where it would be
	if n := len(people); n > 0 {
		first, last = people[0].Cursor(), people[n-1].Cursor()
	}
	if q.before != "" {
		s.next = last
		if more {
			s.prev = first
			if at != "" {
				s.prev = at
			}
		}
		return s
	}
	if q.after != "" {
		s.prev = first
	}
	if more {
		s.next = last
		if at != "" {
			s.next = at
		}
	}
	return s
}

// readPresent takes a page out of the sorted people who are here.
func (b *board) readPresent(q boardQuery) (stretch, error) {
	start := q.after + q.before
	var place accounts.Person
	if start != "" {
		var err error
		if place, err = accounts.ParseCursor(start); err != nil {
			return stretch{}, err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	at := 0
	if start != "" {
		var found bool
		at, found = slices.BinarySearchFunc(b.present, place, func(c *card, p accounts.Person) int {
			return accounts.ComparePeople(c.person, p)
		})
		if found && q.after != "" {
			at++
		}
	}
	var found []accounts.Person
	take := func(c *card) (full bool) {
		if string(c.view.State) != q.state || q.team != "" && q.teamKey != c.person.TeamKey() {
			return false
		}
		found = append(found, c.person)
		return len(found) > pageRows // one further, to know whether there are more
	}
	if q.before != "" {
		for i := at - 1; i >= 0 && !take(b.present[i]); i-- {
		}
	} else {
		for i := at; i < len(b.present) && !take(b.present[i]); i++ {
		}
	}
	return q.inOrder(found, len(found) > pageRows, ""), nil
}

// inOrder makes a stretch of people in the order in which they were found.
func (q boardQuery) inOrder(found []accounts.Person, more bool, at string) stretch {
	found = found[:min(len(found), pageRows)]
	if q.before != "" {
		slices.Reverse(found)
	}
	return q.stretch(found, more, at)
}

// walk reads the accounts stretch by stretch and keeps those whose state is wanted, until the page is full or it has
// gone far enough. Whoever follows its cursors comes by everybody.
func (b *board) walk(ctx context.Context, q boardQuery) (stretch, error) {
	var found []accounts.Person
	var at string
	part := q.people(pageRows)
	for n := 0; n < maxWalk || len(found) == 0 && n < maxEmptyWalk; n++ {
		people, more, err := b.accounts.People(ctx, part)
		if err != nil {
			return stretch{}, err
		}
		if part.Before != "" {
			slices.Reverse(people)
		}
		for _, p := range people {
			if v := b.presence.View(p.ID); !v.Listed || string(v.State) != q.state {
				continue
			}
			if len(found) == pageRows {
				return q.inOrder(found, true, ""), nil
			}
			found = append(found, p)
		}
		if len(people) == 0 || !more {
			return q.inOrder(found, false, ""), nil
		}
		if at = people[len(people)-1].Cursor(); part.Before != "" {
			part.Before = at
		} else {
			part.After = at
		}
	}
	return q.inOrder(found, true, at), nil
}
