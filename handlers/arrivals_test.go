package handlers

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"rollcall/accounts"
	"rollcall/presence"
)

var arrivedPattern = regexp.MustCompile(`id="arrived" value="(\d+)"`)

// arrived returns the last number of arrivals that the tab received.
func (tb *tab) arrived() string {
	m := arrivedPattern.FindStringSubmatch(tb.text["arrived"])
	if m == nil {
		return ""
	}
	return m[1]
}

// TestArrivalsOutsideThePage: the page counts people who come online on other pages of the list, and nobody else.
func TestArrivalsOutsideThePage(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	people := make([]accounts.NewUser, 450)
	for i := range people {
		people[i] = accounts.NewUser{Username: fmt.Sprintf("p%03d", i), Team: []string{"Design", "Platform"}[i%2],
			PasswordHash: someHash}
	}
	if _, err := l.store.Import(acting(t.Context()), people); err != nil {
		t.Fatal(err)
	}
	ada := l.member("ada")
	l.open(ada, "/?q=ada", "a").sees("ada", "online")
	first := l.open(ada, "/?show=everyone", "a")
	search := l.open(ada, "/?q=p44", "a")
	design, platform := l.open(ada, "/?show=everyone&team=Design", "a"), l.open(ada, "/?show=everyone&team=Platform", "a")
	join := func(name string) *presence.Connection {
		return l.server.cfg.Presence.Join(l.uid(name), presence.Client{}, presence.Activity{})
	}
	join("p000") // on the first page
	first.sees("p000", "online")
	join("p448") // Design, the last of its second page
	join("p449") // Platform, likewise
	c := join("p447")
	first.until("three on other pages", func() bool { return first.arrived() == "3" })
	design.until("one of the team", func() bool { return design.arrived() == "1" })
	platform.until("two of the team", func() bool { return platform.arrived() == "2" })
	search.until("a person who matches the search is on its page",
		func() bool { return search.shownLocked()["p448"] == "online" })
	if got := search.arrived(); got != "" {
		t.Errorf("a search page received %s arrivals, want none", got)
	}
	c.Leave(presence.SignedOut)
	first.until("p447 left", func() bool { return first.text["n-online"] == "4" })
	if got := first.arrived(); got != "3" {
		t.Errorf("after one person left, arrived = %s, want 3: the number only grows", got)
	}
	if body := ada.get("/?show=everyone").body; !strings.Contains(body, `id="arrived" value="3"`) ||
		!strings.Contains(body, `id="more" href="?show=here" hidden`) {
		t.Error("a page that is loaded now doesn't start counting at 3")
	}
}

// TestTeamPage: a team's page counts only the people of that team, and updates the counts.
func TestTeamPage(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	ada := l.member("ada")
	for name, team := range map[string]string{"ada": "Design", "bob": "Design", "cat": "Platform"} {
		if name != "ada" {
			l.person(name)
		}
		if err := l.store.SetTeam(acting(t.Context()), l.uid(name), team); err != nil {
			t.Fatal(err)
		}
	}
	page := l.open(ada, "/?team=design", "a")
	whole := l.open(ada, "/", "a")
	numbers := func(all, online, away, offline string) {
		t.Helper()
		page.until("the team's numbers", func() bool {
			return page.text["n-all"] == all && page.text["n-online"] == online && page.text["n-away"] == away &&
				page.text["n-offline"] == offline
		})
	}
	numbers("2", "1", "0", "1")
	l.server.cfg.Presence.Join(l.uid("cat"), presence.Client{}, presence.Activity{})
	whole.until("cat is counted among all", func() bool { return whole.text["n-online"] == "2" })
	bob := l.server.cfg.Presence.Join(l.uid("bob"), presence.Client{Phone: true}, presence.Activity{})
	numbers("2", "2", "0", "0")
	bob.Record(presence.Activity{Hidden: true, Ago: presence.NoInput})
	numbers("2", "1", "1", "0")
	if err := l.store.SetTeam(acting(t.Context()), l.uid("bob"), "Platform"); err != nil {
		t.Fatal(err)
	}
	numbers("1", "1", "0", "0")
	bob.Leave(presence.SignedOut)
	whole.until("bob left", func() bool { return whole.text["n-offline"] == "1" })
	fresh := ada.load("/?team=Platform")
	if got, want := fresh.text["headline"]+fresh.text["summary"],
		"1 person is here</span>"; !strings.Contains(got, want) || !strings.HasSuffix(got, "of 2 in Platform") {
		t.Errorf("the page of Platform says %q, want %q of 2", got, want)
	}
	if body := ada.get("/?team=Platform").body; !strings.Contains(body, "<title>1 here · Platform · Rollcall</title>") {
		t.Error("the title of a team's page doesn't have the team's name")
	}
}
