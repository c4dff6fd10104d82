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

// These are regression tests.

// crowd adds n people with usernames that begin with prefix.
func (f *fixture) crowd(n int, prefix string) {
	f.t.Helper()
	people := make([]accounts.NewUser, n)
	for i := range people {
		people[i] = accounts.NewUser{Username: fmt.Sprintf("%s%05d", prefix, i), PasswordHash: someHash}
	}
	if _, err := f.store.Import(acting(f.t.Context()), people); err != nil {
		f.t.Fatal(err)
	}
}

// everybody returns all accounts.
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

// gather brings the users whom pick selects online, and waits until the board counts them.
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
		present := l.server.live.Stats().Present - before
		if present == len(here) {
			return
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("the board counts %d of %d people who came online", present, len(here))
		}
	}
}

// link returns the target of a rel link, or "" if there is none.
func link(body, rel string) string {
	_, rest, found := strings.Cut(body, `rel="`+rel+`" href="`)
	if !found {
		return ""
	}
	href, _, _ := strings.Cut(rest, `"`)
	return strings.ReplaceAll(href, "&amp;", "&")
}

// TestEnabledAgain: people who are enabled again must come back, even if an unwatched page of the board is in memory.
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
	a.sees("bob", "offline") // at once, not after the grace period of an hour
}

// TestPagesOfPresentPeople follows the links forward and back: none leads to an empty page.
func TestPagesOfPresentPeople(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	l.crowd(450, "p")
	l.gather(func(string) bool { return true })
	ada := l.member("ada")
	at, seen := "/?show=online", 0
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
	if n := strings.Count(first.body, "data-user="); n != 200 || link(first.body, "prev") != "" ||
		link(first.body, "next") == "" {
		t.Errorf("the first page, coming back, lists %d people, prev %q, next %q; want 200, none, some",
			n, link(first.body, "prev"), link(first.body, "next"))
	}
}

// TestSearchAmongThePresent: a search finds people who are online on its first page, however far down the board they
// are.
func TestSearchAmongThePresent(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	l.crowd(2300, "p")
	l.gather(func(name string) bool { return name == "p02250" || name == "p02299" })
	ada := l.member("ada")
	for target, want := range map[string]int{"/?q=p&show=online": 2, "/?q=p&show=here": 2, "/?q=p0&show=away": 0,
		"/?q=x&show=online": 0} {
		a := ada.get(target)
		if n := strings.Count(a.body, "data-user="); n != want || link(a.body, "next") != "" {
			t.Errorf("GET %s lists %d people with the next link %q, want %d and no link", target, n, link(a.body, "next"), want)
		}
	}
}

// TestOfflinePeopleBehindManyPresent: a filtered page reads a bounded part of the board, and following its links still
// lists everybody.
func TestOfflinePeopleBehindManyPresent(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	l.crowd(2300, "p")
	l.gather(func(name string) bool { return name < "p02100" && name != "p00050" })
	ada := l.member("ada") // offline, like 200 others and p00050
	found := map[string]bool{}
	at := "/?show=offline"
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

// TestFailedReadingIsRepeated: a read of a list that fails is retried.
func TestFailedReadingIsRepeated(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	a := l.bare(l.member("ada"), "/ws?q=bob&show=offline")
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
	a.until("counts", func() bool { return a.text["n-all"] == "1" })
	run(`ALTER TABLE search_words RENAME TO hidden_words`)
	l.open(bob, "/", "a")
	a.until("the failure", func() bool { return len(l.logs.lines("accounts cannot be read")) > 0 })
	run(`ALTER TABLE hidden_words RENAME TO search_words`)
	a.until("bob off the page", func() bool { return a.rows["bob"] == "" })
}

// TestSparePagesAreDropped: pages that nobody watches any more are dropped.
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

// TestSecondPageAppears: when the board grows past one page, open pages get the link to the next page.
func TestSecondPageAppears(t *testing.T) {
	l := newLiveBoard(t)
	l.crowd(199, "p")
	a := l.open(l.member("ada"), "/", "a")
	l.person("zoe")
	a.until("a link to the next page, and a filter that consists of links", func() bool {
		return strings.Contains(a.text["pager"], `rel="next"`) && strings.Contains(a.text["filter"], "show=online") &&
			a.text["n-all"] == "201"
	})
}

// TestTotalsReachOpenPages: open pages get new totals even if somebody's page load saw the sign-up first.
func TestTotalsReachOpenPages(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	ada := l.member("ada")
	a := l.open(ada, "/", "a")
	other, err := accounts.Open(t.Context(), accounts.Config{CheapHashes: true, Path: l.path, Log: l.server.log, Actor: accounts.CommandLine})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for i := range 10 {
		if _, err := other.Create(t.Context(),
			accounts.NewUser{Username: fmt.Sprintf("zz%d", i), PasswordHash: someHash}); err != nil {
			t.Fatal(err)
		}
		ada.get("/")
		a.until("the total", func() bool { return a.text["n-all"] == fmt.Sprint(i+2) })
	}
}
