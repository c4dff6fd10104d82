package handlers

import (
	"strings"
	"testing"

	"rollcall/accounts"
)

// prefer sets how precisely others see when name was last online.
func (l *liveBoard) prefer(name, showLastSeen string) {
	l.t.Helper()
	if err := l.store.ChangePreferences(acting(l.t.Context()), l.uid(name),
		func(p *accounts.Preferences) { *p = accounts.Preferences{ShowLastSeen: showLastSeen} }); err != nil {
		l.t.Fatal(err)
	}
}

// TestLastSeenIsReciprocal: people who hide when they were last online don't see it of others, in pages or frames. When
// they show theirs again, they see it of others without a reload.
func TestLastSeenIsReciprocal(t *testing.T) {
	l := newLiveBoard(t)
	ada, eve := l.member("ada"), l.member("eve")
	bob := l.open(l.member("bob"), "/", "a")
	a, e := l.open(ada, "/", "a"), l.open(eve, "/", "a")
	l.prefer("eve", accounts.Nobody)
	eve.load("/") // the board has read it
	bob.leave()
	a.until("bob seen today", func() bool { return strings.Contains(a.rows["bob"], "Offline</b> <span>seen today") })
	e.until("bob offline, without last seen", func() bool { return strings.Contains(e.rows["bob"], "<b>Offline</b></p>") })
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
	a.until("eve's own is exact", func() bool { return strings.Contains(a.rows["eve"], `<span>seen <time class="seen"`) })
	l.prefer("eve", accounts.Nobody)
	a.until("eve's own is hidden", func() bool { return strings.Contains(a.rows["eve"], "<b>Offline</b></p>") })
}
