package accounts

import (
	"fmt"
	"slices"
	"testing"
)

// paired returns the pairs of teams that see each other, as "Design+Ops".
func paired(t *testing.T, s *Store) []string {
	t.Helper()
	all, err := s.TeamPairs(t.Context())
	do(t, "TeamPairs", err)
	pairs := []string{}
	for _, x := range all {
		if x.Key >= x.OtherKey {
			t.Errorf("the keys %q and %q of a pair aren't in order", x.Key, x.OtherKey)
		}
		pairs = append(pairs, x.Team+"+"+x.Other)
	}
	return pairs
}

func wantPaired(t *testing.T, s *Store, after string, want ...string) {
	t.Helper()
	if got := paired(t, s); !slices.Equal(got, want) {
		t.Errorf("after %s, %q see each other, want %q", after, got, want)
	}
}

// A pair is the same in both orders and in any spelling. Only teams that exist can be paired.
func TestPairTeams(t *testing.T) { onEach(t, testPairTeams) }

func testPairTeams(t *testing.T, db database) {
	s := db.open(t, Config{})
	ctx := t.Context()
	add(t, s, "ada", "", "Design")
	add(t, s, "bob", "", "Ops")
	before := mustRev(t, s)
	do(t, "PairTeams", s.PairTeams(ctx, "ops", " DESIGN"))
	wantPaired(t, s, "PairTeams", "Design+Ops")
	changes, err := s.Changes(ctx, before)
	do(t, "Changes", err)
	if changes.TeamPairs == nil || len(*changes.TeamPairs) != 1 || !changes.Lists {
		t.Errorf("Changes after PairTeams = %+v, want the pairs, and that lists have changed", changes)
	}
	rev := mustRev(t, s)
	do(t, "PairTeams again", s.PairTeams(ctx, "Design", "Ops"))
	if got := mustRev(t, s); got != rev {
		t.Errorf("pairing what is paired took the rev %d after %d, want none", got, rev)
	}
	for _, tt := range []struct {
		team, other, field string
		code               Code
	}{
		{"Design", "design ", "other", SameTeam}, {"", "Ops", "team", Missing}, {"Ops", "", "other", Missing},
		{"Nobodies", "Ops", "team", UnknownTeam}, {"Ops", "Nobodies", "other", UnknownTeam}, {"Ops", "\x00", "other", Unprintable},
	} {
		wrong := WrongFields(s.PairTeams(ctx, tt.team, tt.other))
		if len(wrong) != 1 || wrong[0].Field != tt.field || wrong[0].Code != tt.code {
			t.Errorf("PairTeams(%q, %q) = %v, want %s: %s", tt.team, tt.other, wrong, tt.field, tt.code)
		}
	}
	rev = mustRev(t, s)
	do(t, "UnpairTeams", s.UnpairTeams(ctx, "DESIGN", "Ops"))
	wantPaired(t, s, "UnpairTeams")
	if changes, err := s.Changes(ctx, rev); err != nil || changes.TeamPairs == nil || len(*changes.TeamPairs) != 0 {
		t.Errorf("Changes after UnpairTeams = %+v, %v, want that there are no pairs", changes.TeamPairs, err)
	}
	wantErr(t, "UnpairTeams again", s.UnpairTeams(ctx, "Design", "Ops"), ErrNotFound)
	add(t, s, "cleo", "", "Sales")
	if changes, err := s.Changes(ctx, mustRev(t, s)-1); err != nil || changes.TeamPairs != nil {
		t.Errorf("Changes after another account = %+v, %v, want no pairs", changes.TeamPairs, err)
	}
	for _, action := range []Action{TeamsPaired, TeamsUnpaired} {
		lines, err := s.Audit(ctx, AuditQuery{Action: action})
		if err != nil || len(lines) != 1 || lines[0].Target != "" || len(lines[0].Detail) != 2 {
			t.Errorf("Audit of %s = %+v, %v, want one line with both teams", action, lines, err)
		}
	}
}

// A team keeps its pairs when it gets another name. Merged and deleted teams lose theirs, and a new name takes nothing
// over from a team that had it before.
func TestPairsFollowTeams(t *testing.T) { onEach(t, testPairsFollowTeams) }

func testPairsFollowTeams(t *testing.T, db database) {
	s := db.open(t, Config{})
	ctx := t.Context()
	for _, team := range []string{"Design", "Ops", "Sales", "Legal"} {
		add(t, s, "in-"+team, "", team)
	}
	last := add(t, s, "last", "", "Empty")
	do(t, "PairTeams", s.PairTeams(ctx, "Design", "Ops"))
	do(t, "PairTeams", s.PairTeams(ctx, "Empty", "Legal"))
	do(t, "SetTeam", s.SetTeam(ctx, last.ID, ""))
	wantPaired(t, s, "a team is left by everyone", "Design+Ops", "Empty+Legal")
	for _, step := range []struct {
		from, to string
		want     []string
	}{
		{"Ops", "Platform", []string{"Design+Platform", "Empty+Legal"}},
		{"Design", "Ux", []string{"Empty+Legal", "Platform+Ux"}},
		{"Sales", "Empty", []string{"Platform+Ux"}},
		{"Platform", "Legal", []string{}},
	} {
		_, err := s.RenameTeam(ctx, step.from, step.to)
		do(t, "RenameTeam", err)
		wantPaired(t, s, step.from+" is renamed to "+step.to, step.want...)
	}
	do(t, "PairTeams", s.PairTeams(ctx, "Ux", "Legal"))
	_, err := s.RenameTeam(ctx, "Ux", "")
	do(t, "RenameTeam", err)
	wantPaired(t, s, "Ux is deleted")
}

func TestTeamPairsAreLimited(t *testing.T) {
	s := open(t, Config{})
	ctx := t.Context()
	var people []NewUser
	for i := range MaxPairsOfTeam + 2 {
		people = append(people, NewUser{Username: fmt.Sprint("p", i), Team: fmt.Sprint("t", i), NoPassword: true})
	}
	_, err := s.Import(ctx, people)
	do(t, "Import", err)
	for i := range MaxPairsOfTeam {
		do(t, "PairTeams", s.PairTeams(ctx, "t0", fmt.Sprint("t", i+1)))
	}
	wrong := WrongFields(s.PairTeams(ctx, fmt.Sprint("t", MaxPairsOfTeam+1), "t0"))
	if len(wrong) != 1 || wrong[0].Code != TooMany || wrong[0].Limit != MaxPairsOfTeam {
		t.Errorf("one pair more = %v, want too many", wrong)
	}
}

// A page of several teams has the same people, in the same order and with the same cursors, as the page of everyone
// without the people of other teams.
func TestPeopleOfTeams(t *testing.T) { onEach(t, testPeopleOfTeams) }

func testPeopleOfTeams(t *testing.T, db database) {
	s := db.open(t, Config{})
	ctx := t.Context()
	for i, team := range []string{"Ops", "", "Design", "Ops!", "Design", "", "Ops", "Sales", "Ops"} {
		add(t, s, fmt.Sprint("p", i), fmt.Sprintf("Ann %d", i%4), team)
	}
	teams := []string{TeamKey("Ops"), TeamKey(""), TeamKey("Design"), TeamKey("Ops")}
	for _, search := range []string{"", "ann", "ann 2"} {
		for _, back := range []bool{false, true} {
			all, _, err := s.People(ctx, PeopleQuery{Search: search})
			do(t, "People", err)
			all = slices.DeleteFunc(all, func(p Person) bool { return !slices.Contains(teams, p.TeamKey()) })
			var got []Person
			for q := (PeopleQuery{Teams: teams, Search: search, Limit: 2}); ; {
				if back && q.Before == "" {
					q.Before = encodeCursor(noTeam + sortKeySep + "zzz" + sortKeySep + fmt.Sprintf("%036d", 0))
				}
				page, more, err := s.People(ctx, q)
				do(t, "People", err)
				if back {
					got = append(slices.Clone(page), got...)
				} else {
					got = append(got, page...)
				}
				if !more {
					break
				}
				if back {
					q.Before = page[0].Cursor()
				} else {
					q.After = page[len(page)-1].Cursor()
				}
			}
			if !slices.Equal(got, all) {
				t.Errorf("search %q, back %t: %v, want %v", search, back, got, all)
			}
		}
	}
	if people, more, err := s.People(ctx, PeopleQuery{Teams: []string{}}); len(people) != 0 || more || err != nil {
		t.Errorf("People of no team = %v, %t, %v, want none", people, more, err)
	}
}
