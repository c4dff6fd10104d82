package live

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// sheet is everything that a page with everyone on it shows: its list, its team counts and its counts.
type sheet struct {
	screen
	name    string
	version string               // as loaded
	teams   map[string]TeamCount // by key
	counts  Counts
}

func (s *sheet) apply(c *Change) {
	if c.List != nil {
		clear(s.teams)
		for _, section := range c.List.Sections {
			s.teams[section.Key] = section.TeamCount
		}
	}
	for _, n := range c.Teams {
		s.teams[n.Key] = n
	}
	if c.Counts != nil {
		s.counts = c.Counts.Now
	}
	if c.Title != nil && *c.Title != s.counts {
		s.counts.People = -1 // a title that contradicts the rest
	}
}

// contradiction describes which two places disagree, or returns "". While people are coming back, the list shows only
// those who are here, and the total number of people isn't known.
func (s *sheet) contradiction() string {
	counts, teams := presence.Counts{}, map[string]TeamCount{}
	for _, row := range s.rows {
		key := accounts.TeamKey(row.Team)
		n := teams[key]
		if counts.Add(row.State, +1); row.State != presence.Offline {
			n.Here++
		}
		n.Key, n.People = key, n.People+1
		teams[key] = n
	}
	if s.counts.Online != counts.Online || s.counts.Away != counts.Away || s.counts.DND != counts.DND ||
		!s.counts.Unsure && s.counts.People != len(s.rows) {
		return fmt.Sprintf("%s counts %+v but lists %+v", s.name, s.counts, s.rows)
	}
	for key, n := range s.teams {
		if n.Here != teams[key].Here || !s.counts.Unsure && n.People != teams[key].People {
			return fmt.Sprintf("%s shows the team count %+v but lists %+v", s.name, n, teams[key])
		}
	}
	return ""
}

// check applies the changes that have come, and fails the test at the first one after which the page contradicts
// itself.
func (s *sheet) check(t *testing.T, step int) {
	t.Helper()
	changes, ok := s.w.Take()
	if !ok {
		t.Fatal("Take: fell behind")
	}
	for _, c := range changes {
		s.show(c)
		s.apply(c)
		if wrong := s.contradiction(); wrong != "" {
			t.Fatalf("step %d: %s", step, wrong)
		}
	}
}

// sheet loads a page and watches it. If old is set, the page was loaded before the start and shows two people.
func (f *fixture) sheet(name string, p accounts.Person, old bool) *sheet {
	f.t.Helper()
	s := &sheet{screen: screen{rows: map[string]Row{}}, name: name, teams: map[string]TeamCount{}}
	want := Want{List: &Query{}, Eyes: p, Shown: "before-1"}
	if old {
		s.rows["ada"], s.rows["p00"] = Row{State: presence.Online}, Row{State: presence.Offline}
		s.counts = Counts{People: 2, Online: 1}
	} else {
		page, err := f.board.Load(f.t.Context(), Query{}, p)
		f.must(err)
		s.show(&Change{List: &page.Listing})
		s.apply(&Change{List: &page.Listing})
		s.counts, want.Shown, s.version = page.Counts, page.Version, page.Version
	}
	var err error
	s.w, err = f.board.Watch(f.t.Context(), want)
	f.must(err)
	s.w.Start(func() {})
	f.t.Cleanup(s.w.Stop)
	return s
}

// reconnect makes the page watch again, with the version that it showed when it was loaded.
func (f *fixture) reconnect(s *sheet, p accounts.Person) {
	f.t.Helper()
	s.w.Stop()
	var err error
	s.w, err = f.board.Watch(f.t.Context(), Want{List: &Query{}, Eyes: p, Shown: s.version})
	f.must(err)
	s.w.Start(func() {})
	f.t.Cleanup(s.w.Stop)
}

// The list, the counts and the team counts of a page agree after every change: while people are coming back after a
// start or after everyone was disconnected, when that ends, and later. The summary and the title show the counts.
func TestPageAgreesWithItself(t *testing.T) {
	t.Parallel()
	for range 5 {
		agreement(t, rand.Uint64())
	}
}

func agreement(t *testing.T, seed uint64) {
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 22))
	f := newFixture(t, func(_ *Config, p *presence.Config) { p.Warming = time.Hour })
	b, ctx := f.board, t.Context()
	people := []accounts.Person{f.person("ada")}
	for range 5 {
		people = append(people, f.person(fmt.Sprintf("p%02d", len(people))))
	}
	sheets := []*sheet{f.sheet("a page from before the start", people[0], true)}
	conns := map[string]*presence.Connection{}
	loops := []func(){
		func() { b.applyViews(b.feed.Take()) },
		func() { f.must(b.CatchUp(ctx)) },
		func() { f.must(b.reader.meet(ctx)) },
		func() { f.reread() },
		func() { f.must(b.reader.refreshTotals(ctx)) },
		func() { b.flush() },
	}
	for step := range 200 {
		p := people[r.IntN(len(people))]
		c := conns[p.ID]
		switch r.IntN(10) {
		case 0, 1, 2:
			if c == nil {
				conns[p.ID] = f.here.Join(p.ID, presence.Client{Phone: true}, presence.Activity{Hidden: r.IntN(2) == 0})
			}
		case 3, 4:
			if c != nil {
				c.Leave(presence.SignedOut)
				delete(conns, p.ID)
			}
		case 5:
			f.must(f.store.SetTeam(acting(ctx), p.ID, []string{"", "Design", "Platform"}[r.IntN(3)]))
		case 6:
			status := accounts.Status{State: []string{"", "away", "dnd"}[r.IntN(3)], Text: fmt.Sprint("step ", step)}
			f.must(f.store.SetStatus(acting(ctx), p.ID, status, ""))
		case 7:
			if len(people) < 12 {
				people = append(people, f.person(fmt.Sprintf("p%02d", len(people))))
			}
		case 8:
			if len(sheets) < 8 {
				s := f.sheet(fmt.Sprint("a page loaded in step ", step), people[0], false)
				if sheets = append(sheets, s); s.contradiction() != "" {
					t.Fatalf("step %d, as loaded: %s", step, s.contradiction())
				}
			}
		case 9:
			f.reconnect(sheets[r.IntN(len(sheets))], people[0])
		}
		switch step {
		case 80, 160:
			b.applyViews(b.feed.Take())
			b.update(b.tellAll)
		case 120:
			b.WarmAgain()
		}
		for range r.IntN(4) {
			loops[r.IntN(len(loops))]()
		}
		for _, s := range sheets {
			s.check(t, step)
		}
	}
	for range 3 {
		for _, loop := range loops {
			loop()
		}
	}
	fresh := f.sheet("a fresh page", people[0], false)
	for _, s := range sheets {
		if s.check(t, 200); !maps.Equal(s.rows, fresh.rows) || s.counts != fresh.counts || !maps.Equal(s.teams, fresh.teams) {
			t.Errorf("in the end, %s shows\n%v %v %v, want the same as a fresh page\n%v %v %v",
				s.name, s.rows, s.counts, s.teams, fresh.rows, fresh.counts, fresh.teams)
		}
	}
}
