package live

import (
	"context"
	"slices"

	"rollcall/accounts"
	"rollcall/presence"
)

const (
	maxWalk      = 10 // windows that a filter by state reads at most to fill a page
	maxEmptyWalk = 50 // and to find anybody at all

	// manyPresent is from how many present people on a search among them asks the accounts: most of those it finds there
	// are in that state then, and looking at each here would take longer.
	manyPresent = 5000
)

// window is a page's worth of people in board order, and the cursors of what lies before and after; "" for nothing.
type window struct {
	people     []accounts.Person
	prev, next string
}

// window finds the cursors around people, who were read in the direction of f. more says that the reading didn't come to
// an end, and at how far it came; "": to the last of people.
func (f *filter) window(people []accounts.Person, more bool, at string) window {
	w := window{people: people}
	first, last := f.After, f.Before // of an empty window: where it would be
	if n := len(people); n > 0 {
		first, last = people[0].Cursor(), people[n-1].Cursor()
	}
	if f.Before != "" {
		w.next = last
		if more {
			w.prev = first
			if at != "" {
				w.prev = at
			}
		}
		return w
	}
	if f.After != "" {
		w.prev = first
	}
	if more {
		w.next = last
		if at != "" {
			w.next = at
		}
	}
	return w
}

// inOrder makes a window of people in the order in which they were found.
func (f *filter) inOrder(found []accounts.Person, more bool, at string) window {
	found = found[:min(len(found), PageRows)]
	if f.Before != "" {
		slices.Reverse(found)
	}
	return f.window(found, more, at)
}

// readWindow asks for the people of q. Without a filter by state they are a stretch of the accounts; present people come
// from memory; the rest is a bounded walk.
func (r *reader) readWindow(ctx context.Context, q Query) (window, error) {
	f, err := newFilter(q)
	switch {
	case err != nil:
		return window{}, err
	case f.State == "":
		people, more, err := r.accounts.People(ctx, f.people(PageRows))
		if err != nil {
			return window{}, err
		}
		return f.window(people, more, ""), nil
	case r.inMemory(&f):
		return r.readPresent(&f), nil
	default:
		return r.walk(ctx, &f)
	}
}

// inMemory reports whether the people of f, which filters by a state, are best taken from those who are here.
func (r *reader) inMemory(f *filter) bool {
	if f.State == presence.Offline || f.Search == "" {
		return f.State != presence.Offline
	}
	r.board.mu.Lock()
	defer r.board.mu.Unlock()
	return len(r.board.roster.present) <= manyPresent
}

// readPresent takes a window out of the sorted people who are here.
func (r *reader) readPresent(f *filter) window {
	r.board.mu.Lock()
	people := r.board.roster.presentFrom(f)
	r.board.mu.Unlock()
	if f.Search != "" {
		people = slices.DeleteFunc(people, func(p accounts.Person) bool { return !f.search.Finds(p.Words()) })
	}
	return f.inOrder(people, len(people) > PageRows, "")
}

// walk reads the accounts window by window and keeps those whose state is wanted, until the page is full or it has gone
// far enough. Its cursors lead on to everybody.
func (r *reader) walk(ctx context.Context, f *filter) (window, error) {
	var found []accounts.Person
	var at string
	part := f.people(PageRows)
	for n := 0; n < maxWalk || len(found) == 0 && n < maxEmptyWalk; n++ {
		people, more, err := r.accounts.People(ctx, part)
		if err != nil {
			return window{}, err
		}
		if part.Before != "" {
			slices.Reverse(people)
		}
		for _, p := range people {
			if v := r.presence.View(p.ID); !v.Listed || v.State != f.State {
				continue
			}
			if len(found) == PageRows {
				return f.inOrder(found, true, ""), nil
			}
			found = append(found, p)
		}
		if len(people) == 0 || !more {
			return f.inOrder(found, false, ""), nil
		}
		if at = people[len(people)-1].Cursor(); part.Before != "" {
			part.Before = at
		} else {
			part.After = at
		}
	}
	return f.inOrder(found, true, at), nil
}
