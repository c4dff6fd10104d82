package live

import (
	"encoding/base64"
	"fmt"
	"slices"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// watched loads the list of q and starts a watcher of it that takes nothing.
func (f *fixture) watched(q Query) *list {
	f.t.Helper()
	w, err := f.board.Watch(f.t.Context(), Want{List: &q})
	f.must(err)
	if !w.Start(func() {}) {
		f.t.Fatal("Start = false, want true")
	}
	return w.list
}

// staleOf returns the names of the lists that may have changed.
func (f *fixture) staleOf(lists map[string]*list) (stale []string) {
	f.board.mu.Lock()
	defer f.board.mu.Unlock()
	for name, l := range lists {
		if l.isStale() {
			stale = append(stale, name)
		}
	}
	slices.Sort(stale)
	return stale
}

// After a change of a person, the board reads only the lists again that the person was on or may be on now. For
// searches, it decides that in memory, by the old name and the new one.
func TestChangeMarksOnlyListsItConcerns(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	ctx := t.Context()
	bob, eve := f.person("bob"), f.person("eve")
	kim := f.arrive(f.person("kim"))
	f.step()
	end := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "\U0010FFFF\x01m\x01%036d", 0)) // of people without a team
	lists := map[string]*list{}
	for name, q := range map[string]Query{
		"all": {}, "bo": {Search: "bo"}, "zo qu": {Search: "zo qu"}, "six": {Search: "a b c d e f"},
		"Design": {Team: "Design"}, "Design zo": {Team: "Design", Search: "zo"}, "after m": {After: end},
		"before m":   {Before: end},
		"zo after m": {Search: "zo", After: end}, "zo before m": {Search: "zo", Before: end},
		"offline zo": {Search: "zo", Show: "offline"}, "offline x": {Search: "x", Show: "offline"},
		"online": {Show: "online"}, "online x": {Search: "x", Show: "online"},
	} {
		lists[name] = f.watched(q)
	}
	for _, step := range []struct {
		what   string
		change func() error
		want   []string
	}{
		{"someone signs up", func() error { f.person("zoe"); return nil },
			[]string{"after m", "all", "offline zo", "zo after m"}},
		{"someone gets a name that a search finds", func() error { return f.store.Rename(acting(ctx), bob.ID, "Zora Quist") },
			[]string{"after m", "all", "before m", "bo", "offline zo", "zo after m", "zo qu"}},
		{"the same person moves to another team", func() error { return f.store.SetTeam(acting(ctx), bob.ID, "Design") },
			[]string{"Design", "Design zo", "after m", "all", "before m", "bo", "offline zo", "zo after m", "zo before m",
				"zo qu"}},
		{"someone sets a status",
			func() error { return f.store.SetStatus(acting(ctx), eve.ID, accounts.Status{Text: "busy"}, "") }, nil},
		{"someone leaves", func() error { kim.Leave(presence.SignedOut); return nil }, nil},
	} {
		for name, l := range lists {
			f.must(f.board.reader.reload(ctx, l.filter.Query))
			if got := f.staleOf(map[string]*list{name: l}); got != nil {
				t.Fatalf("%s: list %q is stale right after it was read", step.what, name)
			}
		}
		f.must(step.change())
		f.must(f.board.CatchUp(ctx))
		f.board.applyViews(f.board.feed.Take())
		if got := f.staleOf(lists); !slices.Equal(got, step.want) {
			t.Errorf("%s: the stale lists are %q, want %q", step.what, got, step.want)
		}
	}
}

// The loop that reads changes also reads cheap lists, and leaves costly ones to a separate loop. That loop starts with
// the lists that have waited longest in proportion to their cost.
func TestCostlyListsDelayNoOthers(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	f.person("ada")
	now := time.Now()
	lists := map[string]*list{}
	for name, is := range map[string]struct{ cost, waits time.Duration }{
		"cheap": {0, 0}, "less": {50 * time.Millisecond, time.Second},
		"early": {time.Second, 10 * time.Second}, "late": {time.Second, 9 * time.Second},
	} {
		l := f.watched(Query{Search: "a " + name})
		f.board.lists.stale(l)
		l.cost, l.staleSince = is.cost, now.Add(-is.waits)
		lists[name] = l
	}
	if left, err := f.board.reader.reread(t.Context()); left != 0 || err != nil {
		t.Fatalf("reread = %d, %v, want 0 cheap lists left", left, err)
	}
	if got, want := f.staleOf(lists), []string{"early", "late", "less"}; !slices.Equal(got, want) {
		t.Errorf("after the cheap lists were read, the stale lists are %q, want %q", got, want)
	}
	var order []string
	stale, _ := f.board.reader.stale(true)
	for _, l := range stale {
		order = append(order, l.filter.Search)
	}
	if want := []string{"a less", "a early", "a late"}; !slices.Equal(order, want) {
		t.Errorf("costly lists are read in the order %q, want %q", order, want)
	}
}

// BenchmarkNewcomerAmongSearches measures how long it takes until a new person is on the list of their team, while
// others watch costly searches: for six words that are all in everyone's name.
func BenchmarkNewcomerAmongSearches(b *testing.B) {
	for _, searches := range []int{0, 20, 980} {
		for _, found := range []bool{false, true} {
			b.Run(fmt.Sprintf("searches=%d/found=%t", searches, found), func(b *testing.B) {
				newcomerAmongSearches(b, searches, found)
			})
		}
	}
}

func newcomerAmongSearches(b *testing.B, searches int, found bool) {
	f := newFixture(b)
	people := make([]accounts.NewUser, 20_000)
	for i := range people {
		people[i] = accounts.NewUser{
			Username: fmt.Sprintf("p%05d", i), PasswordHash: someHash,
			DisplayName: fmt.Sprintf("Anna Berta Carla Dora Emma Frida %05d", i),
		}
	}
	f.must(errOf(f.store.Import(acting(b.Context()), people)))
	for i := range searches {
		f.watched(Query{Search: fmt.Sprintf("a b c d e %0*d", 1+i/10%5, i%10)})
	}
	f.run()
	team := f.watch(Query{Team: "Design"}, accounts.Person{})
	var most time.Duration
	for i := 0; b.Loop(); i++ {
		name := fmt.Sprintf("new%05d", i)
		newcomer := accounts.NewUser{Username: name, Team: "Design", PasswordHash: someHash}
		if found {
			newcomer.DisplayName = fmt.Sprintf("Anna Berta Carla Dora Emma 0 00 000 0000 00000 1 2 3 4 %d", i)
		}
		start := time.Now()
		_, err := f.store.Create(acting(b.Context()), newcomer)
		f.must(err)
		team.until(b, name, func() bool { return team.rows[name].State == presence.Offline })
		most = max(most, time.Since(start))
	}
	b.ReportMetric(float64(most.Milliseconds()), "ms-longest")
}
