package handlers

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/olahol/melody"

	"rollcall/accounts"
	"rollcall/presence"
)

// TestRandomHistoryOfTheBoard makes random changes while tabs on several pages watch: people come, go, sign up, rename
// themselves and set statuses. In the end, each tab, updated by frames, must equal a fresh page.
func TestRandomHistoryOfTheBoard(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 3))
	t.Logf("seed %d", seed)
	ada := l.member("ada")
	targets := []string{"/", "/?q=p", "/?team=Design", "/?show=here", "/?show=online", "/?show=offline"}
	var watchers []*tab
	for _, target := range targets {
		watchers = append(watchers, l.open(ada, target, "a"))
	}
	var names []string
	browsers, tabs := map[string]*browser{}, map[string][]*tab{}
	for step := range 150 {
		if step%10 == 0 {
			name := fmt.Sprintf("p%02d", len(names))
			names = append(names, name)
			browsers[name] = l.member(name)
		}
		name := names[r.IntN(len(names))]
		user, err := l.store.UserByName(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		open := tabs[name]
		switch r.IntN(8) {
		case 0, 1, 2:
			if len(open) < 3 {
				tabs[name] = append(open, l.open(browsers[name], "/", []string{"a", "i5000", "h3"}[r.IntN(3)]))
			}
		case 3, 4:
			if len(open) > 0 {
				open[0].leave()
				tabs[name] = open[1:]
			}
		case 5:
			err = l.store.Rename(acting(t.Context()), user.ID, fmt.Sprintf("Person %c%d", 'A'+r.IntN(26), step))
		case 6:
			err = l.store.SetTeam(acting(t.Context()), user.ID, []string{"", "Design", "Platform"}[r.IntN(3)])
		case 7:
			err = l.store.SetStatus(acting(t.Context()), user.ID, accounts.Status{State: "dnd", Text: fmt.Sprint("step ", step)},
				"")
		}
		if err != nil {
			t.Fatalf("step %d: %v", step, err)
		}
		if r.IntN(4) == 0 {
			time.Sleep(time.Duration(r.IntN(120)) * time.Millisecond) // so that some changes share a flush and some don't
		}
	}
	for i, w := range watchers {
		w.until("the same as a fresh page of "+targets[i], func() bool {
			fresh := ada.load(targets[i])
			return untimed(fresh.rows) == untimed(w.rows) &&
				(w.text["n-online"] == "" || w.text["n-online"] == fresh.text["n-online"] && w.text["n-all"] == fresh.text["n-all"])
		})
	}
}

// untimed returns rows without the texts of times, which brief rows leave to the script.
func untimed(rows map[string]string) string {
	return regexp.MustCompile(`(<time [^>]*>)[^<]*`).ReplaceAllString(fmt.Sprint(rows), "$1")
}

// TestOneFrameForEachChange: a page gets no more frames than there are changes.
func TestOneFrameForEachChange(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	a := l.open(l.member("ada"), "/", "a")
	a.sees("ada", "online")
	var people []*browser
	for i := range 20 {
		people = append(people, l.member(fmt.Sprintf("p%02d", i)))
	}
	a.sees("p19", "offline")
	before := a.frameCount()
	for _, p := range people {
		l.bare(p, "/ws")
	}
	for i := range people {
		a.sees(fmt.Sprintf("p%02d", i), "online")
	}
	most := len(people) + 2 // one for each, and one for ada's own state
	if got := a.frameCount() - before; got > most {
		t.Errorf("20 arrivals made %d frames, want at most %d", got, most)
	}
}

func TestWarming(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t, func(cfg *Config) {
		p := presence.DefaultConfig()
		p.Warming, p.GraceClean = 3*time.Second, 30*time.Millisecond
		cfg.Presence.Close()
		cfg.Presence = presence.NewTracker(p)
	})
	ada, bob := l.member("ada"), l.member("bob")
	l.person("gone")
	old := newTab(t) // a page from before the restart, which shows bob's state at that time
	old.list(`<li class="p" id="u-1" data-user="ada" data-state="online"></li><li class="p" id="u-2" data-user="bob" data-state="dnd"></li>`)
	l.dial(ada, old, "/ws?v=before-1")
	old.say("a")
	old.until("people are coming back", func() bool { return strings.Contains(old.text["warming"], "coming back") })
	loaded := l.open(ada, "/", "a")
	loaded.until("ada is back, and counted", func() bool {
		return loaded.shownLocked()["ada"] == "online" && loaded.text["n-online"] == "1" &&
			strings.Contains(loaded.text["headline"], ">1 person is here so far<")
	})
	fleeting := l.open(bob, "/", "a")
	loaded.until("bob is back, and counted", func() bool {
		return loaded.shownLocked()["bob"] == "online" && loaded.text["n-online"] == "2" &&
			strings.Contains(loaded.text["headline"], ">2 people are here so far<")
	})
	fleeting.leave()
	old.sees("gone", "offline") // at the end of warming
	loaded.sees("gone", "offline")
	old.sees("bob", "offline")
	old.until("the end of warming", func() bool { return old.text["warming"] == "" && old.text["n-all"] == "3" })
	if got, want := old.history("bob"), []string{"dnd", "offline"}; !slices.Equal(got, want) {
		t.Errorf("the old page showed bob as %v, want %v: it keeps its states until warming ends", got, want)
	}
}

func TestDrain(t *testing.T) {
	l := newLiveBoard(t)
	ada := l.member("ada")
	a, b := l.open(ada, "/", "a"), l.open(l.member("bob"), "/", "a")
	a.sees("bob", "online")
	l.server.Drain(t.Context())
	a.wantClose(melody.CloseServiceRestart)
	b.wantClose(melody.CloseServiceRestart)
	if got := a.history("bob"); slices.Contains(got[1:], "offline") {
		t.Errorf("while draining, ada was shown bob as %v, want never offline", got)
	}
	if _, resp, err := l.dialErr(ada, "/ws", nil); err == nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a socket while draining = %v, want 503", resp)
	}
	wantStatus(t, "/readyz while draining", ada.get("/readyz"), http.StatusServiceUnavailable)
}
