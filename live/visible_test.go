package live

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// Nothing that people of a hidden team do makes a change for a watcher, not even an empty one.
func TestHiddenTeamsMakeNoChanges(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := acting(t.Context())
	f.must(f.store.ChangeSettings(ctx, func(x *accounts.Settings) error { x.Visibility = accounts.VisibleTeams; return nil }))
	ada, bob := f.person("ada"), f.person("bob")
	f.must(f.store.SetTeam(ctx, ada.ID, "Design"))
	f.must(f.store.SetTeam(ctx, bob.ID, "Sales"))
	f.arrive(ada)
	f.step()
	ada.Team = "Design"
	ada = f.member(ada).person
	var screens []*screen
	for _, q := range []Query{{}, {Show: Here}, {Search: "b"}, {Team: "Sales"}, {Person: bob.ID}, {Show: Offline}} {
		screens = append(screens, f.watch(q, ada))
	}
	f.step()
	for _, s := range screens {
		s.take(t)
	}
	c := f.arrive(bob)
	f.step()
	f.must(f.store.SetStatus(ctx, bob.ID, accounts.Status{State: "dnd", Text: "secret"}, ""))
	f.step()
	f.must(f.store.Rename(ctx, bob.ID, "Bobby"))
	f.step()
	c.Leave(presence.SignedOut)
	f.step()
	f.must(f.store.SetTeam(ctx, bob.ID, "Legal"))
	f.step()
	f.board.sendTitles()
	for _, s := range screens {
		if changes := s.take(t); len(changes) != 0 {
			t.Errorf("the page %+v was sent %d changes about somebody in a hidden team, want none: %+v", s.w.list.filter.Query,
				len(changes), changes[0])
		}
	}
}

// Watchers who may see the same teams share one list and its changes, so the cost of a change depends on how many
// different sets of teams there are, not on how many people watch. Rows are encoded once for all of them.
func TestSameTeamsShareAList(t *testing.T) {
	t.Parallel()
	s := newScene(t, 1)
	s.must(s.store.PairTeams(acting(t.Context()), "Design", "Platform"))
	s.must(s.board.CatchUp(t.Context()))
	lists := map[*list]bool{}
	var entries []*Entry
	for i := range s.people {
		v := s.open(Query{}, i)
		lists[v.w.list] = true
		if m := s.member(s.people[1].Person); s.sees(s.people[i], s.people[1]) {
			entries = append(entries, s.board.roster.entry(m, Full))
		}
	}
	if len(lists) != 3 { // without a team, Sales, and Design with Platform
		t.Errorf("%d lists for 3 different sets of teams, want one each", len(lists))
	}
	if len(slices.Compact(entries)) != 1 {
		t.Error("the row of one person exists several times")
	}
}

// Pages, their links, and counts on a large board are those of the teams that somebody may see.
func TestLargeBoardOfVisibleTeams(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := acting(t.Context())
	f.must(f.store.ChangeSettings(ctx, func(x *accounts.Settings) error { x.Visibility = accounts.VisibleTeams; return nil }))
	var all []accounts.NewUser
	for i := range 600 {
		team := []string{"Design", "Ops", "Sales"}[i%3]
		all = append(all, accounts.NewUser{Username: fmt.Sprintf("p%03d", i), Team: team, PasswordHash: someHash})
	}
	f.must(errOf(f.store.Import(ctx, all)))
	f.must(f.store.PairTeams(ctx, "Design", "Sales"))
	ada, err := f.store.UserByName(ctx, "p000")
	f.must(err)
	ops, err := f.store.UserByName(ctx, "p001")
	f.must(err)
	f.must(f.board.CatchUp(ctx))
	if q, err := f.board.Resolve(ctx, Query{}, false, ops.Person); err != nil || q.Show != Everyone {
		t.Errorf("Resolve for somebody who sees 200 people = %+v, %v, want the list of everyone", q, err)
	}
	if q, err := f.board.Resolve(ctx, Query{}, false, ada.Person); err != nil || q.Show != Here {
		t.Errorf("Resolve for somebody who sees 400 people = %+v, %v, want who is here", q, err)
	}
	seen := map[string]bool{}
	q, pages := Query{}, 0
	for ; ; pages++ {
		p, err := f.board.Load(ctx, q, ada.Person)
		f.must(err)
		if p.Counts.People != 400 || p.Counts.Teams != 2 || p.Links.Pages != 2 || p.Links.Page != pages+1 {
			t.Errorf("page %d has %+v and %+v, want 400 people in 2 teams on 2 pages", pages+1, p.Counts, p.Links)
		}
		for _, section := range p.Sections {
			if section.Name == "Ops" || section.People != 200 {
				t.Errorf("page %d has the team %+v, want no Ops, and 200 people", pages+1, section.TeamCount)
			}
			for _, e := range section.Rows {
				seen[e.Row.Username] = true
			}
		}
		if start, err := f.board.PageStart(ctx, Query{}, pages+2, ada.Person); pages == 0 && (err != nil || start != p.Links.Next) {
			t.Errorf("PageStart(%d) = %q, %v, want %q", pages+2, start, err, p.Links.Next)
		}
		if q.After = p.Links.Next; q.After == "" {
			break
		}
	}
	if pages != 1 || len(seen) != 400 || seen["p001"] {
		t.Errorf("%d pages have %d people, want 2 with 400, without those of Ops", pages+1, len(seen))
	}
	hidden, err := f.board.Load(ctx, Query{Team: "Ops"}, ada.Person)
	f.must(err)
	none, err := f.board.Load(ctx, Query{Team: "Ups"}, ada.Person)
	f.must(err)
	hidden.Query, none.Query, hidden.Links.Query, none.Links.Query, hidden.Arrived.Query, none.Arrived.Query = Query{}, Query{},
		Query{}, Query{}, Query{}, Query{}
	hidden.Counts.Team, none.Counts.Team, hidden.Version, none.Version = "", "", "", ""
	if !reflect.DeepEqual(hidden, none) {
		t.Errorf("the page of a hidden team is %+v, want the same as of no team %+v", hidden, none)
	}
}

// Somebody is told about an arrival only while they may see whom it's about, also by another process, and when that
// changes later.
func TestAlertsAboutVisiblePeople(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := acting(t.Context())
	ada, bob := f.person("ada"), f.person("bob")
	f.must(f.store.SetTeam(ctx, ada.ID, "Design"))
	f.must(f.store.SetAlert(ctx, ada.ID, bob.ID, accounts.AlertHere))
	f.must(f.store.ChangeSettings(ctx, func(x *accounts.Settings) error { x.Visibility = accounts.VisibleTeams; return nil }))
	f.step()
	w, err := f.board.Watch(ctx, Want{Eyes: ada, Own: true})
	f.must(err)
	w.Start(func() {})
	t.Cleanup(w.Stop)
	told := func() (n int) {
		changes, _ := w.Take()
		for _, c := range changes {
			n += len(c.Told)
		}
		return n
	}
	f.must(f.board.CatchUp(ctx))
	f.board.readdress(mustPerson(f, ada.ID))
	f.arrive(bob)
	f.step()
	f.step()
	if kind, err := f.store.Alert(ctx, ada.ID, bob.ID); err != nil || kind == "" || told() != 0 {
		t.Errorf("while bob's team is hidden, the alert is %q, %v, want that it still waits", kind, err)
	}
	f.must(f.store.SetTeam(ctx, bob.ID, "Design"))
	f.step()
	f.step()
	if n := told(); n != 1 {
		t.Errorf("after bob came to ada's team she was told %d times, want once", n)
	}
	f.must(f.store.SetTeam(ctx, bob.ID, "Sales"))
	f.step()
	again, err := f.board.Watch(ctx, Want{Eyes: mustPerson(f, ada.ID), Own: true})
	f.must(err)
	again.Start(func() {})
	t.Cleanup(again.Stop)
	changes, _ := again.Take()
	for _, c := range changes {
		if len(c.Told) > 0 {
			t.Errorf("a page that connects after bob left the team is told %+v, want nothing", c.Told)
		}
	}
}

func mustPerson(f *fixture, id string) accounts.Person {
	f.t.Helper()
	u, err := f.store.UserByID(f.t.Context(), id)
	f.must(err)
	return u.Person
}

// A page from before a restart keeps what it showed while people come back, but not if it was loaded by somebody who
// could see other teams then.
func TestPageFromBeforeTheRuleAtARestart(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(c *Config, p *presence.Config) {
		p.Warming = time.Hour
		c.Fixed.Visibility = accounts.VisibleTeams
	})
	ada := f.person("ada")
	own := f.board.visible.of(ada)
	for version, want := range map[string]bool{
		"old-abc": true, "old-tabc": true, "old-abc-r": true, "old-abc-t123-w": true,
		"old-abc-t" + own.mark: false, "old-abc-t" + own.mark + "-r": false,
	} {
		s := f.watch(Query{}, ada, version)
		if got := len(s.rows) == 0 && s.changes[0].List != nil; got != want {
			t.Errorf("a page with the version %s was sent the list: %t, want %t", version, got, want)
		}
		s.w.Stop()
	}
}

// While the rule is that everybody sees everybody, nothing is different.
func TestVersionsWithoutTheRule(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada := f.person("ada")
	p, err := f.board.Load(context.Background(), Query{}, ada)
	f.must(err)
	if strings.Count(p.Version, "-") != 1 || f.board.teamsOf(ada) != nil || len(f.board.visible.content) != 0 {
		t.Errorf("the version is %q, and sets of teams are %v, want none", p.Version, f.board.visible.content)
	}
}
