package live

import (
	"slices"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// roster holds the people who are present or on a list, with their states and teams, and the number of all people.
// Guarded by Board.mu.
type roster struct {
	presence *presence.Tracker
	lists    *lists
	boot     string // prefix of versions; changes when warming begins, so that older versions don't count as current

	warming      bool      // people are still coming back, after a start or after everyone was disconnected
	warmingSince time.Time // when they began to
	lost         time.Time // since when watchers see that other replicas can't be reached; zero if they can

	members map[string]*member
	present []*member                  // everyone who is here, in board order
	here    map[string]presence.Counts // how many of them are in each state, by team key
	tally   tally
	faces   faces

	unmet map[string]bool      // people to read: not known yet (true if they just arrived), or last seen elsewhere
	left  map[string]time.Time // when people left who may have been connected to other replicas

	journals *journals            // what streams show
	changed  map[*member]struct{} // people with news for others since the last flush; nil if there are none

	applied uint64 // counts applied updates
	reads   uint64 // counts reads of changes that have started
}

// member is one person on the roster, with the data from accounts and presence and the rows for each audience. Guarded
// by Board.mu.
type member struct {
	person  accounts.Person
	view    presence.View
	entries [Audiences]*Entry // nil if not created yet
	lists   []*list           // the lists that the person is on
	marks   *[Audiences]mark  // nil if no stream can show the person
	present bool              // whether the person is in roster.present
	counted presence.State    // the state that roster.here counts them in, while present
	readIn  uint64            // roster.reads when reading a list last added or moved the person
}

func newRoster(tracker *presence.Tracker, l *lists) roster {
	r := roster{
		presence: tracker, lists: l, boot: newBoot(),
		members: map[string]*member{}, here: map[string]presence.Counts{}, tally: tally{staleAt: 1}, faces: newFaces(),
		unmet: map[string]bool{}, left: map[string]time.Time{},
	}
	r.warming, r.warmingSince = r.unsure(), time.Now()
	return r
}

// isHere reports whether v shows a person as present.
func isHere(v presence.View) bool { return v.Listed && v.State != presence.Offline }

func compareMembers(a, b *member) int { return accounts.ComparePeople(a.person, b.person) }

// entry returns m's row for an audience, and creates it if needed.
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

// meet returns the member for p, and creates or updates it.
func (r *roster) meet(p accounts.Person) *member {
	m := r.members[p.ID]
	if m == nil {
		m = &member{person: p, view: r.presence.View(p.ID), readIn: r.reads}
		r.members[p.ID] = m
		r.place(m)
		r.came(m)
		r.journals.take(m)
		return m
	}
	if r.replace(m, p) {
		m.readIn = r.reads
	}
	return m
}

// mayBeAhead reports whether reading a list may have updated m before the change that is applied now. It can't have if
// a whole read of changes happened in between.
func (r *roster) mayBeAhead(m *member) bool { return r.reads <= m.readIn+1 }

// came updates lists and team counts for a new member. If they're here, they arrived before the board knew them.
func (r *roster) came(m *member) {
	if m.present {
		r.lists.passed(m, presence.Offline, m.view.State)
		r.hasNews(m)
	}
	if r.unmet[m.person.ID] {
		r.arrived(m)
		delete(r.unmet, m.person.ID)
	}
}

// meetAll adds or updates people, who are in board order. It merges those who are here into the present people at once.
func (r *roster) meetAll(people []accounts.Person) {
	var here []*member
	for _, p := range people {
		m := r.members[p.ID]
		if m != nil {
			if r.replace(m, p) {
				m.readIn = r.reads
			}
			r.forget(m)
			continue
		}
		m = &member{person: p, view: r.presence.View(p.ID), readIn: r.reads}
		if !isHere(m.view) {
			continue // has left again, and isn't on a list
		}
		r.members[p.ID] = m
		m.present = true
		r.count(m, m.view.State)
		here = append(here, m)
	}
	r.present = merge(r.present, here)
	for _, m := range here {
		r.came(m)
		r.journals.take(m)
	}
}

// merge returns the members of two sorted slices in order. It expects few of them in b.
func merge(a, b []*member) []*member {
	all := make([]*member, 0, len(a)+len(b))
	for _, m := range b {
		i, _ := slices.BinarySearchFunc(a, m, compareMembers)
		all = append(append(all, a[:i]...), m)
		a = a[i:]
	}
	return append(all, a...)
}

// hear applies an update of the accounts.
func (r *roster) hear(u Update) {
	r.applied++
	for _, p := range u.People {
		r.refresh(p)
		r.journals.learn(p)
	}
	for _, id := range u.Unlisted {
		r.recount()
		r.journals.cover.note(id)
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

// refresh applies a change of p, who may be new, moved or renamed, or may have only set a status.
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
		r.forget(m)
	}
	r.hideGone(p)
	who := &candidate{Person: p, here: m != nil && m.present}
	for _, l := range r.lists.all {
		if l.affects(who) {
			r.lists.stale(l)
		}
	}
}

// replace updates m with the data of the accounts, and reports whether m's place on the board has changed.
func (r *roster) replace(m *member, p accounts.Person) (moved bool) {
	if p.LastSeen.Before(m.person.LastSeen) {
		p.LastSeen = m.person.LastSeen // ours is newer, and will be stored
	}
	if p == m.person {
		return false
	}
	moved = accounts.ComparePeople(p, m.person) != 0
	if moved {
		r.unplace(m)
	}
	if p.Team != m.person.Team { // the heading changes, even if the order doesn't
		for _, l := range m.lists {
			l.relist = true
		}
		r.lists.news()
	}
	if p.DisplayName != m.person.DisplayName || p.Username != m.person.Username {
		for _, l := range m.lists {
			l.renamed = true
		}
	}
	was := m.person.Team
	m.person = p
	r.faces.stale[p.TeamKey()] = true
	if moved {
		r.place(m)
	}
	if p.Team != was {
		r.hide(m)
	}
	r.redraw(m)
	return moved
}

// applyView updates m with the current view of presence.
func (r *roster) applyView(m *member) {
	v := r.presence.View(m.person.ID)
	if v == m.view {
		return
	}
	if v.State != m.view.State || v.Listed != m.view.Listed {
		r.lists.passed(m, m.view.State, v.State)
		r.hasNews(m) // the counts changed, even if no list has the person
	}
	if isHere(m.view) && !isHere(v) && (m.view.Elsewhere || r.presence.Peers().Others > 0) {
		r.left[m.person.ID] = time.Now()
	}
	m.view = v
	switch {
	case !v.Listed: // disabled; maybe only another replica knows it so far
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

// redraw marks m on every list that they're on if their row has really changed.
func (r *roster) redraw(m *member) {
	was := m.entries
	m.entries = [Audiences]*Entry{}
	r.journals.touch(m)
	if len(m.lists) == 0 {
		return
	}
	if was[Full] != nil && was[Full].Row == r.entry(m, Full).Row {
		m.entries = was // other audiences know less, so nothing has changed for them either
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
	r.hasNews(m)
}

// hasNews requests a flush because of m. It must not be called for what others may not know.
func (r *roster) hasNews(m *member) {
	if r.changed == nil {
		r.changed = map[*member]struct{}{}
	}
	r.changed[m] = struct{}{}
	r.lists.news()
}

// takeChanged returns how many people had news since the last call.
func (r *roster) takeChanged() int {
	n := len(r.changed)
	r.changed = nil
	return n
}

// place adds m to the present people, if they're here.
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

// count changes the state that m counts for in their team. Offline people don't count.
func (r *roster) count(m *member, state presence.State) {
	key := m.person.TeamKey()
	r.faces.stale[key] = true
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

// arrived counts m's arrival on lists for which m is on another page.
func (r *roster) arrived(m *member) {
	if r.warming || !m.present { // people who are coming back don't count as arrivals
		return
	}
	for _, l := range r.lists.all {
		if l.misses(m) {
			l.arrived++
			r.lists.news()
		}
	}
}

// forget drops a member who is on no list, isn't here, and isn't shown by streams.
func (r *roster) forget(m *member) {
	if len(m.lists) == 0 && !m.present && m.marks == nil && r.members[m.person.ID] == m {
		delete(r.members, m.person.ID)
	}
}

// remove removes a disabled or deleted person from the board and from every list at once.
func (r *roster) remove(m *member) {
	r.unplace(m)
	for _, l := range m.lists {
		r.drop(l, m)
	}
	m.lists = nil
	delete(r.members, m.person.ID)
	r.journals.remove(m)
	r.lists.news()
}

// drop takes m off l. The caller takes l off m.lists.
func (r *roster) drop(l *list, m *member) {
	l.left(m)
	l.members = slices.DeleteFunc(l.members, func(o *member) bool { return o == m })
	delete(l.dirty, m)
	l.relist = true
	r.lists.stale(l) // someone may move up from the next page
}

// off records that m is no longer on l.
func (r *roster) off(m *member, l *list) {
	m.lists = slices.DeleteFunc(m.lists, func(o *list) bool { return o == l })
	delete(l.dirty, m)
	l.left(m)
	r.forget(m)
}

// recount requests a new count of everyone, because people were added, removed or moved between teams.
func (r *roster) recount() {
	r.lists.generation++
	r.tally.staleAt = r.lists.generation
	r.lists.read()
}

// counts returns the counts that l shows: of its team, or of everyone. A list that has all of them counts its members,
// so that the counts always agree with it.
func (r *roster) counts(l *list) Counts {
	var c presence.Counts
	var people, teams int
	switch {
	case l.filter.Person != "", l.filter.own && l.filter.Team == "":
		return Counts{}
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
		if key := l.filter.teamKey; l.filter.teams.has(key) {
			c, people = r.here[key], r.tally.people[key]
		}
	case l.filter.teams != nil:
		c, people, teams = r.countIn(l.filter.teams)
	default:
		c, people, teams = r.presence.Counts(), r.tally.total, r.tally.named
	}
	return Counts{
		Team: l.filter.Team, Search: l.filter.Search, More: l.filter.Search != "" && l.prev+l.next != "",
		Limited: l.filter.teams != nil, Teams: teams, People: people, Online: c.Online, Away: c.Away, DND: c.DND,
		Unsure: r.warming,
	}
}

// noteSeen updates rows with last-seen times that were stored.
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

// hide takes m off the lists of watchers who may not see m's new team.
func (r *roster) hide(m *member) {
	hidden := func(l *list) bool { return !l.filter.teams.shows(m.person) }
	for _, l := range m.lists {
		if hidden(l) {
			r.drop(l, m)
			l.hidden = append(l.hidden, m.person.ID)
		}
	}
	m.lists = slices.DeleteFunc(m.lists, hidden)
}

// hideGone is hide for a person who isn't on those lists anymore, but maybe on pages.
func (r *roster) hideGone(p accounts.Person) {
	for _, l := range r.lists.all {
		if _, was := l.gone[p.ID]; was && !l.filter.teams.shows(p) {
			delete(l.gone, p.ID)
			l.hidden = append(l.hidden, p.ID)
			r.lists.news()
		}
	}
}

// countIn returns how many people of teams are in each state, how many there are, and how many teams they're in.
func (r *roster) countIn(teams *teamSet) (c presence.Counts, people, named int) {
	for _, key := range teams.keys {
		here := r.here[key]
		c.Online, c.Away, c.DND = c.Online+here.Online, c.Away+here.Away, c.DND+here.DND
		n := r.tally.people[key]
		if people += n; n > 0 && key != noTeam {
			named++
		}
	}
	return c, people, named
}
