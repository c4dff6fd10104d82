package handlers

import (
	"database/sql"
	"encoding/base64"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// Each of these was a fault of an earlier board.

// crowd adds n people with usernames that begin with prefix.
func (f *fixture) crowd(n int, prefix string) {
	f.t.Helper()
	people := make([]accounts.NewUser, n)
	for i := range people {
		people[i] = accounts.NewUser{Username: fmt.Sprintf("%s%05d", prefix, i), PasswordHash: someHash}
	}
	if err := f.store.Import(f.t.Context(), people); err != nil {
		f.t.Fatal(err)
	}
}

// everybody lists the accounts.
func (f *fixture) everybody() (all []accounts.User) {
	f.t.Helper()
	for after := ""; ; {
		users, err := f.store.Users(f.t.Context(), after, 1000)
		if err != nil {
			f.t.Fatal(err)
		}
		if len(users) == 0 {
			return all
		}
		all = append(all, users...)
		after = users[len(users)-1].Username
	}
}

func (f *fixture) arrive(user string) *presence.Connection {
	return f.server.cfg.Presence.Join(user, presence.Client{}, presence.Activity{})
}

// gather has the users among the accounts for whom pick is true arrive, and waits until the board has met them.
func (l *liveBoard) gather(pick func(username string) bool) {
	l.t.Helper()
	here := map[string]bool{}
	for _, u := range l.everybody() {
		if pick(u.Username) {
			l.arrive(u.ID)
			here[u.ID] = true
		}
	}
	b := l.server.board
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		b.mu.Lock()
		met := 0
		for _, c := range b.present {
			if here[c.person.ID] {
				met++
			}
		}
		b.mu.Unlock()
		if met == len(here) {
			return
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("the board has met %d of %d who arrived", met, len(here))
		}
	}
}

// link is the address behind a rel link, "" for none.
func link(body, rel string) string {
	_, rest, found := strings.Cut(body, `rel="`+rel+`" href="`)
	if !found {
		return ""
	}
	href, _, _ := strings.Cut(rest, `"`)
	return strings.ReplaceAll(href, "&amp;", "&")
}

// TestEnabledAgain: a page that nobody watched once kept disabled people off the board for good.
func TestEnabledAgain(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	ada := l.member("ada")
	a := l.open(ada, "/", "a")
	bob := l.person("bob")
	a.sees("bob", "offline")
	ada.load("/?q=bob")
	for range 2 {
		if err := l.store.SetDisabled(t.Context(), bob.ID, true); err != nil {
			t.Fatal(err)
		}
		a.until("bob gone", func() bool { return a.rows["bob"] == "" && a.text["n-all"] == "1" })
		if err := l.store.SetDisabled(t.Context(), bob.ID, false); err != nil {
			t.Fatal(err)
		}
		a.until("bob back", func() bool { return a.rows["bob"] != "" && a.text["n-all"] == "2" })
	}
}

// TestArrivalBetweenChangeAndLook: a page load that comes in between must not swallow the news.
func TestArrivalBetweenChangeAndLook(t *testing.T) {
	f := newFixture(t, quick) // its loops do not run: we are the loop
	b, ctx := f.server.board, t.Context()
	bob := f.person("bob")
	watched, err := b.load(ctx, boardQuery{state: "online"})
	if err != nil {
		t.Fatal(err)
	}
	f.arrive(bob.ID)
	if _, err := b.load(ctx, boardQuery{}); err != nil {
		t.Fatal(err)
	}
	b.look(b.feed.Take())
	b.mu.Lock()
	defer b.mu.Unlock()
	if !watched.stale() {
		t.Error("the page of online people was not marked by the arrival of somebody who is online")
	}
}

func TestSignOutAfterReload(t *testing.T) {
	l := newLiveBoard(t, func(cfg *Config) {
		p := presence.DefaultConfig()
		p.Warming, p.GraceClean, p.GraceDropped = 0, time.Hour, time.Hour
		cfg.Presence.Close()
		cfg.Presence = presence.NewTracker(p)
	})
	a := l.open(l.member("ada"), "/", "a")
	bob := l.member("bob")
	before := l.open(bob, "/", "a")
	a.sees("bob", "online")
	before.leave()
	l.open(bob, "/", "a")
	wantRedirect(t, "sign out", bob.do("POST", "/logout", url.Values{}), "/login")
	a.sees("bob", "offline") // and not in an hour
}

// TestPagesOfPresentPeople walks forth and back: no link leads to nobody.
func TestPagesOfPresentPeople(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	l.crowd(450, "p")
	l.gather(func(string) bool { return true })
	ada := l.member("ada")
	at, seen := "/?state=online", 0
	var pages []answer
	for at != "" && len(pages) < 5 {
		a := ada.get(at)
		pages = append(pages, a)
		seen += strings.Count(a.body, "data-user=")
		at = link(a.body, "next")
	}
	if seen != 450 || len(pages) != 3 {
		t.Fatalf("%d pages list %d people, want 3 and 450", len(pages), seen)
	}
	second := ada.get(link(pages[2].body, "prev"))
	first := ada.get(link(second.body, "prev"))
	if n := strings.Count(first.body, "data-user="); n != 200 || link(first.body, "prev") != "" || link(first.body, "next") == "" {
		t.Errorf("the first page, coming back, lists %d people, prev %q, next %q; want 200, none, some", n, link(first.body, "prev"), link(first.body, "next"))
	}
}

// TestSearchAmongThePresent: who is here is found at once, however far behind on the board.
func TestSearchAmongThePresent(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	l.crowd(2300, "p")
	l.gather(func(name string) bool { return name == "p02250" || name == "p02299" })
	ada := l.member("ada")
	for target, want := range map[string]int{"/?q=p&state=online": 2, "/?q=p02299&state=online": 1, "/?q=p022&state=away": 0, "/?q=x&state=online": 0} {
		a := ada.get(target)
		if n := strings.Count(a.body, "data-user="); n != want || link(a.body, "next") != "" {
			t.Errorf("GET %s lists %d people and leads on to %q, want %d and nothing", target, n, link(a.body, "next"), want)
		}
	}
}

// TestOfflinePeopleBehindManyPresent: the filter reads a bounded stretch, and its links lead on to everybody all the same.
func TestOfflinePeopleBehindManyPresent(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	l.crowd(2300, "p")
	l.gather(func(name string) bool { return name < "p02100" && name != "p00050" })
	ada := l.member("ada") // offline, like 200 others and p00050
	found := map[string]bool{}
	at := "/?state=offline"
	for range 10 {
		if at == "" {
			break
		}
		a := ada.get(at)
		for _, m := range userPattern.FindAllStringSubmatch(a.body, -1) {
			found[m[1]] = true
		}
		at = link(a.body, "next")
	}
	if len(found) != 202 {
		t.Errorf("following all links lists %d offline people, want 202", len(found))
	}
}

// TestFailedReadingIsRepeated: the disk hiccups once while a page must be read anew.
func TestFailedReadingIsRepeated(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	a := l.open(l.member("ada"), "/?q=bob&state=offline", "a")
	bob := l.member("bob")
	a.sees("bob", "offline")
	db, err := sql.Open("sqlite", l.path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	run := func(text string) {
		t.Helper()
		if _, err := db.Exec(text); err != nil {
			t.Fatal(err)
		}
	}
	a.until("counts", func() bool { return a.text["n-all"] == "2" })
	run(`ALTER TABLE name_words RENAME TO hidden_words`)
	l.open(bob, "/", "a")
	a.until("the failure", func() bool { return len(l.logs.lines("accounts cannot be read")) > 0 })
	run(`ALTER TABLE hidden_words RENAME TO name_words`)
	a.until("bob off the page", func() bool { return a.rows["bob"] == "" })
}

// TestReadAhead: a page that is read before the change is taken in that it already shows must not hide that change from
// the totals and from other pages.
func TestReadAhead(t *testing.T) {
	f := newFixture(t, quick) // its loops do not run
	b, ctx := f.server.board, t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	f.person("ada")
	all, err := b.load(ctx, boardQuery{})
	must(err)
	bob := f.person("bob")
	search := boardQuery{search: "bob"}
	_, err = b.reload(ctx, search)
	must(err)
	must(b.catchUp(ctx))
	must(b.refreshTally(ctx))
	b.mu.Lock()
	if b.tally.total != 2 || !all.stale() {
		t.Errorf("after a sign-up that a page was read with, %d people are counted and the other page is stale: %t, want 2, true", b.tally.total, all.stale())
	}
	b.mu.Unlock()

	_, err = b.load(ctx, boardQuery{})
	must(err)
	must(f.store.SetTeam(ctx, bob.ID, "Design"))
	_, err = b.reload(ctx, search)
	must(err)
	must(b.catchUp(ctx))
	must(b.refreshTally(ctx))
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := b.tally.people[accounts.Person{Team: "Design"}.TeamKey()]; n != 1 || !all.stale() {
		t.Errorf("after a move that a page was read with, %d people are counted in the team and the other page is stale: %t, want 1, true", n, all.stale())
	}
}

// TestReset: after more changes than are kept, nothing of before may stay.
func TestReset(t *testing.T) {
	t.Parallel()
	f := newFixture(t, quick)
	b, ctx := f.server.board, t.Context()
	bob, eve, kim := f.person("bob"), f.person("eve"), f.person("kim")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, u := range []string{bob.ID, eve.ID, kim.ID} {
		f.arrive(u)
	}
	must(f.store.SetInvisible(ctx, kim.ID, true))
	must(b.catchUp(ctx))
	b.look(b.feed.Take())
	must(b.meet(ctx))
	must(f.store.SetInvisible(ctx, kim.ID, false))
	must(f.store.SetTeam(ctx, bob.ID, "Design"))
	must(f.store.Rename(ctx, bob.ID, "Robert"))
	must(f.store.Delete(ctx, eve.ID))
	f.crowd(10_001, "p")
	must(b.catchUp(ctx))
	b.look(b.feed.Take())
	must(b.meet(ctx))
	p, err := b.load(ctx, boardQuery{state: "online"})
	must(err)
	var got []string
	for _, c := range p.cards {
		got = append(got, c.person.DisplayName+"/"+c.person.Team)
	}
	if want := "[Robert/Design kim/]"; fmt.Sprint(got) != want || b.presence.Counts().Online != 2 {
		t.Errorf("after the reset the page of online people lists %v and %d are online, want %s", got, b.presence.Counts().Online, want)
	}
}

// TestSparePagesAreDropped: pages that were watched do not stay for ever.
func TestSparePagesAreDropped(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t, func(c *Config) { c.Limits.SocketsUser = 0 })
	l.crowd(30, "p")
	eve := l.member("eve")
	var tabs []*tab
	for i := range sparePages + 60 {
		cursor := base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf("\U0010FFFF\x01a%05d\x01%036d", i, i)))
		tabs = append(tabs, l.bare(eve, "/ws?after="+cursor))
	}
	for _, tb := range tabs {
		tb.leave()
	}
	b := l.server.board
	tabs[0].until("the pages to be dropped", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, p := range b.pages {
			if p.snapshot[full] != nil {
				return false
			}
		}
		return len(b.pages) <= sparePages
	})
}

// TestSecondPageComesToBe: a board that grows past one page says so to pages that are open.
func TestSecondPageComesToBe(t *testing.T) {
	l := newLiveBoard(t)
	l.crowd(199, "p")
	a := l.open(l.member("ada"), "/", "a")
	l.person("zoe")
	a.until("a link to the next page, and links in the place of the filter", func() bool {
		return strings.Contains(a.text["pager"], `rel="next"`) && strings.Contains(a.text["filter"], "state=online") && a.text["n-all"] == "201"
	})
}

// TestSlowStoreDelaysNobody: while SQL hangs, people come and go before everybody's eyes.
func TestSlowStoreDelaysNobody(t *testing.T) {
	l := newLiveBoard(t)
	a := l.open(l.member("ada"), "/", "a")
	b1 := l.open(l.member("bob"), "/", "a")
	a.sees("bob", "online")
	hung := l.server.board.catching.running
	hung <- struct{}{} // as while changes are read from a disk that does not answer
	defer func() { <-hung }()
	b1.leave()
	a.sees("bob", "offline")
}

// TestTotalsReachOpenPages, also when somebody's page load learnt of a sign-up first.
func TestTotalsReachOpenPages(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	ada := l.member("ada")
	a := l.open(ada, "/", "a")
	other, err := accounts.Open(t.Context(), accounts.Config{Path: l.path, Log: l.server.log})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for i := range 10 {
		if _, err := other.Create(t.Context(), accounts.NewUser{Username: fmt.Sprintf("zz%d", i), PasswordHash: someHash}); err != nil {
			t.Fatal(err)
		}
		ada.get("/")
		a.until("the total", func() bool { return a.text["n-all"] == fmt.Sprint(i+2) })
	}
}

// TestReadingThatWasOvertaken is not taken for the newest.
func TestReadingThatWasOvertaken(t *testing.T) {
	f := newFixture(t, quick)
	b, ctx := f.server.board, t.Context()
	bob := f.person("bob")
	p, err := b.load(ctx, boardQuery{})
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	generation, applied := b.generation, b.applied
	b.mu.Unlock()
	old, err := b.read(ctx, p.query)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.store.Rename(ctx, bob.ID, "BOB"); err != nil { // its place stays the same
		t.Fatal(err)
	}
	if err := b.catchUp(ctx); err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	if b.applied == applied {
		t.Error("a change of accounts was applied and not counted: a reading that it overtook would be installed")
	}
	_, _ = b.takeInLocked(p.query, old, generation) // what reload does after its last try
	b.staleLocked(p)
	b.mu.Unlock()
	again, err := b.load(ctx, boardQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if got := again.cards[0].person.DisplayName; got != "BOB" {
		t.Errorf("a page loaded later shows %q, want BOB", got)
	}
}
