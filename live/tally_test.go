package live

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	"rollcall/accounts"
)

// Pages have the right numbers and can be found by them, wherever teams begin and end.
func TestPageNumbers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	var people []accounts.NewUser
	for team, size := range map[string]int{"Ops": 130, "Design": 210, "": 90, "Lab": 1, "Sales": 199} {
		for i := range size {
			people = append(people, accounts.NewUser{
				Username: fmt.Sprintf("%s.p%03d", cmp.Or(team, "none"), i), Team: team, PasswordHash: someHash,
			})
		}
	}
	f.must(errOf(f.store.Import(acting(t.Context()), people)))
	for n, after := 1, ""; ; n++ {
		start, err := f.board.PageStart(t.Context(), Query{}, n, accounts.Person{})
		if err != nil || start != after {
			t.Errorf("PageStart(%d) = %q, %v, want %q", n, start, err, after)
		}
		l := f.list(Query{After: after})
		if page, pages := l.place.page(); page != n || pages != 4 {
			t.Errorf("page %d is page %d of %d, want %d of 4", n, page, pages, n)
		}
		if after = l.next; after == "" {
			break
		}
	}
	if start, err := f.board.PageStart(t.Context(), Query{}, 5, accounts.Person{}); err != nil || start != "" {
		t.Errorf("PageStart(5) of 4 pages = %q, %v, want none", start, err)
	}
	design := f.list(Query{Team: "design", After: f.list(Query{Team: "design"}).next})
	if page, pages := design.place.page(); page != 2 || pages != 2 {
		t.Errorf("the second page of a team is page %d of %d, want 2 of 2", page, pages)
	}
}

// On a large board, pages don't wait until everyone is counted.
func TestLargeBoardCountsLater(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.board.reader.many = 2
	load := func() int {
		t.Helper()
		p, err := f.board.Load(t.Context(), Query{Show: Here}, accounts.Person{})
		f.must(err)
		return p.Counts.People
	}
	f.crowd(3, "p")
	if got := load(); got != 3 {
		t.Errorf("the first page counts %d people, want 3: there are no earlier numbers", got)
	}
	f.person("ada")
	if got := load(); got != 3 {
		t.Errorf("after somebody joined a large board, a page counts %d people, want the 3 of before", got)
	}
	tally := &f.board.roster.tally
	if tally.cost = time.Hour; f.board.reader.totalsDue() {
		t.Error("everyone is to be counted again at once, want a rest")
	}
	if tally.cost = 0; !f.board.reader.totalsDue() {
		t.Error("everyone isn't to be counted again, although somebody joined")
	}
	f.must(f.board.reader.readTotals(t.Context()))
	if got := load(); got != 4 || f.board.reader.totalsDue() {
		t.Errorf("a page counts %d people after counting again, want 4 and nothing to count", got)
	}
	f.run()
	f.person("ben")
	for load() != 5 {
		time.Sleep(time.Millisecond)
	}
}

// The number of pages of people who are here is right, although people come and go on other pages.
func TestNumberOfPagesOfPresentPeople(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.crowd(3*PageRows, "p")
	var people []accounts.Person
	for after := ""; len(people) < 3*PageRows; after = people[len(people)-1].Cursor() {
		page, _, err := f.store.People(t.Context(), accounts.PeopleQuery{After: after})
		f.must(err)
		people = append(people, page...)
	}
	pages := func(q Query) (page, pages int, next string) {
		t.Helper()
		p, err := f.board.Load(t.Context(), q, accounts.Person{})
		f.must(err)
		return p.Links.Page, p.Links.Pages, p.Links.Next
	}
	for _, p := range people[PageRows-50 : 2*PageRows] {
		f.arrive(p)
	}
	f.step()
	_, all, next := pages(Query{Show: Here})
	if all != 2 {
		t.Fatalf("with 250 people here, there are %d pages, want 2", all)
	}
	for _, p := range people[2*PageRows:] {
		f.arrive(p)
	}
	f.step()
	if page, all, _ := pages(Query{Show: Here}); page != 1 || all != 3 {
		t.Errorf("with 450 people here, the first page is page %d of %d, want 1 of 3", page, all)
	}
	for _, p := range people[:PageRows-50] {
		f.arrive(p)
	}
	f.step()
	if page, all, _ := pages(Query{Show: Here, After: next}); page != 2 || all != 3 {
		t.Errorf("with 150 more before it, the second page is page %d of %d, want 2 of 3", page, all)
	}
}

// TestIndexIsShared: while nothing in the index of teams changes, all pages get the same one, so it's rendered once.
func TestIndexIsShared(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ada, bob := f.person("ada"), f.person("bob")
	f.arrive(ada)
	f.step()
	index := func() *Index {
		t.Helper()
		p, err := f.board.Load(t.Context(), Query{Show: Here}, ada)
		f.must(err)
		return p.Index
	}
	first := index()
	if index() != first {
		t.Error("nothing has changed, but the second page has another index")
	}
	f.arrive(bob)
	f.step()
	if next := index(); next == first || next.Teams[0].Here != 2 {
		t.Errorf("after somebody came, the index is %+v, want 2 people here", next.Teams)
	}
}
