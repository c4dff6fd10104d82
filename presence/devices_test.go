package presence

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestSelfCountsDevices: tabs of one sign-in count as one device, even on different replicas.
func TestSelfCountsDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		board := NewMemory()
		open := func() *Tracker {
			cfg := DefaultConfig()
			cfg.Registry = board.Replica()
			tr := NewTracker(cfg)
			t.Cleanup(tr.Close)
			return tr
		}
		a, b := open(), open()
		feed := a.Subscribe()
		want := func(n int) {
			t.Helper()
			synctest.Wait()
			for name, tr := range map[string]*Tracker{"a": a, "b": b} {
				if got := tr.Self("ada").Devices; got != n {
					t.Errorf("Self(ada).Devices at %s = %d, want %d", name, got, n)
				}
			}
		}
		want(0)
		laptop := a.Join("ada", Client{Session: "laptop"}, Activity{})
		a.Join("ada", Client{Session: "laptop"}, Activity{})
		want(1)
		other := b.Join("ada", Client{Session: "laptop"}, Activity{})
		want(1)
		feed.Take()
		phone := b.Join("ada", Client{Session: "phone"}, Activity{})
		want(2)
		for _, c := range []struct {
			at      *Tracker
			session string
			want    bool
		}{{a, "phone", true}, {a, "laptop", true}, {a, "tablet", false}, {b, "phone", false}, {b, "laptop", true}} {
			if got := c.at.OpenElsewhere("ada", c.session); got != c.want {
				t.Errorf("OpenElsewhere(ada, %s) at a (%t) = %t, want %t", c.session, c.at == a, got, c.want)
			}
		}
		if got := feed.Take(); len(got) != 1 {
			t.Errorf("Take after a second device connected to b = %v, want ada", got)
		}
		laptop.Leave(SignedOut)
		other.Leave(SignedOut)
		want(2)
		phone.Leave(Clean)
		want(2)
		time.Sleep(DefaultConfig().GraceClean)
		want(1)
	})
}

// TestMarksAreBounded: however many sign-ins a person has, what replicas tell each other stays small.
func TestMarksAreBounded(t *testing.T) {
	p := &person{}
	for range 100 {
		p.conns = append(p.conns, &Connection{mark: markOf(strings.Repeat("x", len(p.conns)))})
	}
	if got := marks(p, noon); strings.Count(got, markSep) != maxMarks-1 || len(got) > maxMarks*5 {
		t.Errorf("marks of 100 sign-ins = %q, want %d of them", got, maxMarks)
	}
}
