package live

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

const (
	PageRows   = 200 // people on one page of a list
	mostRows   = 250 // that a page of people who are here grows to before it is divided anew
	fewestRows = 100 // that it shrinks to while there are other pages
	spareLists = 64  // lists without watchers that are kept all the same: somebody just loaded them
)

// list is one page of the board under one filter, shared by everybody who watches it: a change on it is gathered and
// encoded once, however many watch. Guarded by Board.mu.
type list struct {
	filter     filter
	members    []*member
	prev, next string    // cursors of the pages before and after; "": none
	place      place     // of the page among all of them
	index      []string  // keys of the teams of the whole board, on a page of those who are here; in board order
	version    uint64    // 0: none yet
	used       time.Time // last loaded or left
	watchers   watchers

	readAt     uint64        // lists.generation when it was read
	staleAt    uint64        // the generation of the last change that may bear on it
	staleSince time.Time     // since when it waits to be read again
	reread     time.Time     // when it was last read because it may have changed
	cost       time.Duration // how long the last reading took

	dirty   map[*member]bool     // whose row changed since the last flush; true: only last seen
	came    map[*member]struct{} // who was put onto the list since the last flush, and
	went    map[string]struct{}  // who was taken off it, by id
	relist  bool                 // who is on the list changed in another way, or in which order
	relink  bool                 // the links to other pages changed
	arrived int                  // people who came and stand on pages before or after
	told    told                 // as of the last flush

	snapshots [Audiences]*Change // that bring anybody to this version; nil: to be made
}

// told is what the watchers of a list have last been sent.
type told struct {
	whole   bool // list.whole
	empty   bool // nobody was on the list
	counts  Counts
	teams   map[string]TeamCount
	early   bool // somebody was shown other counts than those
	arrived int
}

func newList(q Query) (*list, error) {
	f, err := newFilter(q)
	return &list{
		filter: f, told: told{teams: map[string]TeamCount{}},
		dirty: map[*member]bool{}, came: map[*member]struct{}{}, went: map[string]struct{}{},
		watchers: watchers{active: map[*Watcher]struct{}{}, paused: map[*Watcher]struct{}{}},
	}, err
}

// renew gives l a version that no list of this process ever had. Pages carry it, so it must not count what happens: people
// who can't be seen also make things happen.
func (l *list) renew() {
	l.version, l.snapshots = rand.Uint64()|1, [Audiences]*Change{}
}

func (l *list) isStale() bool { return l.staleAt > l.readAt }

// whole reports whether l holds everybody there is under its search and team, whatever their state.
func (l *list) whole() bool { return l.filter.Show == Everyone && l.prev == "" && l.next == "" }

// countsItself reports whether the numbers of l are of the people on it. Those of a search always are: they count what it
// shows.
func (l *list) countsItself() bool { return l.whole() || l.filter.Search != "" }

// affects reports whether who, with a new name or team, may have come onto l.
func (l *list) affects(who *candidate) bool {
	n := len(l.members)
	switch f := &l.filter; {
	case !f.covers(who):
		return false
	case f.fromRoster():
		return who.here
	case n == 0 || f.Show != Everyone: // how far a walk came isn't known from whom it found
		return true
	case f.Before != "":
		return l.prev == "" || accounts.ComparePeople(who.Person, l.members[0].person) >= 0
	}
	return l.next == "" || accounts.ComparePeople(who.Person, l.members[n-1].person) <= 0
}

// byUrgency orders lists to be read again by how long they have waited in proportion to what they cost, so that costly
// ones, however many, don't keep cheap ones waiting.
func byUrgency(now time.Time) func(a, b *list) int {
	return func(a, b *list) int { return cmp.Compare(b.urgency(now), a.urgency(now)) }
}

func (l *list) urgency(now time.Time) float64 {
	return float64(now.Sub(l.staleSince)) / float64(max(l.cost, time.Microsecond))
}

// misses reports whether m belongs to what l is a page of, but to another page of it. Of searches that isn't known.
func (l *list) misses(m *member) bool {
	f := &l.filter
	if len(l.members) == 0 || f.Search != "" || !f.inTeam(m.person) || !f.Show.includes(m.view.State) {
		return false
	}
	first, last := l.members[0].person, l.members[len(l.members)-1].person
	return l.prev != "" && accounts.ComparePeople(m.person, first) < 0 ||
		l.next != "" && accounts.ComparePeople(m.person, last) > 0
}

// lists are all lists in memory. Guarded by Board.mu, but for the signals.
type lists struct {
	all        map[Query]*list
	generation uint64      // counts changes that may bear on who is on lists
	news       func()      // there may be something to flush
	read       func()      // there may be something to read
	readList   func(*list) // this list is to be read again
}

// stale notes that l may have changed, also for a reading of it that is under way.
func (s *lists) stale(l *list) {
	if !l.isStale() {
		l.staleSince = time.Now()
	}
	s.generation++
	l.staleAt = s.generation
	s.readList(l)
}

// passed keeps those lists current whose filter by state m has passed into or out of.
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

// insert puts m onto l, a page of people who are here, if their place is on it.
func (s *lists) insert(l *list, m *member) {
	i, found := slices.BinarySearchFunc(l.members, m, compareMembers)
	switch {
	case found,
		i == 0 && l.prev != "" && l.filter.After == "", // the page before it is theirs
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
	if len(l.members) > mostRows {
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
	m.lists = slices.DeleteFunc(m.lists, func(o *list) bool { return o == l })
	delete(l.dirty, m)
	if _, unknown := l.came[m]; unknown {
		delete(l.came, m)
	} else {
		l.went[m.person.ID] = struct{}{}
	}
	if len(l.members) < fewestRows && (l.next != "" || l.prev != "") {
		s.stale(l)
	}
	s.news()
}

// moved reports whether people were put onto l or taken off it since the last flush.
func (l *list) moved() bool { return len(l.came)+len(l.went) > 0 }

// install makes people, read at generation, the list of q.
func (r *roster) install(q Query, people window, generation uint64) (*list, error) {
	l := r.lists.all[q]
	if l == nil {
		var err error
		if l, err = newList(q); err != nil {
			return nil, err
		}
		l.staleAt = r.lists.generation // what changed while we read may bear on it
		r.lists.all[q] = l
		defer r.trim(l)
	}
	l.used = time.Now()
	if l.readAt <= generation { // or else somebody read later than we did, and was quicker
		l.readAt = generation
		r.fill(l, people)
	}
	return l, nil
}

// fill puts people onto l. Members who are on it no more are let go.
func (r *roster) fill(l *list, people window) {
	members := make([]*member, len(people.people))
	for i, p := range people.people {
		members[i] = r.meet(p)
	}
	if l.version > 0 && (l.prev != people.prev || l.next != people.next || l.place != people.place) {
		l.relink = true
		r.lists.news()
	}
	l.prev, l.next, l.place = people.prev, people.next, people.place
	if l.hasIndex() {
		l.index = r.index()
	}
	if slices.Equal(members, l.members) && l.version > 0 {
		return
	}
	on := make(map[*member]bool, len(members))
	for _, m := range members {
		on[m] = true
		if !slices.Contains(m.lists, l) {
			m.lists = append(m.lists, l)
		}
	}
	was := l.members
	l.members = members
	for _, m := range was {
		if !on[m] {
			r.off(m, l)
		}
	}
	clear(l.came)
	clear(l.went)
	if l.version == 0 {
		l.renew()
		r.settle(l, r.counts(l))
		return
	}
	l.relist = true
	r.lists.news()
}

// countAbsent makes teams those on l, with how many people on it are absent.
func (r *roster) countAbsent(l *list, teams map[string]TeamCount) {
	clear(teams)
	for _, m := range l.members {
		key := m.person.TeamKey()
		n := teams[key]
		if !m.present {
			n.Absent++
		}
		teams[key] = n
	}
}

// hasIndex reports whether l goes with an index of all teams: the first page of everybody who is here does.
func (l *list) hasIndex() bool { return l.filter.Query == Query{Show: Here} }

// maxIndex is how many teams an index has at most.
const maxIndex = 200

// index are the keys of the teams in an index: all of them or, if they are too many, first of all those with somebody here.
func (r *roster) index() []string {
	keys := make([]string, 0, min(len(r.tally.teams), maxIndex))
	for _, withPeople := range [...]bool{true, false} {
		for _, t := range r.tally.teams {
			if here := r.here[t.Key].Here() > 0; here == withPeople && len(keys) < maxIndex {
				keys = append(keys, t.Key)
			}
		}
	}
	return keys
}

// reindex brings indexes up to date after teams were counted.
func (r *roster) reindex() {
	for _, l := range r.lists.all {
		if !l.hasIndex() {
			continue
		}
		if keys := r.index(); !sameKeys(keys, l.index) {
			l.index, l.relist = keys, true
		}
	}
}

// sameKeys reports whether a and b hold the same, in any order: which teams have somebody here changes all the time.
func sameKeys(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// trim drops lists that nobody watches, those used longest ago first, until no more are kept than may be. keep was just
// made and stays.
func (r *roster) trim(keep *list) {
	var spare []*list
	for _, l := range r.lists.all {
		if l != keep && l.watchers.none() {
			spare = append(spare, l)
		}
	}
	if len(spare) <= spareLists {
		return
	}
	slices.SortFunc(spare, func(a, b *list) int { return a.used.Compare(b.used) })
	for _, l := range spare[:len(spare)-spareLists] {
		delete(r.lists.all, l.filter.Query)
		for _, m := range l.members {
			r.off(m, l)
		}
	}
}

// teams are the numbers of the teams on l, or of all teams for a list that is one of the whole board. All lists ask with
// every flush, so one whose members are as they were doesn't go through them.
func (r *roster) teams(l *list) map[string]TeamCount {
	teams := make(map[string]TeamCount, len(l.told.teams))
	if l.hasIndex() {
		for _, key := range l.index {
			teams[key] = TeamCount{Key: key, Here: r.here[key].Here(), People: r.tally.people[key]}
		}
		return teams
	}
	if !l.countsItself() {
		maps.Copy(teams, l.told.teams)
		if l.relist || l.moved() || len(l.dirty) > 0 || len(teams) == 0 {
			r.countAbsent(l, teams)
		}
		for key, n := range teams {
			n.Key, n.Here, n.People = key, r.here[key].Here(), r.tally.people[key]
			teams[key] = n
		}
		return teams
	}
	for _, m := range l.members {
		key := m.person.TeamKey()
		n := teams[key]
		n.Key, n.Found = key, l.filter.Search != ""
		if n.People++; m.present {
			n.Here++
		} else {
			n.Absent++
		}
		teams[key] = n
	}
	return teams
}

// unsent reports whether anything changed on l since the last flush.
func (r *roster) unsent(l *list, counts Counts) bool {
	return len(l.dirty) > 0 || l.moved() || l.relist || l.relink || l.told.early || l.told.counts != counts || l.arrived != l.told.arrived ||
		!maps.Equal(l.told.teams, r.teams(l))
}

// settle notes that everybody who watches l knows all there is to know.
func (r *roster) settle(l *list, counts Counts) {
	l.told = told{whole: l.whole(), empty: len(l.members) == 0, counts: counts, teams: r.teams(l), arrived: l.arrived}
	l.relist, l.relink = false, false
	clear(l.dirty)
	clear(l.came)
	clear(l.went)
}

// shown notes that somebody is shown l as it is now, which may be newer than what the watchers were sent. Numbers that
// were shown early go to everybody with the next flush, or one that went back meanwhile would stay wrong.
func (r *roster) shown(l *list) {
	early := r.counts(l) != l.told.counts || !maps.Equal(r.teams(l), l.told.teams)
	if early && !l.told.early {
		l.told.early = true
		r.lists.news()
	}
}
