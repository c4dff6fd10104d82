package handlers

import (
	"encoding/base64"
	"fmt"
	"slices"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// watchedPage loads the page of q and has it watched by somebody who reads nothing.
func (f *fixture) watchedPage(q boardQuery) *page {
	f.t.Helper()
	if q.team != "" {
		q.teamKey = accounts.TeamKey(q.team)
	}
	b := f.server.board
	p, err := b.load(f.t.Context(), q)
	if err != nil {
		f.t.Fatal(err)
	}
	s := &socket{page: p}
	s.closing.Store(true) // so that nothing is written to it
	b.mu.Lock()
	defer b.mu.Unlock()
	p.watchers[s] = struct{}{}
	return p
}

// stalePages are the names of those pages whose lists may have changed.
func (f *fixture) stalePages(pages map[string]*page) (stale []string) {
	f.server.board.mu.Lock()
	defer f.server.board.mu.Unlock()
	for name, p := range pages {
		if p.stale() {
			stale = append(stale, name)
		}
	}
	slices.Sort(stale)
	return stale
}

// TestOnlyPagesThatAChangeConcerns: a change of a person has those lists read again that the person is on or may have
// come onto, and no others. What a search finds is decided in memory, by the old name and the new one.
func TestOnlyPagesThatAChangeConcerns(t *testing.T) {
	t.Parallel()
	f := newFixture(t, quick) // its loops don't run
	b, ctx := f.server.board, t.Context()
	ids := map[string]string{}
	for _, name := range []string{"bob", "eve", "kim"} {
		ids[name] = f.person(name).ID
	}
	kim := f.arrive(ids["kim"])
	b.look(b.feed.Take())
	if err := b.meet(ctx); err != nil {
		t.Fatal(err)
	}
	end := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "\U0010FFFF\x01m\x01%036d", 0)) // of people without a team
	pages := map[string]*page{}
	for name, q := range map[string]boardQuery{
		"all": {}, "bo": {search: "bo"}, "zo qu": {search: "zo qu"}, "six": {search: "a b c d e f"},
		"Design": {team: "Design"}, "Design zo": {team: "Design", search: "zo"}, "after m": {after: end}, "before m": {before: end},
		"zo after m": {search: "zo", after: end}, "zo before m": {search: "zo", before: end},
		"offline zo": {search: "zo", state: "offline"}, "offline x": {search: "x", state: "offline"},
		"online": {state: "online"}, "online x": {search: "x", state: "online"},
	} {
		pages[name] = f.watchedPage(q)
	}
	for _, step := range []struct {
		what   string
		change func() error
		want   []string
	}{
		{"somebody signs up", func() error { f.person("zoe"); return nil },
			[]string{"after m", "all", "offline zo", "online", "zo after m"}},
		{"somebody gets a name that is searched for", func() error { return f.store.Rename(ctx, ids["bob"], "Zora Quist") },
			[]string{"after m", "all", "before m", "bo", "offline zo", "online", "zo after m", "zo qu"}},
		{"and moves to another team", func() error { return f.store.SetTeam(ctx, ids["bob"], "Design") },
			[]string{"Design", "Design zo", "after m", "all", "before m", "bo", "offline zo", "online", "zo after m", "zo before m",
				"zo qu"}},
		{"somebody sets a status",
			func() error { return f.store.SetWord(ctx, ids["eve"], accounts.Word{Text: "busy"}, "") }, nil},
		{"somebody leaves", func() error { kim.Leave(presence.SignedOut); return nil }, []string{"online"}},
	} {
		for name, p := range pages {
			if _, err := b.reload(ctx, p.query); err != nil {
				t.Fatal(err)
			}
			if got := f.stalePages(map[string]*page{name: p}); got != nil {
				t.Fatalf("%s: page %q is stale as read", step.what, name)
			}
		}
		if err := step.change(); err != nil {
			t.Fatal(err)
		}
		if err := b.catchUp(ctx); err != nil {
			t.Fatal(err)
		}
		b.look(b.feed.Take())
		if got := f.stalePages(pages); !slices.Equal(got, step.want) {
			t.Errorf("%s: the pages to be read again are %q, want %q", step.what, got, step.want)
		}
	}
}

// TestCostlyPagesKeepNobodyWaiting: the loop that learns of changes reads cheap pages itself and leaves costly ones to a
// loop of their own, which takes first what has waited longest for what it costs.
func TestCostlyPagesKeepNobodyWaiting(t *testing.T) {
	t.Parallel()
	f := newFixture(t, quick) // its loops don't run
	b, ctx := f.server.board, t.Context()
	f.person("ada")
	now := time.Now()
	pages := map[string]*page{}
	for name, is := range map[string]struct{ cost, waits time.Duration }{
		"cheap": {0, 0}, "less": {50 * time.Millisecond, time.Second},
		"early": {time.Second, 10 * time.Second}, "late": {time.Second, 9 * time.Second},
	} {
		p := f.watchedPage(boardQuery{search: "a " + name})
		b.mu.Lock()
		b.staleLocked(p)
		p.cost, p.staleSince = is.cost, now.Add(-is.waits)
		b.mu.Unlock()
		pages[name] = p
	}
	if left, err := b.reread(ctx); left != 0 || err != nil {
		t.Fatalf("reread = %d, %v, want 0 cheap pages left", left, err)
	}
	if got, want := f.stalePages(pages), []string{"early", "late", "less"}; !slices.Equal(got, want) {
		t.Errorf("after the loop for cheap pages %q are to be read, want %q", got, want)
	}
	var order []string
	stale, _ := b.stalePages(true)
	for _, p := range stale {
		order = append(order, p.query.search)
	}
	if want := []string{"a less", "a early", "a late"}; !slices.Equal(order, want) {
		t.Errorf("costly pages are read in the order %q, want %q", order, want)
	}
}

// BenchmarkNewcomerAmongSearches tells how long a newcomer takes to get onto the page of their team while others watch
// searches that are costly: of six words, each of which everybody has in their name.
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
	l := newLiveBoard(b)
	people := make([]accounts.NewUser, 20_000)
	for i := range people {
		people[i] = accounts.NewUser{
			Username: fmt.Sprintf("p%05d", i), PasswordHash: someHash,
			DisplayName: fmt.Sprintf("Anna Berta Carla Dora Emma Frida %05d", i),
		}
	}
	if err := l.store.Import(b.Context(), people); err != nil {
		b.Fatal(err)
	}
	for i := range searches {
		l.watchedPage(boardQuery{search: fmt.Sprintf("a b c d e %0*d", 1+i/10%5, i%10)})
	}
	team := l.open(l.member("ada"), "/?team=Design", "a")
	var most time.Duration
	for i := 0; b.Loop(); i++ {
		name := fmt.Sprintf("new%05d", i)
		newcomer := accounts.NewUser{Username: name, Team: "Design", PasswordHash: someHash}
		if found {
			newcomer.DisplayName = fmt.Sprintf("Anna Berta Carla Dora Emma 0 00 000 0000 00000 1 2 3 4 %d", i)
		}
		start := time.Now()
		if _, err := l.store.Create(b.Context(), newcomer); err != nil {
			b.Fatal(err)
		}
		team.sees(name, "offline")
		most = max(most, time.Since(start))
	}
	b.ReportMetric(float64(most.Milliseconds()), "ms-longest")
}
