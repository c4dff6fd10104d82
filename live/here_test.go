package live

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"rollcall/accounts"
	"rollcall/presence"
)

// wantCurrent fails the test unless s shows the members of its list, in order.
func (s *screen) wantCurrent(t *testing.T, f *fixture, what string) {
	t.Helper()
	s.take(t)
	if s.lacking != "" {
		t.Fatalf("%s: the page can't apply the change: %s", what, s.lacking)
	}
	var want []string
	for _, m := range s.w.list.members {
		want = append(want, m.person.Username)
		if got, row := s.rows[m.person.Username], f.board.roster.entry(m, s.w.audience).Row; got != row {
			t.Fatalf("%s: the page shows %+v, want %+v", what, got, row)
		}
	}
	if !slices.Equal(s.order, want) {
		t.Fatalf("%s: the page shows %v, want %v", what, s.order, want)
	}
}

// Whatever people do, and whenever pages are loaded, paused or resumed, each page of present people shows the right
// ones, in order.
func TestPagesOfPresentPeople(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	f := newFixture(t)
	ada, zed := f.person("ada"), f.person("zed")
	f.prefer(zed, accounts.Nobody)
	var people []accounts.Person
	for i := range 40 {
		p := f.person(fmt.Sprintf("p%02d", i))
		if team := []string{"", "Design", "Lab"}[i%3]; team != "" {
			f.must(f.store.SetTeam(acting(t.Context()), p.ID, team))
		}
		people = append(people, p)
	}
	f.step()
	queries := []Query{{Show: Here}, {Show: DND}, {Show: Here, Team: "Lab"}, {Show: Online}}
	var screens []*screen
	for _, q := range queries {
		screens = append(screens, f.watch(q, ada), f.watch(q, zed))
	}
	conns := map[string]*presence.Connection{}
	for step := range 400 {
		for range 1 + random.IntN(4) {
			p := people[random.IntN(len(people))]
			switch c := conns[p.ID]; {
			case c == nil:
				conns[p.ID] = f.arrive(p)
			case random.IntN(3) == 0:
				state := []string{"", "dnd", "away"}[random.IntN(3)]
				f.must(f.store.SetStatus(acting(t.Context()), p.ID, accounts.Status{State: state, Text: fmt.Sprint(step)}, ""))
			default:
				c.Leave(presence.SignedOut)
				delete(conns, p.ID)
			}
		}
		what := fmt.Sprintf("step %d", step)
		switch q, at := queries[step%len(queries)], random.IntN(8); at {
		case 0: // load a page between a change and its flush
			f.board.applyViews(f.board.feed.Take())
			page, err := f.board.Load(t.Context(), q, ada)
			f.must(err)
			s := f.watch(q, ada, page.Version)
			s.show(&Change{List: &page.Listing})
			screens = append(screens, s)
		case 1:
			screens[random.IntN(len(screens))].w.Pause()
		case 2, 3:
			f.board.applyViews(f.board.feed.Take())
			screens[random.IntN(len(screens))].w.Resume()
		case 4:
			p := people[random.IntN(len(people))]
			f.must(f.store.SetTeam(acting(t.Context()), p.ID, []string{"", "Design", "Lab"}[random.IntN(3)]))
		}
		f.step()
		for i, s := range screens {
			if !s.w.paused {
				s.wantCurrent(t, f, fmt.Sprintf("seed %d, %s, page %d", seed, what, i))
			}
		}
	}
}

// An arrival sends one row, however many people are on the page.
func TestArrivalIsOneRow(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.person("ada")
	for _, name := range []string{"bob", "kim", "lea", "zoe"} {
		f.arrive(f.person(name))
	}
	f.step()
	s := f.watch(Query{Show: Here}, ada)
	eve := f.arrive(f.person("eve"))
	f.step()
	if c := s.take(t); len(c) != 1 || c[0].List != nil || len(c[0].Rows) != 0 ||
		len(c[0].Added) != 1 || len(c[0].Added[0].Rows) != 1 {
		t.Errorf("an arrival sent %+v, want one added row", c)
	}
	eve.Leave(presence.SignedOut)
	f.step()
	if c := s.take(t); len(c) != 1 || c[0].List != nil || len(c[0].Removed) != 1 {
		t.Errorf("a departure sent %+v, want one removed row", c)
	}
	f.arrive(f.person("max")).Leave(presence.SignedOut)
	f.step()
	if c := s.take(t); len(c) > 1 || len(c) == 1 && len(c[0].Added)+len(c[0].Removed) > 0 {
		t.Errorf("a person who came and left at once sent %+v, want no rows", c)
	}
}

// A page of present people is split when it gets too long, and filled from the next page when many have left.
func TestPagesOfPresentPeopleStayBounded(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.crowd(600, "p")
	people, _, err := f.store.People(t.Context(), accounts.PeopleQuery{})
	f.must(err)
	ada := people[0]
	var conns []*presence.Connection
	var after string
	for len(people) > 0 {
		for _, p := range people {
			after = p.Cursor()
			conns = append(conns, f.arrive(p))
			if len(conns) == 200 {
				f.step()
				defer f.watch(Query{Show: Here}, ada).wantCurrent(t, f, "in the end")
			}
		}
		people, _, err = f.store.People(t.Context(), accounts.PeopleQuery{After: after})
		f.must(err)
	}
	f.step()
	l := f.list(Query{Show: Here})
	if n := len(l.members); n != PageRows || l.next == "" {
		t.Errorf("with 600 people here, the first page has %d people and a next page: %t, want %d, true",
			n, l.next != "", PageRows)
	}
	if page, pages := l.place.page(); page != 1 || pages != 3 {
		t.Errorf("the first page is page %d of %d, want 1 of 3", page, pages)
	}
	second := f.list(Query{Show: Here, After: l.next})
	if page, pages := second.place.page(); page != 2 || pages != 3 {
		t.Errorf("the next page is page %d of %d, want 2 of 3", page, pages)
	}
	if start, err := f.board.PageStart(t.Context(), Query{Show: Here}, 2, accounts.Person{}); err != nil || start != l.next {
		t.Errorf("PageStart(2) = %q, %v, want %q", start, err, l.next)
	}
	if start, err := f.board.PageStart(t.Context(), Query{}, 3, accounts.Person{}); err != nil || start != second.next {
		t.Errorf("PageStart(3) of everyone = %q, %v, want %q", start, err, second.next)
	}
	for _, c := range conns[:150] {
		c.Leave(presence.SignedOut)
	}
	f.step()
	f.step()
	if n := len(f.list(Query{Show: Here}).members); n != PageRows {
		t.Errorf("after 150 people left the first page, it has %d people, want %d", n, PageRows)
	}
}

// If everyone fits on one page, a request gets the list of everyone. Otherwise, it gets the list that it names, or by
// default the people who are here.
func TestResolve(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	f.must(f.store.SetTeam(acting(ctx), f.person("ada").ID, "Lab"))
	resolve := func(q Query, asked bool) Query {
		t.Helper()
		got, err := f.board.Resolve(ctx, q, asked, accounts.Person{})
		f.must(err)
		return got
	}
	for _, q := range []Query{{}, {Show: Here}, {Show: Offline}, {Search: "a", Show: DND}} {
		if got := resolve(q, q.Show != ""); got.Show != Everyone {
			t.Errorf("on a board of one page, Resolve(%+v) = %+v, want everyone", q, got)
		}
	}
	f.crowd(300, "p")
	f.step()
	for _, c := range []struct {
		q     Query
		asked bool
		want  Show
	}{
		{Query{}, false, Here}, {Query{}, true, Everyone}, {Query{Show: Online}, true, Online},
		{Query{Team: "Lab"}, false, Everyone}, {Query{Team: "Lab", Show: Here}, true, Everyone},
		{Query{Search: "p"}, false, Everyone}, {Query{Search: "p", Show: Here}, true, Here},
		{Query{Search: "ada", Show: Here}, true, Everyone},
	} {
		if got := resolve(c.q, c.asked); got.Show != c.want {
			t.Errorf("on a board of several pages, Resolve(%+v, %t) = %+v, want %q", c.q, c.asked, got, c.want)
		}
	}
}

// On a page of people who are here, going invisible looks like leaving. What an invisible person does changes nothing.
func TestInvisibleLeavesThePage(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := acting(t.Context())
	ada := f.person("ada")
	var people []accounts.Person
	for _, name := range []string{"bob", "eve", "kim", "lea"} {
		people = append(people, f.person(name))
		f.arrive(people[len(people)-1])
	}
	f.step()
	s := f.watch(Query{Show: Here}, ada)
	f.must(f.store.SetInvisible(ctx, people[1].ID, true))
	f.step()
	if c := s.take(t); len(c) != 1 || len(c[0].Removed) != 1 || len(c[0].Rows)+len(c[0].Added) != 0 || c[0].List != nil {
		t.Errorf("going invisible sent %+v, want one removed row", c)
	}
	f.must(f.store.SetStatus(ctx, people[1].ID, accounts.Status{State: "dnd", Text: "hidden"}, ""))
	f.arrive(people[1])
	f.step()
	if c := s.take(t); len(c) != 0 {
		t.Errorf("changes of an invisible person sent %+v, want nothing", c)
	}
	f.must(f.store.SetInvisible(ctx, people[1].ID, false))
	f.step()
	if c := s.take(t); len(c) != 1 || len(c[0].Added) != 1 || s.order[1] != "eve" {
		t.Errorf("going visible sent %+v, and the page shows %v, want one added row", c, s.order)
	}
}

// People of other replicas can be known before there's a board.
func TestPeopleFromBeforeTheBoard(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.person("ada")
	f.arrive(ada)
	late := &fixture{t, f.folder, f.store, f.here, New(Config{Accounts: f.store, Presence: f.here, Log: f.board.log})}
	late.step()
	if got := late.list(Query{Show: Here}).members; len(got) != 1 || got[0].person.ID != ada.ID {
		t.Errorf("a board that is made while Ada is here lists %d people, want only her", len(got))
	}
}
