package live

import (
	"slices"
	"time"

	"rollcall/presence"
)

// lists holds all lists in memory. Guarded by Board.mu, except for the functions.
type lists struct {
	all        map[Query]*list
	generation uint64      // counts changes that may affect who is on lists
	news       func()      // says that there may be something to flush
	read       func()      // says that there may be something to read
	readList   func(*list) // says that this list has to be read again
}

// stale records that l may have changed. A reading of l that is in progress doesn't count.
func (s *lists) stale(l *list) {
	if !l.isStale() {
		l.staleSince = time.Now()
	}
	s.generation++
	l.staleAt = s.generation
	s.readList(l)
}

// doubt marks lists that were read by state as stale, because somebody whom the roster doesn't know came and left since
// it last looked. They may have been here while such a list was read.
func (s *lists) doubt() {
	for _, l := range s.all {
		if l.filter.Person == "" && l.filter.Show != Everyone && !l.filter.fromRoster() {
			s.stale(l)
		}
	}
}

// passed updates the lists that m came onto or left when their state changed.
func (s *lists) passed(m *member, from, to presence.State) {
	if from == to {
		return
	}
	who := &candidate{Person: m.person}
	for _, l := range s.all {
		f := &l.filter
		was, is := f.Show.includes(from), f.Show.includes(to)
		switch {
		case was == is || !f.covers(who):
		case !f.fromRoster():
			s.stale(l)
		case is:
			s.insert(l, m)
		default:
			s.takeOff(l, m)
		}
	}
}

// insert puts m onto l, a page of present people, if that's the right page.
func (s *lists) insert(l *list, m *member) {
	i, found := slices.BinarySearchFunc(l.members, m, compareMembers)
	switch {
	case found,
		i == 0 && l.prev != "" && l.filter.After == "", // m is on the previous page
		i == len(l.members) && l.next != "":
		return
	}
	l.members = slices.Insert(l.members, i, m)
	m.lists = append(m.lists, l)
	if _, back := l.went[m.person.ID]; back {
		delete(l.went, m.person.ID)
		l.dirty[m] = false
	} else {
		l.came[m] = struct{}{}
	}
	if len(l.members) > l.filter.extent().most {
		s.stale(l)
	}
	s.news()
}

// takeOff takes m off l.
func (s *lists) takeOff(l *list, m *member) {
	i := slices.Index(l.members, m)
	if i < 0 {
		return
	}
	l.members = slices.Delete(l.members, i, i+1)
	l.left(m)
	m.lists = slices.DeleteFunc(m.lists, func(o *list) bool { return o == l })
	delete(l.dirty, m)
	if _, unknown := l.came[m]; unknown {
		delete(l.came, m)
	} else {
		l.went[m.person.ID] = struct{}{}
	}
	if len(l.members) < l.filter.extent().fewest && (l.next != "" || l.prev != "") {
		s.stale(l)
	}
	s.news()
}
