package live

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// scene is a random history of people in teams, and the pages that they have open.
type scene struct {
	*fixture
	r      *rand.Rand
	people []accounts.User // as stored
	conns  map[string]*presence.Connection
	rule   string
	paired map[[2]string]bool
	pages  []*viewed
}

var sceneTeams = []string{"", "Design", "Platform", "Sales"}

func newScene(t *testing.T, seed uint64) *scene {
	s := &scene{fixture: newFixture(t, func(_ *Config, p *presence.Config) { p.Warming = time.Hour }),
		r: rand.New(rand.NewPCG(seed, 31)), conns: map[string]*presence.Connection{}, paired: map[[2]string]bool{}}
	for i, team := range sceneTeams {
		s.join(fmt.Sprint("first", i), team) // they stay, so that every team exists
	}
	for i := range 8 {
		s.join(fmt.Sprint("p", i), sceneTeams[s.r.IntN(4)])
	}
	s.board.update(s.board.tellAll)
	s.choose(accounts.VisibleTeams)
	return s
}

func (s *scene) join(name, team string) {
	s.t.Helper()
	u, err := s.store.Create(acting(s.t.Context()), accounts.NewUser{Username: name, Team: team, PasswordHash: someHash})
	s.must(err)
	s.people = append(s.people, u)
}

func (s *scene) choose(rule string) {
	s.t.Helper()
	s.must(s.store.ChangeSettings(acting(s.t.Context()), func(x *accounts.Settings) error { x.Visibility = rule; return nil }))
	s.rule = rule
}

// sees is the rule, in its simplest form.
func (s *scene) sees(eyes, p accounts.User) bool {
	a, b := eyes.Team, p.Team
	return s.rule == accounts.VisibleEveryone || eyes.Admin || a == b || s.paired[[2]string{min(a, b), max(a, b)}]
}

// change does something at random that can change who sees whom.
func (s *scene) change() {
	s.t.Helper()
	ctx, i := acting(s.t.Context()), len(sceneTeams)+s.r.IntN(8)
	p := &s.people[i]
	switch s.r.IntN(10) {
	case 0, 1, 2:
		p.Team = sceneTeams[s.r.IntN(4)]
		s.must(s.store.SetTeam(ctx, p.ID, p.Team))
	case 3:
		p.Admin = !p.Admin
		s.must(s.store.SetAdmin(accounts.Forced(ctx), p.ID, p.Admin))
	case 4:
		if s.rule == accounts.VisibleTeams {
			s.choose(accounts.VisibleEveryone)
		} else {
			s.choose(accounts.VisibleTeams)
		}
	case 5, 6:
		a, b := sceneTeams[1+s.r.IntN(3)], sceneTeams[1+s.r.IntN(3)]
		pair := [2]string{min(a, b), max(a, b)}
		switch {
		case a == b:
		case s.paired[pair]:
			s.must(s.store.UnpairTeams(ctx, a, b))
			delete(s.paired, pair)
		default:
			s.must(s.store.PairTeams(ctx, a, b))
			s.paired[pair] = true
		}
	default:
		if c := s.conns[p.ID]; c != nil {
			c.Leave(presence.SignedOut)
			delete(s.conns, p.ID)
		} else {
			s.conns[p.ID] = s.arrive(p.Person)
		}
	}
}

// viewed is everything that a page shows.
type viewed struct {
	screen
	query   Query
	eyes    int // in scene.people
	counts  Counts
	teams   map[string]TeamCount
	names   map[string]string // of teams
	links   Links
	version string
	paused  bool
}

func (v *viewed) apply(c *Change) {
	v.show(c)
	if c.List != nil {
		clear(v.teams)
		clear(v.names)
		for _, section := range c.List.Sections {
			if !c.List.Flat || section.Key != "" {
				v.teams[section.Key], v.names[section.Key] = section.TeamCount, section.Name
			}
		}
		if c.List.Index != nil {
			for _, team := range c.List.Index.Teams {
				v.teams[team.Key], v.names[team.Key] = team.TeamCount, team.Name
			}
		}
	}
	for _, n := range c.Teams {
		if _, has := v.teams[n.Key]; has {
			v.teams[n.Key] = n
		}
	}
	if c.Counts != nil {
		v.counts = c.Counts.Now
	}
	if c.Links != nil {
		v.links = *c.Links
		v.links.Query.teams = nil // which list object it is doesn't matter
	}
	if len(c.Rows) == 1 && v.query.Person != "" {
		v.rows[c.Rows[0].Row.Username] = c.Rows[0].Row
		v.order = []string{c.Rows[0].Row.Username}
	}
}

func (v *viewed) catchUp(t testing.TB) {
	t.Helper()
	changes, ok := v.w.Take()
	if !ok {
		t.Fatal("Take: fell behind")
	}
	for _, c := range changes {
		v.apply(c)
	}
}

// open loads the page of a query for one of the people, and watches it.
func (s *scene) open(q Query, eyes int) *viewed {
	s.t.Helper()
	v := &viewed{screen: screen{rows: map[string]Row{}}, query: q, eyes: eyes, teams: map[string]TeamCount{},
		names: map[string]string{}}
	p := mustPerson(s.fixture, s.people[eyes].ID)
	if q.Person == "" {
		page, err := s.board.Load(s.t.Context(), q, p)
		s.must(err)
		v.apply(&Change{List: &page.Listing, Counts: &CountsNews{Now: page.Counts}, Links: &page.Links})
		v.version = page.Version
	}
	s.watchAgain(v)
	return v
}

func (s *scene) watchAgain(v *viewed) {
	s.t.Helper()
	if v.w != nil {
		v.w.Stop()
	}
	var err error
	v.w, err = s.board.Watch(s.t.Context(), Want{List: &v.query, Eyes: mustPerson(s.fixture, s.people[v.eyes].ID), Own: true,
		Shown: v.version})
	s.must(err)
	if !v.w.Start(func() {}) {
		s.t.Fatal("Start = false, want true")
	}
	s.t.Cleanup(v.w.Stop)
	v.paused = false
	v.catchUp(s.t)
}

func (s *scene) queries() []Query {
	return []Query{{}, {Show: Here}, {Search: "p"}, {Team: "Design"}, {Team: "platform"}, {Show: Offline}, {Show: Online},
		{Person: s.people[len(sceneTeams)+s.r.IntN(8)].ID}, {Search: "p", Show: Here}}
}

// intruder returns who is on a page whose owner may not see them, or "".
func (s *scene) intruder(v *viewed) string {
	for _, p := range s.people {
		_, shown := v.rows[p.Username]
		if shown && !s.sees(s.people[v.eyes], p) {
			return p.Username
		}
	}
	return ""
}

// heard applies what was committed, as every replica does at once, and checks that no page keeps people whom its owner
// may not see. Nothing is read from the accounts for that.
func (s *scene) heard(step int) {
	s.t.Helper()
	s.must(s.board.CatchUp(s.t.Context()))
	s.board.flush()
	for i, v := range s.pages {
		v.catchUp(s.t)
		if who := s.intruder(v); who != "" {
			s.t.Fatalf("step %d: page %d %+v of %s in %q, paused %t, keeps %s", step, i, v.query,
				s.people[v.eyes].Username, s.people[v.eyes].Team, v.paused, who)
		}
	}
}

// Whatever happens, a page shows what a page shows that is loaded now, and never anybody whom its owner may not see.
func TestPagesShowOnlyVisibleTeams(t *testing.T) {
	t.Parallel()
	seeds := []uint64{4970878033510892802} // somebody leaves and comes back around the reading of a list
	for range 6 {
		seeds = append(seeds, rand.Uint64())
	}
	for _, seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			play(t, newScene(t, seed))
		})
	}
}

func play(t *testing.T, s *scene) {
	ctx, b := t.Context(), s.board
	loops := []func(){
		func() { b.applyViews(b.feed.Take()) }, func() { s.must(b.CatchUp(ctx)) }, func() { s.must(b.reader.meet(ctx)) },
		func() { s.reread() }, func() { s.must(b.reader.refreshTotals(ctx)) }, func() { b.flush() },
	}
	for step := range 150 {
		s.change()
		for range s.r.IntN(4) {
			loops[s.r.IntN(len(loops))]()
		}
		switch s.r.IntN(5) {
		case 0:
			if len(s.pages) < 14 {
				queries := s.queries()
				s.pages = append(s.pages, s.open(queries[s.r.IntN(len(queries))], s.r.IntN(len(s.people))))
			}
		case 1:
			if len(s.pages) > 0 {
				s.turn(s.pages[s.r.IntN(len(s.pages))])
			}
		}
		switch step {
		case 70:
			b.WarmAgain()
		case 90:
			b.applyViews(b.feed.Take())
			b.update(b.tellAll)
		}
		if s.r.IntN(3) > 0 {
			s.heard(step)
		}
	}
	for _, v := range s.pages {
		v.w.Resume()
	}
	for range 3 {
		s.step()
	}
	s.heard(150)
	for i, v := range s.pages {
		s.compare(i, v)
	}
}

// turn hides a page or shows it again, or has it connect again.
func (s *scene) turn(v *viewed) {
	switch {
	case v.paused:
		v.w.Resume()
		v.paused = false
	case s.r.IntN(3) == 0 && !s.board.roster.warming: // see TestPageFromBeforeTheRuleAtARestart
		s.watchAgain(v)
	default:
		v.w.Pause()
		v.paused = true
	}
}

// compare fails the test unless a page shows what a fresh one shows: everybody whom its owner may see, and who is on
// the list.
func (s *scene) compare(i int, v *viewed) {
	s.t.Helper()
	fresh := s.open(v.query, v.eyes)
	defer fresh.w.Stop()
	if !maps.Equal(v.rows, fresh.rows) || !slices.Equal(v.order, fresh.order) {
		s.t.Errorf("in the end, page %d %+v shows\n%v, want the same as a fresh page\n%v", i, v.query, v.order, fresh.order)
	}
	if v.query.Person == "" && (v.counts != fresh.counts || !maps.Equal(v.teams, fresh.teams) ||
		!maps.Equal(v.names, fresh.names) || v.links != fresh.links) {
		s.t.Errorf("in the end, page %d %+v shows\n%+v %v %v %+v, want the same as a fresh page\n%+v %v %v %+v", i, v.query,
			v.counts, v.teams, v.names, v.links, fresh.counts, fresh.teams, fresh.names, fresh.links)
	}
	var want []string
	for _, p := range s.people {
		state := presence.State(presence.Offline)
		if s.conns[p.ID] != nil {
			state = presence.Online
		}
		if s.sees(s.people[v.eyes], p) && v.query.Show.includes(state) && strings.HasPrefix(p.Username, v.query.Search) &&
			(v.query.Team == "" || strings.EqualFold(p.Team, v.query.Team)) &&
			(v.query.Person == "" || v.query.Person == p.ID) {
			want = append(want, p.Username)
		}
	}
	if got := slices.Sorted(maps.Keys(fresh.rows)); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
		s.t.Errorf("a fresh page %+v of %s shows %q, want %q", v.query, s.people[v.eyes].Username, got, want)
	}
}
