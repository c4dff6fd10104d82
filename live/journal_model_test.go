package live

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// This file simulates streams: two replicas with their journals, people who change, and readers who connect, break off,
// and resume. A history is right if every reader ends with exactly the rows that it may see, is never told that
// somebody is gone while people are coming back, and learns nothing from what it may not see.

const (
	simPeople  = 7 // the last two are in the hidden team all the time
	simTeams   = 3 // the last one is hidden from the first reader
	simReaders = 4
	simSteps   = 70
)

// simPerson is the truth about one person.
type simPerson struct {
	listed bool
	team   int
	state  presence.State
	text   string
	seen   int // days since they were last seen, as a kind of secret for some readers
}

// simReplica is one process.
type simReplica struct {
	roster  roster
	known   [simPeople]simPerson // what it has learned of the truth
	unheard map[int]bool         // people of whom it has to learn
}

// simReader is a program that reads streams.
type simReader struct {
	eyes    accounts.Person
	teams   *teamSet
	want    StreamWant
	rows    map[string]Row
	cursor  string
	stream  *Stream // nil while it isn't connected
	replica *simReplica
	late    bool     // its stream began without a place in the journal
	log     []string // what it was told
}

func simID(i int) string { return fmt.Sprintf("01900000-0000-7000-8000-%012d", i) }

// simRules are the rules that can be switched off. Those of the journals are theirs.
type simRules struct {
	journalRules
	epoch  bool // each process has its own key for cursors
	atomic bool // streams begin in the same step in which they get their snapshot, and not with the next change
}

var allSimRules = simRules{allJournalRules, true, true}

type simulation struct {
	r        *rand.Rand
	rules    simRules
	sealer   sealer // of all replicas, without the rule epoch
	silent   bool   // what the first reader may not see doesn't happen
	truth    [simPeople]simPerson
	replicas [2]*simReplica
	readers  [simReaders]*simReader
	wrong    string
}

// simPersons holds every person in every team. Making them takes long, because their place on the board is computed.
var simPersons = func() (all [simPeople][simTeams]accounts.Person) {
	for i := range all {
		for team := range all[i] {
			p := accounts.Person{ID: simID(i), Username: fmt.Sprintf("user%d", i),
				DisplayName: fmt.Sprintf("User %d", i), Team: fmt.Sprintf("Team %d", team)}
			placed, err := accounts.ParseCursor(p.Cursor())
			if err != nil {
				panic(err)
			}
			placed.ID, placed.Username, placed.DisplayName, placed.Team = p.ID, p.Username, p.DisplayName, p.Team
			placed.ShowLastSeen = accounts.Approximate
			all[i][team] = placed
		}
	}
	return all
}()

// simKeys are the keys of the teams, and simSets are what a reader may see.
var (
	simKeys = []string{accounts.TeamKey("Team 0"), accounts.TeamKey("Team 1"), accounts.TeamKey("Team 2")}
	simSets = []*teamSet{newTeamSet(simKeys[:2]), newTeamSet(simKeys[1:]), newTeamSet(simKeys[:1]), nil}
	simNow  = time.Now()
)

func (p simPerson) facts(i int) (accounts.Person, presence.View) {
	person := simPersons[i][p.team]
	person.LastSeen = simNow.AddDate(0, 0, -p.seen)
	return person, presence.View{Listed: true, State: p.state, Text: p.text}
}

func newSimulation(seed uint64, rules simRules, silent bool) *simulation {
	s := &simulation{r: rand.New(rand.NewPCG(seed, 14)), rules: rules, sealer: newSealer(), silent: silent}
	for i := range s.truth {
		s.truth[i] = simPerson{listed: true, team: s.r.IntN(2), state: presence.Offline}
		if i >= simPeople-2 {
			s.truth[i].team = 2
		}
	}
	for i := range s.readers {
		show := accounts.Approximate
		if i%2 == 0 {
			show = accounts.Nobody
		}
		s.readers[i] = &simReader{eyes: accounts.Person{ID: fmt.Sprint("reader", i), ShowLastSeen: show}, teams: simSets[i],
			rows: map[string]Row{}}
		s.filter(s.readers[i], i)
	}
	for i := range s.replicas {
		s.replicas[i] = &simReplica{}
		s.boot(s.replicas[i])
	}
	return s
}

// filter chooses what reader i asks for. The first one keeps asking for everyone.
func (s *simulation) filter(x *simReader, i int) {
	x.want = StreamWant{}
	switch n := s.r.IntN(4); {
	case i == 0:
	case n == 0:
		x.want.Team = fmt.Sprint("Team ", s.r.IntN(simTeams))
	case n == 1:
		x.want.Users = []string{fmt.Sprint("user", s.r.IntN(simPeople)), "user0"}
	}
}

// boot starts a replica that knows the accounts, and of nobody whether they're here.
func (s *simulation) boot(p *simReplica) {
	p.roster = roster{members: map[string]*member{}, warming: true, warmingSince: simNow,
		lists: &lists{all: map[Query]*list{}, news: func() {}}}
	j := newJournals(&p.roster, func(eyes accounts.Person) *teamSet { return s.readerOf(eyes.ID).teams })
	j.rules, j.most = s.rules.journalRules, 3
	if !s.rules.epoch {
		j.sealer = s.sealer
	}
	p.roster.journals = j
	p.known, p.unheard = s.truth, map[int]bool{}
	for i := range p.known {
		p.known[i].state = presence.Offline
		p.unheard[i] = true
	}
}

func (s *simulation) readerOf(id string) *simReader {
	return s.readers[slices.IndexFunc(s.readers[:], func(x *simReader) bool { return x.eyes.ID == id })]
}

// learn applies what a replica hears of person i.
func (p *simReplica) learn(i int, now simPerson) {
	r, j := &p.roster, p.roster.journals
	p.known[i] = now
	person, view := now.facts(i)
	m := r.members[person.ID]
	switch {
	case !now.listed:
		if m != nil {
			delete(r.members, person.ID)
			j.remove(m)
		}
	case m != nil:
		m.person, m.view, m.entries = person, view, [Audiences]*Entry{}
		j.touch(m)
		j.take(m)
	case j.cover.has(person):
		p.meet(i)
	}
}

func (p *simReplica) meet(i int) {
	person, view := p.known[i].facts(i)
	if m := p.roster.members[person.ID]; m == nil && p.known[i].listed && p.roster.journals.cover.has(person) {
		m = &member{person: person, view: view}
		p.roster.members[person.ID] = m
		p.roster.journals.take(m)
	}
}

// read reads the people of a selection that was just made.
func (p *simReplica) read(at *selection) {
	if at.ready {
		return
	}
	for i := range p.known {
		p.meet(i)
	}
	p.roster.journals.begin(at)
}

// connect opens a stream from a replica with what the reader has.
func (s *simulation) connect(x *simReader, p *simReplica) {
	s.hangUp(x)
	if s.r.IntN(20) == 0 {
		x.cursor = [...]string{"", "made up", "AAAAAAAAAAAAAAAAAAAAAA"}[s.r.IntN(3)]
	}
	want := x.want
	want.Eyes, want.Since = x.eyes, x.cursor
	x.stream, x.replica = &Stream{want: want}, p
	j := p.roster.journals
	j.byPerson[x.eyes.ID] = append(j.byPerson[x.eyes.ID], x.stream)
	j.join(x.stream)
}

func (s *simulation) hangUp(x *simReader) {
	if x.stream != nil {
		j := x.replica.roster.journals
		j.leave(x.stream)
		j.byPerson[x.eyes.ID] = slices.DeleteFunc(j.byPerson[x.eyes.ID], func(o *Stream) bool { return o == x.stream })
		x.stream = nil
	}
}

// take lets a reader take what is there. If it breaks off, it loses the end of it.
func (s *simulation) take(x *simReader, breaks bool) {
	if x.stream == nil {
		return
	}
	for {
		if x.late {
			x.late, x.stream.since = false, x.replica.roster.journals.of[x.stream.at.audience].seq
		}
		events, then := x.replica.roster.journals.takeFor(x.stream, simNow)
		n := len(events)
		if breaks {
			n = s.r.IntN(n + 1)
		}
		for _, e := range events[:n] {
			s.apply(x, e)
		}
		switch {
		case breaks || then == Behind:
			s.hangUp(x)
			return
		case then == Unsettled:
			x.replica.read(x.stream.at)
		case then == TookAll:
			return
		}
	}
}

func (s *simulation) apply(x *simReader, e Event) {
	if x.replica.roster.warming && e.Kind != EventStale {
		s.wrong = fmt.Sprintf("%s is sent %s while people are coming back", x.eyes.ID, e.Kind)
	}
	line := string(e.Kind) + " " + e.Cursor
	switch e.Kind {
	case EventSnapshot:
		x.late = !s.rules.atomic
		clear(x.rows)
		for _, r := range e.Rows {
			x.rows[r.Row.ID] = r.Row
			line += fmt.Sprintf(" %+v", r.Row)
		}
	case EventChange:
		x.rows[e.Row.Row.ID] = e.Row.Row
		line += fmt.Sprintf(" %+v", e.Row.Row)
	case EventGone:
		delete(x.rows, e.ID)
		line += " " + e.ID
	}
	if e.Cursor != "" {
		x.cursor = e.Cursor
	}
	x.log = append(x.log, line)
}

// change changes the truth about a person.
func (s *simulation) change() {
	i, n := s.r.IntN(simPeople), s.r.IntN(9)
	hidden := i >= simPeople-2
	now := s.truth[i]
	state, team := []presence.State{presence.Online, presence.Away, presence.Offline}[s.r.IntN(3)], s.r.IntN(2)
	text, days := fmt.Sprint("text ", s.r.IntN(100)), []int{0, 3, 20, 90}[s.r.IntN(4)]
	secret := hidden
	switch {
	case n < 3:
		now.state = state
	case n < 5:
		now.text = text
	case n == 5 && !hidden:
		now.team = team
	case n == 6:
		now.listed = !now.listed
	default:
		now.seen, secret = days, true // which the first reader, who is reticent, isn't told
	}
	if secret && s.silent {
		return
	}
	s.truth[i] = now
	for _, p := range s.replicas {
		p.unheard[i] = true
	}
}

// step does something at random. It draws the same numbers whether or not the simulation is silent.
func (s *simulation) step() {
	x, p := s.readers[s.r.IntN(simReaders)], s.replicas[s.r.IntN(2)]
	i, what := s.r.IntN(simPeople), s.r.IntN(46)
	switch {
	case what < 10:
		s.change()
	case what < 16:
		for i := range simPeople {
			if p.unheard[i] && s.r.IntN(2) == 0 {
				delete(p.unheard, i)
				p.learn(i, s.truth[i])
			} else if !p.unheard[i] {
				s.r.IntN(2)
			}
		}
	case what < 21:
		p.roster.journals.flush()
	case what < 36:
		s.readerStep(x, p, what)
	case what == 36:
		if s.r.IntN(3) == 0 {
			s.restart(p)
		}
	case what == 37, what > 39:
		s.warmed(p)
	case what == 38:
		p.roster.journals.sweep(time.Now().Add(2 * StreamLife))
	default:
		if m := p.roster.members[simID(i)]; m != nil && !s.silent { // invisible people do something
			m.entries = [Audiences]*Entry{}
			p.roster.journals.touch(m)
		}
	}
}

// readerStep lets a reader take events, connect, hang up, or see or ask for others.
func (s *simulation) readerStep(x *simReader, p *simReplica, what int) {
	switch {
	case what < 26:
		s.take(x, false)
	case what < 29:
		s.take(x, true)
		if again := s.r.IntN(2) == 0; again && x.replica != nil {
			s.connect(x, x.replica)
		}
	case what < 33:
		s.connect(x, p)
	case what == 33:
		s.hangUp(x)
	case what == 34:
		n := s.r.IntN(len(simSets))
		if x != s.readers[0] {
			x.teams = simSets[n]
			for _, p := range s.replicas {
				p.roster.journals.readdress(x.eyes)
			}
		}
	default:
		s.hangUp(x) // and asks for others with the cursor that it has
		if s.filter(x, slices.Index(s.readers[:], x)); x.replica != nil {
			s.connect(x, x.replica)
		}
	}
}

func (s *simulation) restart(p *simReplica) {
	for _, x := range s.readers {
		if x.stream != nil && x.replica == p {
			s.hangUp(x)
		}
	}
	s.boot(p)
}

// warmed ends warming after everyone has come back.
func (s *simulation) warmed(p *simReplica) {
	if !p.roster.warming {
		return
	}
	s.hear(p)
	p.roster.warming = false
	p.roster.journals.flush()
}

// hear lets a replica learn all that it hasn't.
func (s *simulation) hear(p *simReplica) {
	for i := range simPeople {
		if p.unheard[i] {
			delete(p.unheard, i)
			p.learn(i, s.truth[i])
		}
	}
}
