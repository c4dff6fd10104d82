package live

import (
	"slices"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// noTeam is the key of the people without a team.
var noTeam = accounts.TeamKey("")

// readjust gives all watchers the lists that they may see now.
func (b *Board) readjust() {
	for w := range b.watching.all {
		b.show(w, b.visible.of(w.eyes))
	}
	b.roster.trim(nil)
	for person := range b.alerts.about {
		b.checkAlerts(person)
	}
}

// show moves w to the list of the same query with the people of teams. It sends that list at once, also to a page that
// nobody can see or that loaded before a start: it must not keep people whom its owner may no longer see.
func (b *Board) show(w *Watcher, teams *teamSet) {
	if w.teams == teams || !w.started {
		return
	}
	w.teams = teams
	from := w.list
	if from == nil {
		return
	}
	q := from.filter.Query
	q.teams = teams
	l := b.roster.derive(from, q)
	b.flushMoves(l)
	from.watchers.remove(w)
	from.used = time.Now()
	from.thin()
	from.renew() // the page no longer shows the version that it was loaded with
	w.list = l
	l.watchers.add(w)
	w.partial = w.partial || b.roster.warming
	b.send(w, b.roster.snapshot(l, w.audience))
	if w.paused {
		w.seen, w.titled = l.version, b.roster.counts(l).Here()
		l.thin()
	}
	if l.isStale() {
		b.reader.wantList(l)
	}
}

// derive returns the list of q, which differs from the query of l only in its teams. If it isn't in memory, it begins
// with the people of l who are in these teams, and has to be read again.
func (r *roster) derive(from *list, q Query) *list {
	if l := r.lists.all[q]; l != nil {
		return l
	}
	f := from.filter
	f.teams = q.teams
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

// tellHidden removes people who were hidden from pages that otherwise keep what they show for now: those that nobody
// can see, and those from before a start.
func (r *roster) tellHidden(l *list, send func(*Watcher, *Change)) {
	if len(l.watchers.paused) == 0 && !r.warming {
		l.gone = nil
	}
	if len(l.hidden) == 0 {
		return
	}
	c := &Change{Removed: l.hidden}
	l.hidden = nil
	for w := range l.watchers.paused {
		send(w, c)
	}
	for w := range l.watchers.active {
		if r.warming && !w.partial {
			send(w, c)
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
