package live

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// flush calls send with what the watchers of l haven't been sent yet, and reports whether there was anything.
func (r *roster) flush(l *list) bool {
	r.tellHidden(l)
	counts := r.counts(l)
	switch {
	case len(l.watchers.active) == 0:
		if r.unsent(l, counts) {
			l.renew()
		}
		r.settle(l, counts)
		return false
	case r.warming:
		return r.flushWarming(l, counts)
	}
	var made [Audiences]*Change
	sent := false
	for w := range l.watchers.active {
		if made[w.audience] == nil {
			made[w.audience] = r.news(l, counts, w.audience)
		}
		sent = sent || !made[w.audience].empty()
		w.send(made[w.audience])
	}
	if sent || len(l.dirty) > 0 || l.moved() { // a change of last seen may be news only to paused watchers
		l.renew()
	}
	r.settle(l, counts)
	return sent
}

// news returns everything that changed on l and that an audience may know.
func (r *roster) news(l *list, counts Counts, to Audience) *Change {
	if l.filter.Person != "" {
		if !l.relist && len(l.changed(to)) == 0 {
			return &Change{}
		}
		return r.onlyPerson(l, to)
	}
	c, rows := &Change{Brief: !l.renamed}, l.changed(to)
	n := len(rows) + len(l.came) + len(l.went)
	if l.relist || n > len(l.members)/2 && n > 1 || l.told.empty != (len(l.members) == 0) {
		c.List = r.listing(l, to) // includes the team counts
	} else {
		for _, m := range rows {
			c.Rows = append(c.Rows, r.entry(m, to))
		}
		c.Removed = slices.Sorted(maps.Keys(l.went))
		c.Added = r.added(l, to)
		for _, n := range r.teams(l) {
			if l.told.early || l.told.teams[n.Key] != n {
				c.Teams = append(c.Teams, n)
			}
		}
		slices.SortFunc(c.Teams, func(a, b TeamCount) int { return strings.Compare(a.Key, b.Key) })
	}
	if l.relink {
		c.Links = l.links()
		if l.told.whole != l.whole() {
			c.Filter = &counts
		}
	}
	if l.told.early || counts != l.told.counts {
		c.Counts = &CountsNews{Was: l.told.counts, Now: counts, All: l.told.early}
	}
	if l.arrived != l.told.arrived {
		c.Arrived = r.arrivals(l)
	}
	return c
}

// onlyPerson brings a page about one person up to date. It has no list, only a row.
func (r *roster) onlyPerson(l *list, to Audience) *Change {
	if len(l.members) == 0 {
		return &Change{Removed: []string{l.filter.Person}}
	}
	return &Change{Rows: []*Entry{r.entry(l.members[0], to)}}
}

// added returns the people who came onto l.
func (r *roster) added(l *list, to Audience) (added []Added) {
	if len(l.came) == 0 {
		return nil
	}
	var run []*Entry
	for _, m := range l.members {
		switch _, came := l.came[m]; {
		case came:
			run = append(run, r.entry(m, to))
		case len(run) > 0:
			added, run = append(added, Added{run, m.person.ID}), nil
		}
	}
	if len(run) > 0 {
		added = append(added, Added{run, ""})
	}
	return added
}

// changed returns the members of l whose rows have changed for an audience, in board order.
func (l *list) changed(to Audience) []*member {
	members := make([]*member, 0, len(l.dirty))
	for m, onlySeen := range l.dirty {
		if _, came := l.came[m]; !came && (to == Full || !onlySeen) {
			members = append(members, m)
		}
	}
	slices.SortFunc(members, compareMembers)
	return members
}

// flushWarming sends what changed on l while people are coming back after a start. Watchers that list only the people
// who are here get the whole list. A page from before the start keeps what it shows: this process doesn't know what
// that is, so changing only some rows would make them contradict the page's counts.
func (r *roster) flushWarming(l *list, counts Counts) (sent bool) {
	if !r.unsent(l, counts) {
		return false
	}
	l.renew()
	r.settle(l, counts)
	for w := range l.watchers.active {
		if w.partial {
			w.send(r.snapshot(l, w.audience))
			sent = true
		}
	}
	return sent
}

// comingBack returns what a watcher needs that starts or resumes while people are still coming back. A watcher that
// lists only the people who are here gets the whole list. One from before the start only learns that people are coming
// back.
func (r *roster) comingBack(w *Watcher) *Change {
	if w.partial {
		return r.snapshot(w.list, w.audience)
	}
	on := true
	return &Change{Warming: &on}
}

// snapshot returns a change that makes any watcher of an audience current. It's created once per version.
func (r *roster) snapshot(l *list, to Audience) *Change {
	if l.snapshots[to] == nil && l.filter.Person != "" {
		warming, lost := r.warming, r.lost
		l.snapshots[to] = r.onlyPerson(l, to)
		l.snapshots[to].Warming, l.snapshots[to].Lost = &warming, &lost
	}
	if l.snapshots[to] == nil {
		warming, lost := r.warming, r.lost
		l.snapshots[to] = &Change{
			List: r.listing(l, to), Counts: &CountsNews{Now: r.counts(l), All: true},
			Links: l.links(), Arrived: r.arrivals(l), Warming: &warming, Lost: &lost,
		}
	}
	r.shown(l)
	return l.snapshots[to]
}

// listing returns the members of l, by team. While warming, it has only people who are here.
func (r *roster) listing(l *list, to Audience) *Listing {
	out, teams := &Listing{Query: l.filter.Query, Flat: l.filter.fromRoster(), Warming: r.warming}, r.teams(l)
	if out.Flat {
		rows := make([]*Entry, len(l.members))
		for i, m := range l.members {
			rows[i] = r.entry(m, to)
		}
		out.Sections = []Section{{Rows: rows}}
		if l.filter.own {
			key := l.filter.teamKey
			out.Sections[0].TeamCount = TeamCount{Key: key, Here: r.here[key].Here(), People: r.tally.people[key]}
			out.Sections[0].Name = l.filter.Team
		}
		out.Index = r.indexed(l, teams)
		return out
	}
	for _, m := range l.members {
		if r.warming && !m.present {
			continue
		}
		key := m.person.TeamKey()
		if n := len(out.Sections); n == 0 || out.Sections[n-1].Key != key {
			out.Sections = append(out.Sections, Section{TeamCount: teams[key], Name: m.person.Team})
		}
		s := &out.Sections[len(out.Sections)-1]
		s.Rows = append(s.Rows, r.entry(m, to))
	}
	return out
}

// indexed returns the index of l, or nil if it has none.
func (r *roster) indexed(l *list, counts map[string]TeamCount) *Index {
	if len(l.index) == 0 {
		return nil
	}
	teams := make([]IndexedTeam, 0, len(l.index))
	for _, busy := range [...]bool{true, false} {
		for _, key := range l.index {
			if n := counts[key]; n.Here > 0 == busy {
				teams = append(teams, IndexedTeam{n, r.tally.nameOf(key)})
			}
		}
	}
	if l.indexed == nil || !slices.Equal(l.indexed.Teams, teams) {
		l.indexed = &Index{Teams: teams}
	}
	return l.indexed
}

func (l *list) links() *Links {
	links := &Links{Query: l.filter.Query, Prev: l.prev, Next: l.next, Whole: l.whole()}
	links.Page, links.Pages = l.place.page()
	return links
}

func (r *roster) arrivals(l *list) *Arrivals {
	return &Arrivals{Query: l.filter.Query, Since: r.boot, N: l.arrived}
}

// version identifies what a freshly loaded list shows to an audience, within this process. It also says which teams it
// was for, and whether the list had only people who are here.
func (r *roster) version(l *list, to Audience) string {
	v := r.boot + "-" + strconv.FormatUint(l.version, 36)
	if l.filter.teams != nil {
		v += "-" + teamsMark + l.filter.teams.mark
	}
	if to == Reticent {
		v += "-r"
	}
	if r.warming {
		v += partialMark
	}
	return v
}

// partialMark ends the version of a list that was loaded while warming.
const partialMark = "-w"

// teamsMark begins the part of a version that says which teams the list was for, unless it was for all of them.
const teamsMark = "t"

// shownFor reports whether a page with this version was loaded, from any process, for somebody who may see teams.
func shownFor(version string, teams *teamSet) bool {
	parts, mark := strings.Split(version, "-"), ""
	for _, part := range parts[min(2, len(parts)):] {
		if m, ok := strings.CutPrefix(part, teamsMark); ok {
			mark = m
		}
	}
	if teams == nil {
		return mark == ""
	}
	return mark == teams.mark
}

// tellHidden removes people who were hidden from pages that otherwise keep what they show for now: those that nobody
// can see, and those from before a start.
func (r *roster) tellHidden(l *list) {
	if len(l.watchers.paused) == 0 && !r.warming {
		l.gone = nil
	}
	if len(l.hidden) == 0 {
		return
	}
	c := &Change{Removed: l.hidden}
	l.hidden = nil
	for w := range l.watchers.paused {
		w.send(c)
	}
	for w := range l.watchers.active {
		if r.warming && !w.partial {
			w.send(c)
		}
	}
}
