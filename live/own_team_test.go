package live

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"rollcall/accounts"
	"rollcall/presence"
)

// shownCards is how many people of a short list pages show.
const shownCards = 12

// wantOwnTeam fails the test unless s shows the first people of p's team who are here: all of them, or enough.
func (s *screen) wantOwnTeam(t *testing.T, f *fixture, p accounts.Person, what string) {
	t.Helper()
	s.wantCurrent(t, f, what)
	var want []string
	for _, m := range f.board.roster.present {
		if p.Team != "" && m.person.Team == p.Team {
			want = append(want, m.person.Username)
		}
	}
	n := len(s.order)
	if n > shortPage.most || n < min(shownCards, len(want)) || !slices.Equal(s.order, want[:n]) {
		t.Fatalf("%s: the section of %q shows %v, want the first of %v", what, p.Team, s.order, want)
	}
	if got, want := f.board.roster.counts(s.w.list).Here(), len(want); got != want {
		t.Fatalf("%s: the section of %q counts %d, want %d", what, p.Team, got, want)
	}
}

// Whoever comes, leaves, and moves, the section with a person's own team has the first people of it who are here. It
// follows the person to another team, and has nobody while they're in none.
func TestOwnTeam(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 1))
	f := newFixture(t)
	teams := []string{"", "Design", "Lab", "Lab", "Lab", "Lab"}
	move := func(p *accounts.Person) {
		p.Team = teams[random.IntN(len(teams))]
		f.must(f.store.SetTeam(acting(t.Context()), p.ID, p.Team))
	}
	people := make([]accounts.Person, 70)
	for i := range people {
		people[i] = f.person(fmt.Sprintf("p%02d", i))
		move(&people[i])
	}
	f.step()
	screens := make([]*screen, 4)
	for i := range screens {
		screens[i] = f.watch(OwnTeam(people[i]), people[i])
	}
	conns := map[string]*presence.Connection{}
	for step := range 400 {
		likely := 2 + step/100%3 // that somebody is here, so that the section is short at times and full at others
		for range 1 + random.IntN(6) {
			p := &people[random.IntN(len(people))]
			switch c := conns[p.ID]; {
			case random.IntN(30) == 0:
				move(p)
			case c == nil:
				conns[p.ID] = f.arrive(*p)
			case random.IntN(likely) == 0:
				c.Leave(presence.SignedOut)
				delete(conns, p.ID)
			}
		}
		if random.IntN(10) == 0 {
			move(&people[random.IntN(len(screens))])
		}
		if s := screens[random.IntN(len(screens))]; random.IntN(6) == 0 && !s.w.paused {
			s.w.Pause()
		} else if s.w.paused {
			s.w.Resume()
		}
		f.step()
		f.step() // a list that was read again
		for i, s := range screens {
			if !s.w.paused {
				s.wantOwnTeam(t, f, people[i], fmt.Sprintf("seed %d, step %d, page %d", seed, step, i))
			}
		}
	}
}

// While people see only their own team, the section of a person who moved shows nobody of the team that they left, not
// even on a page that nobody can see.
func TestOwnTeamForgetsHiddenPeople(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob := f.person("ada"), f.person("bob")
	for _, p := range []*accounts.Person{&ada, &bob} {
		p.Team = "Lab"
		f.must(f.store.SetTeam(acting(t.Context()), p.ID, p.Team))
	}
	f.must(f.store.ChangeSettings(acting(t.Context()), func(x *accounts.Settings) error {
		x.Visibility = accounts.VisibleTeams
		return nil
	}))
	f.arrive(ada)
	f.arrive(bob)
	f.step()
	s := f.watch(OwnTeam(ada), ada)
	if !slices.Equal(s.order, []string{"ada", "bob"}) {
		t.Fatalf("the section shows %v, want ada and bob", s.order)
	}
	s.w.Pause()
	f.must(f.store.SetTeam(acting(t.Context()), ada.ID, "Design"))
	f.step()
	s.take(t)
	if slices.Contains(s.order, "bob") {
		t.Errorf("after ada's move, the section shows %v, want not bob", s.order)
	}
	s.w.Resume()
	f.step()
	s.wantOwnTeam(t, f, accounts.Person{Team: "Design"}, "after ada's move")
}

// The index shows the first people of each team who are here, and only changes of these faces or of the count are news.
func TestFaces(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.person("ada")
	people := map[string]accounts.Person{}
	for _, name := range []string{"bob", "eve", "kim", "lea"} {
		p := f.person(name)
		people[name] = p
		f.must(f.store.SetTeam(acting(t.Context()), p.ID, "Lab"))
	}
	conns := map[string]*presence.Connection{}
	for _, name := range []string{"bob", "kim", "lea"} {
		conns[name] = f.arrive(people[name])
	}
	f.step()
	s := f.watch(Query{Show: Here}, ada)
	faces := s.changes[0].List.Index.Teams[0].Faces
	want := func(what string, names ...string) {
		t.Helper()
		got := []string{}
		for _, face := range faces {
			if face.ID != "" {
				got = append(got, face.Name)
			}
		}
		if !slices.Equal(got, names) {
			t.Errorf("%s, the faces are %q, want %q", what, got, names)
		}
	}
	news := func() (sent bool) {
		f.step()
		for _, c := range s.take(t) {
			if c.List != nil {
				faces, sent = c.List.Index.Teams[0].Faces, true
			}
			for _, n := range c.Teams {
				if n.Faces != nil {
					faces, sent = n.Faces, true
				}
			}
		}
		return sent
	}
	want("at first", "bob", "kim", "lea")
	f.arrive(people["eve"])
	news()
	want("after eve came", "bob", "eve", "kim")
	f.must(f.store.SetStatus(acting(t.Context()), people["kim"].ID, accounts.Status{State: "away"}, ""))
	if news() {
		t.Error("a change of state sent the team, want only the row")
	}
	conns["bob"].Leave(presence.SignedOut)
	f.must(f.store.SetInvisible(acting(t.Context()), people["kim"].ID, true))
	news()
	want("after bob left and kim hid", "eve", "lea")
	name := func(p *accounts.Profile) error { p.DisplayName = "LEA"; return nil }
	f.must(f.store.ChangeProfile(acting(t.Context()), people["lea"].ID, true, name))
	news()
	want("after lea's name changed", "eve", "LEA")
}

// Changes say whether names are among them, because rows without names are shorter.
func TestBriefChanges(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob := f.person("ada"), f.person("bob")
	f.step()
	s, alone := f.watch(Query{}, ada), f.watch(Query{Person: bob.ID}, ada)
	want := func(what string, brief bool) {
		t.Helper()
		f.step()
		if c := s.take(t); len(c) != 1 || len(c[0].Rows) != 1 || c[0].Brief != brief {
			t.Errorf("%s sent %+v, want one row, brief: %t", what, c, brief)
		}
		if c := alone.take(t); len(c) != 1 || len(c[0].Rows) != 1 || c[0].Brief {
			t.Errorf("%s sent the page about bob %+v, want one whole row", what, c)
		}
	}
	f.arrive(bob)
	want("an arrival", true)
	f.must(f.store.SetStatus(acting(t.Context()), bob.ID, accounts.Status{Text: "Soup"}, ""))
	want("a text", true)
	f.must(f.store.ChangeProfile(acting(t.Context()), bob.ID, true, func(p *accounts.Profile) error {
		p.DisplayName = "BOB" // in the same place
		return nil
	}))
	want("a name", false)
	f.must(f.store.SetStatus(acting(t.Context()), bob.ID, accounts.Status{Text: "Tea"}, ""))
	want("another text", true)
}
