package live

import (
	"slices"

	"rollcall/accounts"
)

// MaxTombstones is how many people an audience's journal remembers of each team who were deleted, disabled, or moved to
// another team. A stream that resumes from before them gets a snapshot. Teams are counted separately, because what
// happens in a hidden team must not turn somebody's resumption into a snapshot.
const MaxTombstones = 1000

// journals know what changed for streams since any earlier moment, without a log of events: each row remembers when it
// last changed. There's one journal for each audience, because a change that only one audience may see must not move
// the other one's. Guarded by Board.mu.
type journals struct {
	roster  *roster
	rules   journalRules
	sealer  sealer
	teamsOf func(accounts.Person) *teamSet // the teams that somebody may see
	of      [Audiences]journal
	most    int                  // tombstones to remember of each team
	dirty   map[*member]struct{} // held members whose row may have changed since the last flush
	cover   cover

	selections map[selectionKey]*selection
	byPerson   map[string][]*Stream // open streams, by ID of the person who reads them
	woken      []*Stream            // have news since the lock was taken
}

// journalRules can be switched off by tests, to check that histories go wrong without them.
type journalRules struct {
	selection  bool // a cursor of another selection yields a snapshot
	floor      bool // so does one that is older than the tombstones
	tombstones bool // people who leave a selection leave a tombstone
	ascending  bool // changes are sent in the order in which they happened
	closing    bool // a resumed stream gets no cursor before it has everything
	audiences  bool // each audience has its own journal
	compare    bool // a row that looks the same hasn't changed
	visible    bool // hidden teams don't exist
	hold       bool // nobody is gone while people are coming back
}

var allJournalRules = journalRules{true, true, true, true, true, true, true, true, true}

// journal is what one audience was shown, in the order of the last change of each row.
type journal struct {
	seq    uint64         // counts changes that the audience was shown
	marks  mark           // head of a ring of the marks of all held members, the last change last
	buried []tombstone    // of people who left a selection, the last one last
	graves map[string]int // how many of them are of each team
}

// mark is when a member's row last changed for one audience.
type mark struct {
	member     *member
	seq        uint64
	shown      *Entry // what the audience was shown then; nil before the first flush
	team       string // key of the team in shown
	prev, next *mark
}

// tombstone says that a person isn't in a team anymore, or anywhere.
type tombstone struct {
	seq                  uint64
	id, username, inTeam string // inTeam is the key of the team that they left
}

func newJournals(r *roster, teamsOf func(accounts.Person) *teamSet) *journals {
	j := &journals{
		roster: r, teamsOf: teamsOf, rules: allJournalRules, sealer: newSealer(), most: MaxTombstones,
		dirty: map[*member]struct{}{}, cover: newCover(),
		selections: map[selectionKey]*selection{}, byPerson: map[string][]*Stream{},
	}
	for i := range j.of {
		o := &j.of[i]
		o.marks.prev, o.marks.next, o.graves = &o.marks, &o.marks, map[string]int{}
	}
	return j
}

func (k *mark) unlink() { k.prev.next, k.next.prev = k.next, k.prev }

// insert puts k behind prev.
func (k *mark) insert(prev *mark) {
	k.prev, k.next = prev, prev.next
	prev.next.prev, prev.next = k, k
}

// touch says that the row of m may have changed.
func (j *journals) touch(m *member) {
	if m.marks != nil {
		j.dirty[m] = struct{}{}
		j.roster.lists.news()
	}
}

// take holds m if a selection may show it.
func (j *journals) take(m *member) {
	if m == nil || m.marks != nil || !j.cover.has(m.person) {
		return
	}
	m.marks = &[Audiences]mark{}
	for to := range m.marks {
		m.marks[to].member = m
		m.marks[to].insert(&j.of[to].marks) // before all changes, because this isn't one yet
	}
	j.touch(m)
}

// learn takes p if a selection may show them, with what was just learned of them.
func (j *journals) learn(p accounts.Person) {
	j.cover.note(p.ID)
	m := j.roster.members[p.ID]
	if m == nil && j.cover.has(p) {
		m = j.roster.meet(p)
	}
	j.take(m)
}

// release forgets m, which no selection shows.
func (j *journals) release(m *member) {
	if m.marks == nil {
		return
	}
	for to := range m.marks {
		m.marks[to].unlink()
	}
	delete(j.dirty, m)
	m.marks = nil
	j.roster.forget(m)
}

// remove says that the person of m was disabled or deleted.
func (j *journals) remove(m *member) {
	if m.marks == nil {
		return
	}
	for to := range m.marks {
		if k := &m.marks[to]; k.shown != nil {
			j.bury(Audience(to), k)
		}
	}
	j.release(m)
}

// bury leaves a tombstone of somebody in the team in which they were last shown.
func (j *journals) bury(to Audience, k *mark) {
	if !j.rules.tombstones {
		return
	}
	o, row := &j.of[to], &k.shown.Row
	o.seq++
	o.buried = append(o.buried, tombstone{o.seq, row.ID, row.Username, k.team})
	if o.graves[k.team]++; o.graves[k.team] > j.most {
		j.forgetFirst(to, k.team)
	}
	j.tell(to, o.seq, k.team, row.Username)
}

// forgetFirst forgets the first tombstone of a team. Streams that still have to be told of it end, and cursors from
// before it don't count anymore.
func (j *journals) forgetFirst(to Audience, team string) {
	o := &j.of[to]
	i := slices.IndexFunc(o.buried, func(t tombstone) bool { return t.inTeam == team })
	t := o.buried[i]
	o.buried = slices.Delete(o.buried, i, i+1)
	o.graves[team]--
	for _, s := range j.selections {
		if s.audience == to && s.shows(t.inTeam, t.username) {
			s.floor = max(s.floor, t.seq)
		}
	}
}

// tell wakes the streams of the selections that show this person in this team.
func (j *journals) tell(to Audience, seq uint64, team, username string) {
	for _, s := range j.selections {
		if s.audience == to && s.shows(team, username) {
			s.last = seq
			j.wake(s)
		}
	}
}

func (j *journals) wake(s *selection) {
	for x := range s.streams {
		x.rouse()
	}
}

// wakeAll wakes every stream, because all of them are to be told whether what they show is live.
func (j *journals) wakeAll() {
	for _, s := range j.selections {
		j.wake(s)
	}
}

// flush records which rows have changed for whom. While people are coming back it waits, because many who look offline
// then aren't gone.
func (j *journals) flush() (changed bool) {
	if j.roster.warming && j.rules.hold || len(j.dirty) == 0 {
		return false
	}
	members := make([]*member, 0, len(j.dirty))
	for m := range j.dirty {
		members = append(members, m)
	}
	clear(j.dirty)
	slices.SortFunc(members, compareMembers)
	for _, m := range members {
		for to := range m.marks {
			changed = j.record(Audience(to), m) || changed
		}
		if !j.cover.has(m.person) {
			j.release(m)
		}
	}
	return changed
}

// record records the row of m if it has changed for an audience.
func (j *journals) record(to Audience, m *member) (changed bool) {
	e, k := j.roster.entry(m, to), &m.marks[to]
	if !j.rules.audiences {
		e = j.roster.entry(m, Full)
	}
	if k.shown != nil && j.rules.compare && sameShown(k.shown.Row, e.Row) {
		if k.shown.Row == e.Row {
			m.entries[to] = k.shown // has been encoded
		}
		return false
	}
	team := m.person.TeamKey()
	if k.shown != nil && k.team != team {
		j.bury(to, k)
	}
	o := &j.of[to]
	o.seq++
	k.seq, k.shown, k.team = o.seq, e, team
	k.unlink()
	k.insert(o.marks.prev)
	j.tell(to, o.seq, team, m.person.Username)
	return true
}

// sameShown reports whether two rows look the same in a stream, which says once for all rows whether they're stale.
func sameShown(a, b Row) bool {
	a.Stale, b.Stale = false, false
	return a == b
}

// reset begins a new epoch, because changes may have been missed. Open streams have to start again.
func (j *journals) reset() {
	j.wakeAll()
	for _, s := range j.selections {
		s.over = true
	}
	clear(j.selections)
	j.cover.reset()
	j.sealer = newSealer()
	j.releaseUncovered()
}

// releaseUncovered releases everyone whom no selection shows anymore.
func (j *journals) releaseUncovered() {
	head := &j.of[Full].marks
	for k := head.next; k != head; {
		m := k.member
		k = k.next
		if _, dirty := j.dirty[m]; !dirty && !j.cover.has(m.person) {
			j.release(m)
		}
	}
	for to := range j.of {
		o := &j.of[to]
		o.buried = slices.DeleteFunc(o.buried, func(t tombstone) bool { return !j.cover.hasKey(t.inTeam, t.username) })
		clear(o.graves)
		for _, t := range o.buried {
			o.graves[t.inTeam]++
		}
	}
}
