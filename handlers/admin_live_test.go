package handlers

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"rollcall/accounts"
)

// adminTab is an open page of the administration.
func (l *liveBoard) adminTab(b *browser) *tab {
	l.t.Helper()
	tb := l.open(b, "/admin/people", "a")
	tb.mu.Lock()
	defer tb.mu.Unlock()
	if !strings.Contains(tb.text["socket"], "lists=yes") {
		l.t.Fatalf("the page's socket is %q, want one for lists", tb.text["socket"])
	}
	return tb
}

// lists counts the messages that lists have changed.
func (tb *tab) lists() (n int) {
	for _, frame := range tb.frames {
		if strings.Contains(frame, `id="lists"`) {
			n++
		}
	}
	return n
}

// Open pages of administrators are told when accounts change, by whomever, and nobody else is.
func TestListsAreLive(t *testing.T) {
	l := newLiveBoard(t)
	boss := l.member("boss")
	member := l.member("ada")
	if err := l.store.SetAdmin(acting(t.Context()), l.uid("boss"), true); err != nil {
		t.Fatal(err)
	}
	page := l.adminTab(boss)
	settings, sly := l.open(boss, "/settings", "a"), l.bare(member, "/ws?only=me&lists=yes&v=")
	told := func(what string, act func() error) {
		t.Helper()
		page.until("quiet", func() bool { return len(l.server.sockets.lists.pending) == 0 })
		page.mu.Lock()
		before := page.lists()
		page.mu.Unlock()
		if err := act(); err != nil {
			t.Fatal(err)
		}
		page.until("told of "+what, func() bool { return page.lists() > before })
	}
	told("a new account", func() error { l.person("bob"); return nil })
	told("another name", func() error {
		return l.store.SetProfile(accounts.As(t.Context(), accounts.ByUser(l.uid("ada"))), l.uid("ada"), "Ada", "", true)
	})
	told("an invitation", func() error {
		_, _, err := l.store.Invite(acting(t.Context()), accounts.NewInvitation{Uses: 1, Age: day})
		return err
	})
	told("a setting", func() error {
		return l.store.ChangeSettings(acting(t.Context()), func(s *accounts.Settings) error { s.Teams = accounts.TeamsFixed; return nil })
	})
	for _, other := range []*tab{settings, sly} {
		other.mu.Lock()
		if n := other.lists(); n > 0 {
			t.Errorf("another page was told %d times", n)
		}
		other.mu.Unlock()
		select {
		case <-other.done:
			t.Error("another page was closed")
		default:
		}
	}
}

// Many changes make few messages.
func TestListNewsIsBounded(t *testing.T) {
	l := newLiveBoard(t)
	page := l.adminTab(l.boss("boss"))
	start := time.Now()
	for i := range 40 {
		if err := l.store.SetTeam(acting(t.Context()), l.uid("boss"), string(rune('A'+i%2))); err != nil {
			t.Fatal(err)
		}
		if err := l.server.live.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	page.until("told", func() bool { return page.lists() > 0 })
	page.mu.Lock()
	defer page.mu.Unlock()
	if n, most := page.lists(), 2+int(time.Since(start)/listNewsEvery); n > most {
		t.Errorf("40 changes in %s made %d messages, want at most %d", time.Since(start), n, most)
	}
}

// What people do while they use the board isn't news for administrators, least of all when they are invisible.
func TestPresenceIsNoNewsForAdministrators(t *testing.T) {
	l := newLiveBoard(t)
	bob := l.member("bob")
	boss := l.member("boss")
	if err := l.store.SetAdmin(acting(t.Context()), l.uid("boss"), true); err != nil {
		t.Fatal(err)
	}
	id := l.uid("bob")
	page := l.adminTab(boss)
	if err := l.store.SetTeam(acting(t.Context()), l.uid("boss"), "Ops"); err != nil {
		t.Fatal(err)
	}
	if err := l.server.live.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	page.until("told of what others did", func() bool { return page.lists() > 0 })
	page.until("quiet", func() bool { return len(l.server.sockets.lists.pending) == 0 })
	page.mu.Lock()
	before := page.lists()
	page.mu.Unlock()
	for _, on := range []string{"on", "off", "on"} {
		bob.do("POST", "/me/invisible", url.Values{"invisible": {on}})
		bob.do("POST", "/me/status", url.Values{"text": {"Tea " + on}})
		bob.do("POST", "/settings/presence", url.Values{"last_seen": {"exact"}})
		tb := l.open(bob, "/", "a")
		tb.until("bob's own state", func() bool { return tb.text["me-why"] != "" })
		tb.leave()
		if err := l.store.SetPassword(accounts.As(t.Context(), accounts.ByUser(id)), id, "another password "+on, ""); err != nil {
			t.Fatal(err)
		}
		bob.enter("bob")
		if err := l.server.live.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(l.server.sockets.lists.pending); n > 0 {
		t.Error("what bob did is about to be told")
	}
	page.mu.Lock()
	defer page.mu.Unlock()
	if n := page.lists() - before; n > 0 {
		t.Errorf("what bob did was told %d times:\n%q", n, page.frames)
	}
}

// The page of somebody who isn't an administrator any more is closed, and can't be opened again.
func TestDemotionClosesPages(t *testing.T) {
	l := newLiveBoard(t)
	boss, other := l.member("boss"), l.member("other")
	for _, name := range []string{"boss", "other"} {
		if err := l.store.SetAdmin(acting(t.Context()), l.uid(name), true); err != nil {
			t.Fatal(err)
		}
	}
	page, stays := l.adminTab(boss), l.open(boss, "/settings", "a")
	if err := l.store.SetAdmin(acting(t.Context()), l.uid("boss"), false); err != nil {
		t.Fatal(err)
	}
	page.wantClose(closePolicy)
	if page.closed.Text != endedRole {
		t.Errorf("the page was closed because of %q, want %q", page.closed.Text, endedRole)
	}
	wantStatus(t, "GET /admin/people", boss.get("/admin/people"), 403)
	boss.post("/settings/profile", url.Values{"display_name": {"Boss"}})
	stays.until("the new name", func() bool { return stays.text["me-name"] == "Boss" })
	_ = other
}
