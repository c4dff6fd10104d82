package live

import (
	"context"
	"slices"

	"rollcall/accounts"
	"rollcall/presence"
)

const (
	maxWalk      = 10 // maximum number of windows that a filter by state reads to fill a page
	maxEmptyWalk = 50 // the same, while nobody was found

	// If more people are present than manyPresent, a search for present people asks the accounts. Most people it finds
	// there are present then, and searching in memory would take longer.
	manyPresent = 5000
)

// window is one page of people in board order, with the cursors of the previous and next page, or "" if there's none.
type window struct {
	people     []accounts.Person
	prev, next string
	place      place
}

// place is where a window begins: how many people come before it, out of how many. The zero place means that it isn't
// known.
type place struct{ before, all int }

// page returns the number of the page that begins there and the number of pages, or zero if they aren't known.
func (p place) page() (n, all int) {
	if p.all == 0 {
		return 0, 0
	}
	all = (p.all + PageRows - 1) / PageRows
	return min(p.before/PageRows+1, all), all
}

// window returns people with the cursors around them. They were read in the direction of f. more says that there are
// more people in that direction. at is the cursor where the reading stopped, or "" if it stopped at the end of people.
func (f *filter) window(people []accounts.Person, more bool, at string) window {
	w := window{people: people}
	first, last := f.After, f.Before // the cursors of an empty window
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

// inOrder returns a window of people, who are in the order in which they were found.
func (f *filter) inOrder(found []accounts.Person, more bool, at string) window {
	found = found[:min(len(found), f.extent().rows)]
	if f.Before != "" {
		slices.Reverse(found)
	}
	return f.window(found, more, at)
}

// readWindow reads the people of q. Without a filter by state, one query of the accounts finds them. Present people
// come from memory if possible. Otherwise, readWindow walks the accounts.
func (r *reader) readWindow(ctx context.Context, q Query) (window, error) {
	f, err := newFilter(q)
	switch {
	case err != nil:
		return window{}, err
	case f.Person != "":
		people, err := r.accounts.PeopleByID(ctx, []string{f.Person})
		people = slices.DeleteFunc(people, func(p accounts.Person) bool { return !f.inTeam(p) })
		return window{people: people}, err
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

// readPlace reads the place of w among all people of f, if there are several pages. It counts people in the team where
// w begins, and knows the others, because counting everyone before a late page takes long on a large board.
func (r *reader) readPlace(ctx context.Context, f *filter, w *window) error {
	if f.Search != "" || len(w.people) == 0 || w.prev+w.next == "" {
		return nil
	}
	first := w.people[0]
	key := first.TeamKey()
	r.board.mu.Lock()
	place := r.board.roster.tally.placeOf(f, key)
	r.board.mu.Unlock()
	if w.prev != "" {
		before, err := r.accounts.CountPeople(ctx, accounts.PeopleQuery{Team: &key, Before: first.Cursor()})
		if err != nil {
			return err
		}
		place.before += before
	}
	w.place = place
	return nil
}

// fromRoster reports whether the list of f is a page of present people, for which the roster is enough.
func (f *filter) fromRoster() bool { return f.Show.present() && f.Search == "" }

// inMemory reports whether the people of f, which filters by state, are best found among the present people.
func (r *reader) inMemory(f *filter) bool {
	if !f.Show.present() || f.Search == "" {
		return f.Show.present()
	}
	r.board.mu.Lock()
	defer r.board.mu.Unlock()
	return len(r.board.roster.present) <= manyPresent
}

// readPresent searches the present people.
func (r *reader) readPresent(f *filter) window {
	r.board.mu.Lock()
	people, _ := r.board.roster.presentFrom(f)
	r.board.mu.Unlock()
	people = slices.DeleteFunc(people, func(p accounts.Person) bool { return !f.search.Finds(p.Words()) })
	return f.inOrder(people, len(people) > f.extent().rows, "")
}

// presentWindow returns a page of the present people.
func (r *roster) presentWindow(f *filter) window {
	people, place := r.presentFrom(f)
	rows := f.extent().rows
	more := len(people) > rows
	if n := min(len(people), rows); f.Before != "" {
		place.before -= n
	}
	w := f.inOrder(people, more, "")
	if w.prev+w.next != "" {
		w.place = place
	}
	return w
}

// viewsOf returns the views of people that the roster has. A newer one wouldn't do: if it changes back before the
// roster looks, nothing would say that the list that was read with it is wrong.
func (r *reader) viewsOf(people []accounts.Person) []presence.View {
	views := make([]presence.View, len(people))
	r.board.mu.Lock()
	defer r.board.mu.Unlock()
	for i, p := range people {
		if m := r.board.roster.members[p.ID]; m != nil {
			views[i] = m.view
		} else {
			views[i] = r.presence.View(p.ID)
		}
	}
	return views
}

// walk reads the accounts window by window and keeps people in the right states, until the page is full or it has read
// enough windows. The cursors of the result lead to the people it didn't reach.
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
		views := r.viewsOf(people)
		for i, p := range people {
			if v := views[i]; !v.Listed || !f.Show.includes(v.State) {
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

// presentFrom returns the present people whom f shows, from its cursor on and in its direction. Without a search, it
// returns at most one more than fits on a page. at is the place of the cursor among all of them.
func (r *roster) presentFrom(f *filter) (people []accounts.Person, at place) {
	i := 0
	if f.After+f.Before != "" {
		var found bool
		i, found = slices.BinarySearchFunc(r.present, f.from, func(m *member, p accounts.Person) int {
			return accounts.ComparePeople(m.person, p)
		})
		if found && f.After != "" {
			i++
		}
	}
	rows := f.extent().rows
	full := func() bool { return f.Search == "" && len(people) > rows }
	if f.Before != "" {
		for _, m := range slices.Backward(r.present[:i]) {
			if full() {
				break
			}
			if f.shows(m) {
				people = append(people, m.person)
			}
		}
	} else {
		for _, m := range r.present[i:] {
			if full() {
				break
			}
			if f.shows(m) {
				people = append(people, m.person)
			}
		}
	}
	return people, r.placeIn(f, i)
}

// placeIn returns the place of the ith present person among those whom f shows.
func (r *roster) placeIn(f *filter, i int) (at place) {
	if f.showsAllPresent() {
		return place{i, len(r.present)}
	}
	for j, m := range r.present {
		if f.shows(m) {
			if at.all++; j < i {
				at.before++
			}
		}
	}
	return at
}

// locate updates the place of a page of all present people. People who come and go on other pages change it.
func (r *roster) locate(l *list) {
	if !l.filter.fromRoster() || !l.filter.showsAllPresent() || len(l.members) == 0 || l.prev+l.next == "" {
		return
	}
	page, pages := l.place.page()
	i, _ := slices.BinarySearchFunc(r.present, l.members[0], compareMembers)
	l.place = place{i, len(r.present)}
	if now, all := l.place.page(); now != page || all != pages {
		l.relink = true
		r.lists.news()
	}
}

// shows reports whether f, without a search and a cursor, shows m, who is present.
func (f *filter) shows(m *member) bool { return f.Show.includes(m.counted) && f.inTeam(m.person) }

// showsAllPresent reports whether f, without a search and a cursor, shows everyone who is present.
func (f *filter) showsAllPresent() bool { return f.Show == Here && f.Team == "" && f.teams == nil }

// presentBehind returns the cursor after the first n people whom f shows, or "" if there are fewer.
func (r *roster) presentBehind(f *filter, n int) string {
	if f.showsAllPresent() {
		if n > len(r.present) {
			return ""
		}
		return r.present[n-1].person.Cursor()
	}
	for _, m := range r.present {
		if f.shows(m) {
			if n--; n == 0 {
				return m.person.Cursor()
			}
		}
	}
	return ""
}
