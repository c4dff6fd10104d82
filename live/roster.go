package live

import (
	"slices"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// roster is who there is and who is here: the people that some list shows or who are present, in what state and team
// they are, and how many others there are. Guarded by Board.mu.
type roster struct {
	presence *presence.Tracker
	lists    *lists
	boot     string // begins versions since warming last began, so that those of before aren't taken for newer ones

	warming bool      // people are still coming back, after a start or after all were disconnected
	lost    time.Time // since when other replicas can't be reached, as shown; zero: they can

	members map[string]*member
	present []*member                  // everybody who is here, in board order
	here    map[string]presence.Counts // how many of them are in which state, by team key
	tally   tally

	unmet map[string]bool      // people to read: here and not known yet (true: has just arrived), or last seen elsewhere
	left  map[string]time.Time // when people left who may have been connected to other replicas

	applied uint64 // counts updates that were taken in
	looks   uint64 // counts looks for updates, from their start
}

// member is one person as the board knows them: what accounts and presence say, and the rows made of both. Guarded by
// Board.mu.
type member struct {
	person  accounts.Person
	view    presence.View
	entries [Audiences]*Entry // nil: to be made when somebody asks
	lists   []*list           // that show the person
	present bool              // in roster.present
	counted presence.State    // in roster.here, while present
	readIn  uint64            // roster.looks when the reading of a list last brought or moved the person
}

// tally is how many people there are.
type tally struct {
	total           int
	teams           []accounts.Team // in board order
	named           int             // how many of them have a name
	people          map[string]int  // by team key
	readAt, staleAt uint64          // lists.generation, as with a list
}

func newRoster(tracker *presence.Tracker, l *lists) roster {
	r := roster{
		presence: tracker, lists: l, boot: newBoot(),
		members: map[string]*member{}, here: map[string]presence.Counts{}, tally: tally{staleAt: 1},
		unmet: map[string]bool{}, left: map[string]time.Time{},
	}
	r.warming = r.unsure()
	return r
}

// isHere reports whether v is of a person who is shown as present.
func isHere(v presence.View) bool { return v.Listed && v.State != presence.Offline }

func compareMembers(a, b *member) int { return accounts.ComparePeople(a.person, b.person) }

// entry returns m's row for an audience, made now if there is none.
func (r *roster) entry(m *member, to Audience) *Entry {
	if m.entries[to] != nil {
		return m.entries[to]
	}
	row := NewRow(m.person, m.view, to, time.Now())
	row.Stale = m.view.Elsewhere && !r.lost.IsZero()
	m.entries[to] = &Entry{Row: row}
	if to != Full {
		if full := r.entry(m, Full); full.Row == row {
			m.entries[to] = full // so that it's encoded once
		}
	}
	return m.entries[to]
}

// meet returns p as a member, new or brought up to date.
func (r *roster) meet(p accounts.Person) *member {
	m := r.members[p.ID]
	if m == nil {
		m = &member{person: p, view: r.presence.View(p.ID), readIn: r.looks}
		r.members[p.ID] = m
		r.place(m)
		r.came(m)
		return m
	}
	if r.replace(m, p) {
		m.readIn = r.looks
	}
	return m
}

// mayBeAhead reports whether the reading of a list may have brought m with changes that are only being applied now. It
// can't have when a whole look for changes came between.
func (r *roster) mayBeAhead(m *member) bool { return r.looks <= m.readIn+1 }

// came takes note of a new member. If they are here, they arrived before anybody looked: that's news to lists that
// filter, and to the numbers of teams.
func (r *roster) came(m *member) {
	if m.present {
		r.lists.passed(m, presence.Offline, m.view.State)
		r.lists.news()
	}
	if r.unmet[m.person.ID] {
		r.arrived(m)
		delete(r.unmet, m.person.ID)
	}
}

// meetAll takes in people, who are in board order, and puts those who are here among the others in one go.
func (r *roster) meetAll(people []accounts.Person) {
	var here []*member
	for _, p := range people {
		m := r.members[p.ID]
		if m != nil {
			r.replace(m, p)
			r.forget(m)
			continue
		}
		m = &member{person: p, view: r.presence.View(p.ID)}
		if !isHere(m.view) {
			continue // gone again, and on no list
		}
		r.members[p.ID] = m
		m.present = true
		r.count(m, m.view.State)
		here = append(here, m)
	}
	r.present = merge(r.present, here)
	for _, m := range here {
		r.came(m)
	}
}

// merge returns the members of two sorted lists in one.
func merge(a, b []*member) []*member {
	all := make([]*member, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if compareMembers(a[0], b[0]) < 0 {
			all, a = append(all, a[0]), a[1:]
		} else {
			all, b = append(all, b[0]), b[1:]
		}
	}
	return append(append(all, a...), b...)
}

// hear takes in what the accounts say now.
func (r *roster) hear(u Update) {
	r.applied++
	for _, p := range u.People {
		r.refresh(p)
	}
	for _, id := range u.Unlisted {
		r.recount()
		if m := r.members[id]; m != nil {
			r.remove(m)
		}
	}
	if u.Reset {
		r.recount()
		for _, l := range r.lists.all {
			r.lists.stale(l)
		}
	}
}

// refresh takes in what the accounts say now of p, who may be new, moved or renamed, or have merely set a status.
func (r *roster) refresh(p accounts.Person) {
	m := r.members[p.ID]
	if m != nil && accounts.ComparePeople(p, m.person) == 0 && p.Team == m.person.Team && !r.mayBeAhead(m) {
		r.replace(m, p)
		return
	}
	r.recount()
	if m != nil {
		for _, l := range m.lists {
			r.lists.stale(l)
		}
		r.replace(m, p)
	}
	who := &candidate{Person: p, here: m != nil && m.present}
	for _, l := range r.lists.all {
		if l.affects(who) {
			r.lists.stale(l)
		}
	}
}

// replace gives m what the accounts say now, and reports whether their place on the board may have changed.
func (r *roster) replace(m *member, p accounts.Person) (moved bool) {
	if p.LastSeen.Before(m.person.LastSeen) {
		p.LastSeen = m.person.LastSeen // ours is on its way to the store
	}
	if p == m.person {
		return false
	}
	moved = accounts.ComparePeople(p, m.person) != 0
	if moved {
		r.unplace(m)
	}
	if p.Team != m.person.Team { // the heading changes, even where the order stays
		for _, l := range m.lists {
			l.relist = true
		}
		r.lists.news()
	}
	m.person = p
	if moved {
		r.place(m)
	}
	r.redraw(m)
	return moved
}

// look gives m what presence says now.
func (r *roster) look(m *member) {
	v := r.presence.View(m.person.ID)
	if v == m.view {
		return
	}
	if v.State != m.view.State || v.Listed != m.view.Listed {
		r.lists.passed(m, m.view.State, v.State)
		r.lists.news() // the counts changed, whoever lists the person
	}
	if isHere(m.view) && !isHere(v) && (m.view.Elsewhere || r.presence.Peers().Others > 0) {
		r.left[m.person.ID] = time.Now()
	}
	m.view = v
	switch {
	case !v.Listed: // disabled, maybe by the word of another replica
		r.recount()
		r.remove(m)
		return
	case !isHere(v):
		r.unplace(m)
	case !m.present:
		r.place(m)
		r.arrived(m)
	default:
		r.count(m, v.State)
	}
	r.redraw(m)
}

// redraw marks m on every list that shows them if their row has truly changed.
func (r *roster) redraw(m *member) {
	was := m.entries
	m.entries = [Audiences]*Entry{}
	if len(m.lists) == 0 {
		return
	}
	if was[Full] != nil && was[Full].Row == r.entry(m, Full).Row {
		m.entries = was // the other audiences too: what they may know hasn't changed either
		return
	}
	seenOnly := false
	if old := was[Reticent]; old != nil && old.Row == r.entry(m, Reticent).Row {
		m.entries[Reticent], seenOnly = old, true
	}
	for _, l := range m.lists {
		earlier, dirty := l.dirty[m]
		l.dirty[m] = seenOnly && (earlier || !dirty)
	}
	r.lists.news()
}

// place puts m among the people who are here, if they are.
func (r *roster) place(m *member) {
	if m.present || !isHere(m.view) {
		return
	}
	i, _ := slices.BinarySearchFunc(r.present, m, compareMembers)
	r.present = slices.Insert(r.present, i, m)
	m.present = true
	r.count(m, m.view.State)
}

func (r *roster) unplace(m *member) {
	if !m.present {
		return
	}
	if i, found := slices.BinarySearchFunc(r.present, m, compareMembers); found {
		r.present = slices.Delete(r.present, i, i+1)
	}
	r.count(m, presence.Offline)
	m.present = false
}

// count counts m in state among those of their team who are here. Offline takes them out.
func (r *roster) count(m *member, state presence.State) {
	key := m.person.TeamKey()
	counts := r.here[key]
	counts.Add(m.counted, -1)
	counts.Add(state, +1)
	m.counted = state
	if counts.Here() > 0 {
		r.here[key] = counts
	} else {
		delete(r.here, key)
	}
}

// arrived lets lists know that m came whose place is before or after the people they show.
func (r *roster) arrived(m *member) {
	if r.warming || !m.present { // nobody arrives while people come back
		return
	}
	for _, l := range r.lists.all {
		if l.misses(m) {
			l.arrived++
			r.lists.news()
		}
	}
}

// forget drops a member whom no list shows and who isn't here.
func (r *roster) forget(m *member) {
	if len(m.lists) == 0 && !m.present && r.members[m.person.ID] == m {
		delete(r.members, m.person.ID)
	}
}

// remove takes somebody who is disabled or gone off the board, and off every list at once.
func (r *roster) remove(m *member) {
	r.unplace(m)
	for _, l := range m.lists {
		l.members = slices.DeleteFunc(l.members, func(o *member) bool { return o == m })
		delete(l.dirty, m)
		l.relist = true
		r.lists.stale(l) // somebody may move up
	}
	m.lists = nil
	delete(r.members, m.person.ID)
	r.lists.news()
}

// off ends that l shows m.
func (r *roster) off(m *member, l *list) {
	m.lists = slices.DeleteFunc(m.lists, func(o *list) bool { return o == l })
	delete(l.dirty, m)
	r.forget(m)
}

// recount has everybody counted anew: people came, went or moved between teams.
func (r *roster) recount() {
	r.lists.generation++
	r.tally.staleAt = r.lists.generation
	r.lists.read()
}

// counts are the numbers that l shows: of its team, or of everybody. A list that holds all of them counts itself, so that
// its numbers always agree with it.
func (r *roster) counts(l *list) Counts {
	var c presence.Counts
	var people, teams int
	switch {
	case l.countsItself():
		people = len(l.members)
		team := ""
		for _, m := range l.members {
			c.Add(m.counted, +1)
			if m.person.Team != "" && m.person.TeamKey() != team { // they are in board order
				teams++
				team = m.person.TeamKey()
			}
		}
	case l.filter.Team != "":
		c, people = r.here[l.filter.teamKey], r.tally.people[l.filter.teamKey]
	default:
		c, people, teams = r.presence.Counts(), r.tally.total, r.tally.named
	}
	return Counts{
		Team: l.filter.Team, Search: l.filter.Search, More: l.filter.Search != "" && l.prev+l.next != "",
		Teams: teams, People: people, Online: c.Online, Away: c.Away, DND: c.DND, Unsure: r.warming,
	}
}

// noteSeen brings stored stamps of last seen onto rows.
func (r *roster) noteSeen(stamps map[string]time.Time) {
	for user, at := range stamps {
		if m := r.members[user]; m != nil && at.After(m.person.LastSeen) {
			m.person.LastSeen = at
			if !m.present {
				r.redraw(m)
			}
		}
	}
}

// unsure reports whether people who aren't here may still be coming back.
func (r *roster) unsure() bool {
	select {
	case <-r.presence.Warmed():
		return false
	default:
		return true
	}
}

// presentFrom are the people whom f shows, from its cursor on and in its direction: without a search no more than it takes
// to know whether there is more than a page. The place is that of the cursor, among all of them.
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
	shown := func(m *member) bool { return f.Show.includes(m.counted) && f.inTeam(m.person) }
	full := func() bool { return f.Search == "" && len(people) > PageRows }
	if f.Before != "" {
		for _, m := range slices.Backward(r.present[:i]) {
			if !full() && shown(m) {
				people = append(people, m.person)
			}
		}
	} else {
		for _, m := range r.present[i:] {
			if !full() && shown(m) {
				people = append(people, m.person)
			}
		}
	}
	for j, m := range r.present {
		if shown(m) {
			if at.all++; j < i {
				at.before++
			}
		}
	}
	return people, at
}

// presentBehind returns a cursor behind the first n people whom f shows, "" if there are fewer.
func (r *roster) presentBehind(f *filter, n int) string {
	for _, m := range r.present {
		if f.Show.includes(m.counted) && f.inTeam(m.person) {
			if n--; n == 0 {
				return m.person.Cursor()
			}
		}
	}
	return ""
}
