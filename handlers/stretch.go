package handlers

import (
	"context"
	"slices"

	"rollcall/accounts"
	"rollcall/presence"
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
	case b.inMemory(q):
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

// manyPresent is from how many people in a state a search among them asks the accounts: most of those that are found
// there are in that state then, and looking at each here would take longer.
const manyPresent = 5000

// inMemory reports whether the page of q, which filters by a state, is best taken out of the people who are here.
func (b *board) inMemory(q boardQuery) bool {
	if q.state == string(presence.Offline) || q.search == "" {
		return q.state != string(presence.Offline)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.present) <= manyPresent
}

// readPresent takes a page out of the sorted people who are here.
func (b *board) readPresent(q boardQuery) (stretch, error) {
	people, err := b.presentFrom(q)
	if err != nil {
		return stretch{}, err
	}
	if q.search != "" {
		found := accounts.Finder(q.search)
		people = slices.DeleteFunc(people, func(p accounts.Person) bool { return !found(p) })
	}
	return q.inOrder(people, len(people) > pageRows, ""), nil
}

// presentFrom are the people in the state and team of q, from its cursor on and in its direction: without a search no
// more than it takes to know whether there are more than a page.
func (b *board) presentFrom(q boardQuery) (people []accounts.Person, err error) {
	start := q.after + q.before
	var place accounts.Person
	if start != "" {
		if place, err = accounts.ParseCursor(start); err != nil {
			return nil, err
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
	take := func(c *card) (enough bool) {
		if string(c.view.State) == q.state && (q.team == "" || q.teamKey == c.person.TeamKey()) {
			people = append(people, c.person)
		}
		return q.search == "" && len(people) > pageRows
	}
	if q.before != "" {
		for i := at - 1; i >= 0 && !take(b.present[i]); i-- {
		}
	} else {
		for i := at; i < len(b.present) && !take(b.present[i]); i++ {
		}
	}
	return people, nil
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
