package handlers

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// prefer sets how exactly name's last seen is told.
func (l *liveBoard) prefer(name, precision string) {
	l.t.Helper()
	if err := l.store.SetPreferences(l.t.Context(), l.uid(name), accounts.Preferences{Precision: precision}); err != nil {
		l.t.Fatal(err)
	}
}

// TestLastSeenIsReciprocal: who hides theirs is not sent that of others, by pages or by frames, and gets it back with
// the change of mind, without a reload.
func TestLastSeenIsReciprocal(t *testing.T) {
	l := newLiveBoard(t)
	ada, eve := l.member("ada"), l.member("eve")
	bob := l.open(l.member("bob"), "/", "a")
	a, e := l.open(ada, "/", "a"), l.open(eve, "/", "a")
	l.prefer("eve", accounts.Nobody)
	bob.leave()
	a.until("bob seen today", func() bool { return strings.Contains(a.rows["bob"], "Offline</b> · seen today") })
	e.until("bob offline, and no more", func() bool { return strings.Contains(e.rows["bob"], "<b>Offline</b></p>") })
	fresh := eve.load("/")
	if strings.Contains(fresh.rows["bob"], "seen") {
		t.Errorf("eve, who hides her last seen, loads %s", fresh.rows["bob"])
	}
	if got := eve.load("/?q=bob"); strings.Contains(got.rows["bob"], "seen") {
		t.Errorf("eve, who hides her last seen, finds %s", got.rows["bob"])
	}
	for _, frame := range e.framesFrom(1) { // the first list was before she hid hers
		if strings.Contains(frame, "seen today") {
			t.Errorf("eve, who hides her last seen, was sent %s", frame)
		}
	}
	l.prefer("eve", accounts.Exact)
	e.until("bob's last seen is back", func() bool { return strings.Contains(e.rows["bob"], "seen today") })
	e.leave()
	a.until("eve's own is exact", func() bool { return strings.Contains(a.rows["eve"], `· seen <time class="seen"`) })
	l.prefer("eve", accounts.Nobody)
	a.until("eve's own is hidden", func() bool { return strings.Contains(a.rows["eve"], "<b>Offline</b></p>") })
}

// TestSightsShareFrames: what two renderings have in common is rendered once, and who is told less is not sent frames
// about what they are not told.
func TestSightsShareFrames(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	ada, eve := l.member("ada"), l.member("eve")
	l.person("bob")
	l.prefer("eve", accounts.Nobody)
	a, e := l.open(ada, "/", "a"), l.open(eve, "/", "a")
	a.sees("eve", "online")
	e.sees("ada", "online")
	b := l.server.board
	b.mu.Lock()
	for name, id := range map[string]string{"ada": l.uid("ada"), "bob": l.uid("bob")} {
		c := b.cards[id]
		if one, other := b.renderLocked(c, full), b.renderLocked(c, reticent); &one[0] != &other[0] {
			t.Errorf("the two renderings of %s, of whom no last seen is told, are not the same bytes", name)
		}
	}
	b.mu.Unlock()
	before := e.frameCount()
	bob := b.presence.Join(l.uid("bob"), presence.Client{}, presence.Activity{})
	a.sees("bob", "online")
	e.sees("bob", "online")
	bob.Leave(presence.SignedOut)
	a.until("bob was seen", func() bool { return strings.Contains(a.rows["bob"], "seen today") })
	e.sees("bob", "offline")
	mid := e.frameCount()
	if mid == before {
		t.Fatal("eve was sent nothing of bob's coming and going")
	}
	l.prefer("bob", accounts.Exact)
	a.until("bob's exact time", func() bool { return strings.Contains(a.rows["bob"], `class="seen"`) })
	l.person("zoe")
	e.sees("zoe", "offline")
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, frame := range e.frames[mid:] {
		if strings.Contains(frame, `<hx-partial id="u-`+l.uid("bob")) {
			t.Errorf("eve was sent a row of bob's in which nothing is new to her: %s", frame)
		}
	}
	if fmt.Sprint(e.shownLocked()["bob"]) != "offline" {
		t.Errorf("eve sees bob %s, want offline", e.shownLocked()["bob"])
	}
}

// seenOnly gives bob another last seen, and nothing else, without telling anybody yet.
func (l *liveBoard) seenOnly(name string, ago time.Duration) {
	l.t.Helper()
	b := l.server.board
	b.mu.Lock()
	defer b.mu.Unlock()
	c := b.cards[l.uid(name)]
	c.person.LastSeen = time.Now().Add(-ago)
	b.redrawLocked(c)
}

// TestRollOverTellsTheReticentNothing: that "today" has become "this week" makes no frame for who is not told either,
// not even one with nothing new in it, and be it the whole list.
func TestRollOverTellsTheReticentNothing(t *testing.T) {
	t.Parallel()
	l := newLiveBoard(t)
	eve := l.member("eve")
	for _, name := range []string{"bob", "cat", "dan"} {
		l.person(name)
	}
	l.prefer("eve", accounts.Nobody)
	e, a := l.open(eve, "/", "a"), l.open(l.member("ada"), "/", "a")
	e.sees("ada", "online")
	seen := func(name, when string) {
		t.Helper()
		a.until(name+" seen "+when, func() bool { return strings.Contains(a.rows[name], "· seen "+when+"<") })
	}
	l.seenOnly("bob", time.Hour)
	seen("bob", "today")
	before := e.frameCount()
	l.seenOnly("bob", 2*time.Hour) // the same word
	l.seenOnly("bob", 48*time.Hour)
	seen("bob", "this week")
	b := l.server.board
	b.mu.Lock() // all three in one flush
	for _, name := range []string{"bob", "cat", "dan"} {
		c := b.cards[l.uid(name)]
		c.person.LastSeen = time.Now().Add(-10 * 24 * time.Hour)
		b.redrawLocked(c)
	}
	b.mu.Unlock()
	seen("dan", "this month")
	l.person("zoe")
	e.sees("zoe", "offline")
	e.mu.Lock()
	defer e.mu.Unlock()
	if got := e.frames[before:]; len(got) != 1 {
		t.Errorf("eve, who is not told when others were last seen, was sent %d frames, want zoe's alone: %q", len(got), got)
	}
}

// TestSeenOnlyIsNews: a change that no watcher is told of makes tabs old all the same that are.
func TestSeenOnlyIsNews(t *testing.T) {
	l := newLiveBoard(t)
	eve, ada := l.member("eve"), l.member("ada")
	l.person("bob")
	l.prefer("eve", accounts.Nobody)
	e := l.open(eve, "/", "a")
	e.sees("eve", "online")
	l.seenOnly("bob", time.Hour)
	e.until("calm", func() bool { return !l.server.board.unsent.Load() })
	loaded := ada.load("/")
	if !strings.Contains(loaded.rows["bob"], "seen today") {
		t.Fatalf("ada loads %s, want seen today", loaded.rows["bob"])
	}
	l.seenOnly("bob", 48*time.Hour)
	e.until("calm", func() bool { return !l.server.board.unsent.Load() })
	l.dial(ada, loaded, loaded.text["socket"])
	loaded.until("bob was seen this week", func() bool { return strings.Contains(loaded.rows["bob"], "seen this week") })
}

// TestSightThatChangesWhileASocketOpens: a tab that comes back just as its person hides theirs is told less at once.
func TestSightThatChangesWhileASocketOpens(t *testing.T) {
	l := newLiveBoard(t)
	eve := l.member("eve")
	l.person("bob")
	l.open(eve, "/", "a").sees("eve", "online")
	l.seenOnly("bob", time.Hour)
	b := l.server.board
	b.mu.Lock()
	p := b.cards[l.uid("eve")].person
	p.Precision = accounts.Nobody
	b.looks += 2       // or eve, of whom no page was read for long, would be read anew, as the store has her
	b.refreshLocked(p) // the follower was told just before the socket enters
	b.mu.Unlock()
	late := l.bare(eve, "/ws")
	late.sees("bob", "offline")
	if strings.Contains(late.rows["bob"], "seen") {
		t.Errorf("eve, who hides her last seen, was sent %s", late.rows["bob"])
	}
}
