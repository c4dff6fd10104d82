package live

import (
	"slices"
	"testing"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// After everyone was disconnected, the board is as it is after a start. Earlier pages keep what they show and say that
// people are coming back, even a page that was loaded during the previous warming. A new page lists only those who are
// back.
func TestWarmAgain(t *testing.T) {
	t.Parallel()
	f := newFixture(t, func(_ *Config, p *presence.Config) { p.Warming = time.Hour })
	ada, bob, cleo := f.person("ada"), f.person("bob"), f.person("cleo")
	early := f.sheet("a page from the first warming", ada, false)
	f.board.update(f.board.tellAll)
	late := f.sheet("a page from after it", ada, false)
	pages := []*sheet{early, late}
	var conns []*presence.Connection
	for _, p := range []accounts.Person{bob, cleo} {
		conns = append(conns, f.arrive(p))
	}
	f.step()
	check := func(step int, want ...string) {
		t.Helper()
		for _, s := range pages {
			s.changes = nil
			if s.take(t); !slices.Equal(s.here(), want) {
				t.Errorf("step %d: %s shows %q as present, want %q", step, s.name, s.here(), want)
			}
		}
	}
	check(1, "bob", "cleo")
	f.board.WarmAgain()
	check(2, "bob", "cleo")
	for _, s := range pages {
		if !s.toldWarming(true) {
			t.Errorf("%s isn't told that people are coming back", s.name)
		}
	}
	for _, c := range conns {
		c.Leave(presence.SignedOut)
	}
	f.step()
	check(3, "bob", "cleo")
	for _, s := range pages {
		f.reconnect(s, ada)
	}
	check(4, "bob", "cleo")
	f.arrive(bob)
	f.step()
	check(5, "bob", "cleo")
	fresh := f.sheet("a page that is loaded while people come back", ada, false)
	if fresh.take(t); len(fresh.rows) != 1 || !slices.Equal(fresh.here(), []string{"bob"}) {
		t.Errorf("%s lists %v, want only bob", fresh.name, fresh.rows)
	}
	f.board.update(f.board.tellAll)
	pages = append(pages, fresh)
	check(6, "bob")
	for _, s := range pages {
		if !s.toldWarming(false) || len(s.rows) != 3 {
			t.Errorf("in the end, %s lists %v, want everyone, and no more warming", s.name, s.rows)
		}
	}
}

// here returns the usernames that s shows as present, sorted.
func (s *screen) here() (names []string) {
	for name, row := range s.rows {
		if row.State != presence.Offline {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// toldWarming reports whether the last changes set Warming to on.
func (s *screen) toldWarming(on bool) bool {
	return slices.ContainsFunc(s.changes, func(c *Change) bool { return c.Warming != nil && *c.Warming == on })
}
