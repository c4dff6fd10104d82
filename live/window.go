package live

import (
	"context"
	"slices"

	"rollcall/accounts"
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
	place      place
}

// place is where a window is among all people whom its list is a page of: how many there are before it, of how many. The
// zero place isn't known.
type place struct{ before, all int }

// page is the number of the page that begins there, and how many pages there are; zero: not known.
func (p place) page() (n, all int) {
	if p.all == 0 {
		return 0, 0
	}
	all = (p.all + PageRows - 1) / PageRows
	return min(p.before/PageRows+1, all), all
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
	case f.Show == Everyone:
		people, more, err := r.accounts.People(ctx, f.people(PageRows))
		if err != nil {
			return window{}, err
		}
		w := f.window(people, more, "")
		err = r.readPlace(ctx, &f, &w)
		return w, err
	case r.inMemory(&f):
		return r.readPresent(&f), nil
	default:
		return r.walk(ctx, &f)
	}
}

// readPlace asks where w is among all people of f, if it's one page of several.
func (r *reader) readPlace(ctx context.Context, f *filter, w *window) (err error) {
	if f.Search != "" || len(w.people) == 0 || w.prev+w.next == "" {
		return nil
	}
	all := f.people(0)
	all.After, all.Before = "", ""
	if w.place.all, err = r.accounts.CountPeople(ctx, all); err != nil || w.prev == "" {
		return err
	}
	all.Before = w.people[0].Cursor()
	w.place.before, err = r.accounts.CountPeople(ctx, all)
	return err
}

// fromRoster reports whether the list of f is a page of those who are here, which the roster alone decides.
func (f *filter) fromRoster() bool { return f.Show.present() && f.Search == "" }

// inMemory reports whether the people of f, which filters by a state, are best taken from those who are here.
func (r *reader) inMemory(f *filter) bool {
	if !f.Show.present() || f.Search == "" {
		return f.Show.present()
	}
	r.board.mu.Lock()
	defer r.board.mu.Unlock()
	return len(r.board.roster.present) <= manyPresent
}

// readPresent searches among the people who are here.
func (r *reader) readPresent(f *filter) window {
	r.board.mu.Lock()
	people, _ := r.board.roster.presentFrom(f)
	r.board.mu.Unlock()
	people = slices.DeleteFunc(people, func(p accounts.Person) bool { return !f.search.Finds(p.Words()) })
	return f.inOrder(people, len(people) > PageRows, "")
}

// presentWindow is a page of the people who are here.
func (r *roster) presentWindow(f *filter) window {
	people, place := r.presentFrom(f)
	more := len(people) > PageRows
	if n := min(len(people), PageRows); f.Before != "" {
		place.before -= n
	}
	w := f.inOrder(people, more, "")
	if w.prev+w.next != "" {
		w.place = place
	}
	return w
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
			if v := r.presence.View(p.ID); !v.Listed || !f.Show.includes(v.State) {
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
