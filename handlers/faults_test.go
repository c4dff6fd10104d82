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
	if err := f.store.Import(acting(f.t.Context()), people); err != nil {
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
	here, before := map[string]bool{}, l.server.live.Stats().Present
	for _, u := range l.everybody() {
		if pick(u.Username) {
			l.arrive(u.ID)
			here[u.ID] = true
		}
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		met := l.server.live.Stats().Present - before
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
		if err := l.store.SetDisabled(acting(t.Context()), bob.ID, true); err != nil {
			t.Fatal(err)
		}
		a.until("bob gone", func() bool { return a.rows["bob"] == "" && a.text["n-all"] == "1" })
		if err := l.store.SetDisabled(acting(t.Context()), bob.ID, false); err != nil {
			t.Fatal(err)
		}
		a.until("bob back", func() bool { return a.rows["bob"] != "" && a.text["n-all"] == "2" })
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
	run(`ALTER TABLE search_words RENAME TO hidden_words`)
	l.open(bob, "/", "a")
	a.until("the failure", func() bool { return len(l.logs.lines("accounts cannot be read")) > 0 })
	run(`ALTER TABLE hidden_words RENAME TO search_words`)
	a.until("bob off the page", func() bool { return a.rows["bob"] == "" })
}

// TestSparePagesAreDropped: pages that were watched do not stay for ever.
func TestSparePagesAreDropped(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t, func(c *Config) { c.Limits.SocketsUser = 0 })
	l.crowd(30, "p")
	eve := l.member("eve")
	const spare = 64 // lists that are kept without watchers
	var tabs []*tab
	for i := range spare + 60 {
		cursor := base64.RawURLEncoding.EncodeToString([]byte(fmt.Sprintf("\U0010FFFF\x01a%05d\x01%036d", i, i)))
		tabs = append(tabs, l.bare(eve, "/ws?after="+cursor))
	}
	for _, tb := range tabs {
		tb.leave()
	}
	tabs[0].until("the pages to be dropped", func() bool { return l.server.live.Stats().Lists <= spare })
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

// TestTotalsReachOpenPages, also when somebody's page load learnt of a sign-up first.
func TestTotalsReachOpenPages(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	ada := l.member("ada")
	a := l.open(ada, "/", "a")
	other, err := accounts.Open(t.Context(), accounts.Config{Path: l.path, Log: l.server.log, Actor: accounts.CommandLine})
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
