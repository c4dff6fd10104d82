package live

import (
	"maps"
	"testing"

	"rollcall/accounts"
	"rollcall/presence"
)

// BenchmarkLoneChange measures one change of one person, until each of 100 watchers has its encoding.
func BenchmarkLoneChange(b *testing.B) {
	f := newFixture(b)
	ada, bob := f.person("ada"), f.person("bob")
	encoded, taken := 0, 0
	encode := func(*Change) []byte { encoded++; return []byte("a change") }
	for range 100 {
		w, err := f.board.Watch(b.Context(), Want{List: &Query{}, Eyes: ada})
		f.must(err)
		w.Start(func() {
			changes, _ := w.Take()
			for _, c := range changes {
				c.Encoded(HTML, encode)
				taken++
			}
		})
		defer w.Stop()
	}
	phone := f.here.Join(bob.ID, presence.Client{Phone: true}, presence.Activity{Hidden: true, Ago: presence.NoInput})
	f.step()
	hidden, rounds := true, 0
	encoded, taken = 0, 0
	for b.Loop() {
		hidden, rounds = !hidden, rounds+1
		phone.Record(presence.Activity{Hidden: hidden})
		f.board.applyViews(f.board.feed.Take())
		f.board.flush()
	}
	if taken != 100*rounds || encoded != rounds {
		b.Errorf("%d changes were encoded %d times and taken %d times, want each encoded once and taken 100 times",
			rounds, encoded, taken)
	}
}

// BenchmarkManyLists measures one arrival and departure while 1,000 watchers watch 1,000 different lists.
func BenchmarkManyLists(b *testing.B) {
	f := newFixture(b)
	f.crowd(1500, "p")
	ada := f.person("ada")
	people, _, err := f.store.People(b.Context(), accounts.PeopleQuery{Limit: 1000})
	f.must(err)
	var screens []*screen
	for _, p := range people {
		screens = append(screens, f.watch(Query{After: p.Cursor()}, ada))
	}
	f.step()
	for b.Loop() {
		c := f.arrive(ada)
		f.board.applyViews(f.board.feed.Take())
		f.board.flush()
		c.Leave(presence.SignedOut)
		f.board.applyViews(f.board.feed.Take())
		f.board.flush()
		for _, s := range screens {
			s.take(b)
		}
	}
}

// Every flush asks all lists for their team counts. Only lists whose members have changed iterate over them: a thousand
// lists of 200 people would hold the board's lock for a tenth of a second.
func TestTeamCountsWithoutIteration(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.crowd(PageRows+1, "p")
	l := f.list(Query{})
	want := f.board.roster.teams(l)
	members := l.members
	l.members = make([]*member, len(members)) // nil members, which would panic
	if got := f.board.roster.teams(l); !maps.Equal(got, want) || len(want) != 1 {
		t.Errorf("teams = %v, want %v", got, want)
	}
	l.members, l.relist = members[:0], true
	if got := f.board.roster.teams(l); len(got) != 0 {
		t.Errorf("teams of an emptied list = %v, want none", got)
	}
}
