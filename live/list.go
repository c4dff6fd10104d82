package live

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"rollcall/accounts"
)

const (
	PageRows   = 200 // people on one page of a list
	spareLists = 64  // lists without watchers to keep, because they were just loaded
)

// extent is how many people are on a page. A page of present people is read again if it has more than most, or fewer
// than fewest and there are other pages.
type extent struct{ rows, most, fewest int }

var (
	fullPage  = extent{PageRows, 250, 100}
	shortPage = extent{24, 36, 12} // of a short list; pages show the first 12, so there are some to move up
)

func (f *filter) extent() extent {
	if f.own {
		return shortPage
	}
	return fullPage
}

// list is one page of the board with one filter. All its watchers share it, so changes are collected and encoded once.
// Guarded by Board.mu.
type list struct {
	filter     filter
	members    []*member
	prev, next string    // cursors of the previous and next page; "" if there's none
	place      place     // of this page among all pages
	index      []string  // keys of all teams, in board order, if the list has an index
	indexed    *Index    // the last one made; nil if there's none yet
	version    uint64    // 0 if it has none yet
	used       time.Time // when it was last loaded, or the last watcher stopped
	watchers   watchers

	told   told // as of the last flush
	unsent      // since the last flush
	reading

	snapshots [Audiences]*Change // bring any watcher to this version; nil if not created yet
}

// unsent is what changed on a list since the last flush.
type unsent struct {
	dirty   map[*member]bool     // members whose row changed; true if only last seen changed
	came    map[*member]struct{} // members added
	went    map[string]struct{}  // IDs of members removed
	relist  bool                 // the members changed in another way, or their order did
	relink  bool                 // the links to other pages changed
	renamed bool                 // people who stay on the list have other names
	hidden  []string             // IDs of people who moved to a team that the watchers may not see
	gone    map[string]struct{}  // IDs of people who left the list, but whom pages may still show
	arrived int                  // people who came and are on other pages
}

// reading says how current a list is that was read from the accounts, and what reading it takes.
type reading struct {
	readAt     uint64        // lists.generation when it was read
	staleAt    uint64        // the generation of the last change that may affect it
	staleSince time.Time     // since when it waits to be read again
	reread     time.Time     // when it was last read because it may have changed
	cost       time.Duration // how long the last reading took
}

// told is what the watchers of a list were sent last.
type told struct {
	whole   bool // list.whole
	empty   bool // nobody was on the list
	counts  Counts
	teams   map[string]TeamCount
	early   bool // a page was loaded with newer counts
	arrived int
}

func newList(q Query) (*list, error) {
	f, err := newFilter(q)
	return &list{
		filter: f, told: told{teams: map[string]TeamCount{}},
		unsent:   unsent{dirty: map[*member]bool{}, came: map[*member]struct{}{}, went: map[string]struct{}{}},
		watchers: watchers{active: map[*Watcher]struct{}{}, paused: map[*Watcher]struct{}{}},
	}, err
}

// renew gives l a random version. Pages contain it, so it must not be a counter: that would reveal the activity of
// invisible people.
func (l *list) renew() {
	l.version, l.snapshots = rand.Uint64()|1, [Audiences]*Change{}
}

func (r *reading) isStale() bool { return r.staleAt > r.readAt }

// whole reports whether l has everyone in its team or search, whatever their state.
func (l *list) whole() bool { return l.filter.Show == Everyone && l.prev == "" && l.next == "" }

// countsItself reports whether the counts of l are those of its members. For a search, they always are.
func (l *list) countsItself() bool { return l.whole() || l.filter.Search != "" }

// affects reports whether who, with a new name or team, may belong on l now.
func (l *list) affects(who *candidate) bool {
	n := len(l.members)
	switch f := &l.filter; {
	case !f.covers(who):
		return false
	case f.fromRoster():
		return who.here
	case n == 0 || f.Show != Everyone: // the members don't show how far a walk got
		return true
	case f.Before != "":
		return l.prev == "" || accounts.ComparePeople(who.Person, l.members[0].person) >= 0
	}
	return l.next == "" || accounts.ComparePeople(who.Person, l.members[n-1].person) <= 0
}

// byUrgency orders lists by how long they have waited in proportion to their cost, so that costly lists, however many,
// don't delay cheap ones.
func byUrgency(now time.Time) func(a, b *list) int {
	return func(a, b *list) int { return cmp.Compare(b.urgency(now), a.urgency(now)) }
}

func (l *list) urgency(now time.Time) float64 {
	return float64(now.Sub(l.staleSince)) / float64(max(l.cost, time.Microsecond))
}

// misses reports whether m is on another page of the same filter. For searches, it returns false.
func (l *list) misses(m *member) bool {
	f := &l.filter
	switch {
	case len(l.members) == 0, f.Person != "", f.Search != "", f.own:
		return false
	case !f.inTeam(m.person), !f.Show.includes(m.view.State):
		return false
	}
	first, last := l.members[0].person, l.members[len(l.members)-1].person
	return l.prev != "" && accounts.ComparePeople(m.person, first) < 0 ||
		l.next != "" && accounts.ComparePeople(m.person, last) > 0
}

// moved reports whether people were put onto l or taken off it since the last flush.
func (l *list) moved() bool { return len(l.came)+len(l.went) > 0 }

// install stores people, which were read at generation, as the list of q.
func (r *roster) install(q Query, people window, generation uint64) (*list, error) {
	l := r.lists.all[q]
	if l == nil {
		var err error
		if l, err = newList(q); err != nil {
			return nil, err
		}
		l.staleAt = r.lists.generation // a change during the reading may affect it
		r.lists.all[q] = l
		defer r.trim(l)
	}
	l.used = time.Now()
	if l.readAt <= generation { // otherwise, a newer reading was installed first
		l.readAt = generation
		r.fill(l, people)
	}
	return l, nil
}

// fill makes people the members of l.
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
		l.index = r.index(l.filter.teams)
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

// folds reports whether l folds the absent people of a team. It does on a board with one page, but not for a search or
// a team, because the person may be looking for them.
func (l *list) folds() bool { return l.whole() && l.filter.Search == "" && l.filter.Team == "" }

// hasIndex reports whether l has an index of all teams: only the first page of everyone who is here does.
func (l *list) hasIndex() bool { return l.filter.Query == Query{Show: Here, teams: l.filter.teams} }

// maxIndex is the maximum number of teams in an index.
const maxIndex = 200

// index returns the keys of those of teams that belong in an index. If there are too many, teams with someone here come
// first.
func (r *roster) index(teams *teamSet) []string {
	keys := make([]string, 0, min(len(r.tally.teams), maxIndex))
	for key := range r.here {
		if _, counted := r.tally.people[key]; counted && teams.has(key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	keys = keys[:min(len(keys), maxIndex)]
	for _, t := range r.tally.teams {
		if len(keys) == maxIndex {
			break
		}
		if r.here[t.Key].Here() == 0 && teams.has(t.Key) {
			keys = append(keys, t.Key)
		}
	}
	return keys
}

// reindex updates indexes after teams were counted.
func (r *roster) reindex() {
	r.faces.keep(r.tally.people)
	for _, l := range r.lists.all {
		if !l.hasIndex() {
			continue
		}
		if keys := r.index(l.filter.teams); !sameKeys(keys, l.index) {
			l.index, l.relist = keys, true
		}
	}
}

// sameKeys reports whether a and b have the same keys in any order. The order depends on who is here, so it changes all
// the time.
func sameKeys(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

// trim drops the least recently used lists without watchers until at most spareLists of them are left. It doesn't drop
// keep, which was just created.
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

// teams returns the counts of the teams on l, or of all teams if l has an index. Every flush calls it for all lists, so
// it doesn't iterate over the members if they haven't changed.
func (r *roster) teams(l *list) map[string]TeamCount {
	if l.filter.Person != "" || l.filter.fromRoster() && !l.hasIndex() { // has no counts of teams
		return nil
	}
	teams := make(map[string]TeamCount, len(l.told.teams))
	if l.hasIndex() {
		for _, key := range l.index {
			teams[key] = TeamCount{Key: key, Here: r.here[key].Here(), People: r.tally.people[key], Faces: facesOf(r, key)}
		}
		return teams
	}
	if !l.countsItself() {
		if l.relist || len(l.told.teams) == 0 {
			for _, m := range l.members {
				teams[m.person.TeamKey()] = TeamCount{}
			}
		} else {
			maps.Copy(teams, l.told.teams)
		}
		for key := range teams {
			teams[key] = TeamCount{Key: key, Here: r.here[key].Here(), People: r.tally.people[key]}
		}
		return teams
	}
	for _, m := range l.members {
		key := m.person.TeamKey()
		n := teams[key]
		n.Key, n.Found = key, l.filter.Search != ""
		if n.People++; m.present {
			n.Here++
		} else if l.folds() {
			n.Absent++
		}
		teams[key] = n
	}
	return teams
}

// unsent reports whether anything changed on l since the last flush.
func (r *roster) unsent(l *list, counts Counts) bool {
	return len(l.dirty) > 0 || l.moved() || l.relist || l.relink || l.told.early || l.told.counts != counts ||
		l.arrived != l.told.arrived || !maps.Equal(l.told.teams, r.teams(l))
}

// settle records that the watchers of l are up to date.
func (r *roster) settle(l *list, counts Counts) {
	l.told = told{whole: l.whole(), empty: len(l.members) == 0, counts: counts, teams: r.teams(l), arrived: l.arrived}
	l.relist, l.relink, l.renamed = false, false, false
	clear(l.dirty)
	clear(l.came)
	clear(l.went)
}

// shown records that a page is loaded with l as it is now, which may be newer than what the watchers were sent. The
// next flush then sends all counts: a count that has changed back by then would otherwise stay wrong on the loaded
// page.
func (r *roster) shown(l *list) {
	early := r.counts(l) != l.told.counts || !maps.Equal(r.teams(l), l.told.teams)
	if early && !l.told.early {
		l.told.early = true
		r.lists.news()
	}
}

// derive returns the list of q, which differs from the query of from only in its teams, or in whose own team it shows.
// If it isn't in memory, it begins with the people of from who are in these teams, and has to be read again.
func (r *roster) derive(from *list, q Query) *list {
	if l := r.lists.all[q]; l != nil {
		return l
	}
	f, _ := newFilter(q)
	if f.fromRoster() {
		l, _ := r.install(q, r.presentWindow(&f), r.lists.generation) // q is as valid as that of from
		return l
	}
	var w window
	for _, m := range from.members {
		if f.inTeam(m.person) {
			w.people = append(w.people, m.person)
		}
	}
	if n := len(w.people); n > 0 { // never the cursors of from, which name people
		if from.prev != "" {
			w.prev = w.people[0].Cursor()
		}
		if from.next != "" {
			w.next = w.people[n-1].Cursor()
		}
	}
	l, _ := r.install(q, w, r.lists.generation)
	r.lists.stale(l)
	return l
}

// left records that m was on l. Until the next flush all pages may show m, and after it those that keep what they show:
// pages that nobody can see, and those from before a start.
func (l *list) left(m *member) {
	if l.filter.teams == nil {
		return
	}
	if l.gone == nil {
		l.gone = map[string]struct{}{}
	}
	l.gone[m.person.ID] = struct{}{}
}
