package presence

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// account is the account of one person in a test.
type account struct {
	rev   int64
	facts Facts
}

// readers are replicas that read the same accounts, each up to a different revision.
type readers struct {
	t        *testing.T
	memory   *Memory
	trackers []*Tracker
	read     []int64 // how far each tracker has read
	rev      int64
	accounts map[string]account
}

func newReaders(t *testing.T, n int) *readers {
	c := &readers{t: t, memory: NewMemory(), read: make([]int64, n), accounts: map[string]account{}}
	for range n {
		c.trackers = append(c.trackers, c.tracker())
	}
	t.Cleanup(func() {
		for _, tr := range c.trackers {
			tr.Close()
		}
	})
	return c
}

func (c *readers) tracker() *Tracker {
	cfg := DefaultConfig()
	cfg.Warming, cfg.Registry = 0, c.memory.Replica()
	return NewTracker(cfg)
}

// change commits facts about user, which no replica has read yet.
func (c *readers) change(user string, f Facts) {
	c.rev++
	c.accounts[user] = account{c.rev, f}
}

// catchUp lets replica i read the accounts.
func (c *readers) catchUp(i int) {
	for user, a := range c.accounts {
		if a.rev > c.read[i] {
			a.facts.AsOf = c.rev
			c.trackers[i].SetFacts(user, a.facts)
		}
	}
	c.trackers[i].FactsAsOf(c.rev)
	c.read[i] = c.rev
	synctest.Wait()
}

// restart replaces replica i. The new one reads only facts that aren't plain.
func (c *readers) restart(i int) {
	_ = c.trackers[i].Drain(c.t.Context())
	c.trackers[i].Close()
	c.trackers[i] = c.tracker()
	for user, a := range c.accounts {
		if !a.facts.plain() {
			a.facts.AsOf = c.rev
			c.trackers[i].SetFacts(user, a.facts)
		}
	}
	c.trackers[i].FactsAsOf(c.rev)
	c.read[i] = c.rev
	synctest.Wait()
}

// TestHiddenWithoutAccounts: a replica that can't read the accounts shows a person who went invisible or was disabled
// like a person who left, wherever they're connected. It shows them again when they're visible or enabled again.
func TestHiddenWithoutAccounts(t *testing.T) {
	for name, hidden := range map[string]Facts{"invisible": {Invisible: true}, "disabled": {Disabled: true}} {
		for where := range 2 {
			t.Run(fmt.Sprintf("%s, connected at %d", name, where), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					c := newReaders(t, 2)
					blind := c.trackers[1]
					c.trackers[where].Join("ada", Client{}, Activity{})
					bob := c.trackers[where].Join("bob", Client{}, Activity{})
					synctest.Wait()
					time.Sleep(time.Minute)
					c.change("ada", hidden)
					c.catchUp(0)
					bob.Leave(SignedOut)
					synctest.Wait()
					departed := blind.View("bob")
					if hidden.Disabled {
						departed.Listed, departed.LastSeen = false, time.Time{}
					}
					if got := blind.View("ada"); got != departed {
						t.Errorf("View(%s) = %+v, want the view of a person who left, %+v", name, got, departed)
					}
					c.change("ada", Facts{})
					c.catchUp(0)
					if got := blind.View("ada"); got.State != Online || !got.Listed {
						t.Errorf("View of a person who is visible again = %+v, want online", got)
					}
				})
			})
		}
	}
}

// TestCorrectionsEnd: a replica without connections of a person publishes their facts only until the replica with the
// connection has adopted them.
func TestCorrectionsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newReaders(t, 2)
		c.trackers[1].Join("ada", Client{}, Activity{})
		c.change("ada", Facts{Invisible: true})
		c.catchUp(0)
		digests := c.memory.Replica().Remote("ada")
		if len(digests) != 1 || !digests[0].Connected || !digests[0].Invisible {
			t.Errorf("digests = %+v, want only that of the replica with the connection", digests)
		}
		if got := c.trackers[0].Self("ada").Devices; got != 1 {
			t.Errorf("an invisible person has %d devices, want 1", got)
		}
	})
}

// TestOlderFactsAreIgnored: a replica that reads late doesn't undo what another one has published in the meantime, and
// a replica that has read everything ignores one that hasn't.
func TestOlderFactsAreIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newReaders(t, 2)
		up, late := c.trackers[0], c.trackers[1]
		up.Join("ada", Client{}, Activity{})
		late.Join("ada", Client{}, Activity{})
		c.change("ada", Facts{Invisible: true})
		for i := range c.trackers {
			c.catchUp(i)
		}
		c.change("ada", Facts{})
		c.catchUp(0)
		if got := up.View("ada").State; got != Online {
			t.Errorf("a person who is visible again is %s on the up-to-date replica, want online", got)
		}
		// Read before the last change.
		late.SetFacts("ada", Facts{Invisible: true, Status: Status{Text: "hi"}, AsOf: c.rev - 1})
		synctest.Wait()
		if got := late.View("ada"); got.State != Online || got.Text != "hi" {
			t.Errorf("after a late read, View = %+v, want online and the text", got)
		}
	})
}

// TestRandomKnowledge changes accounts at random. One replica reads every change at once, the others read them
// sometimes, and all of them restart sometimes. All of them show the truth at all times.
func TestRandomKnowledge(t *testing.T) {
	for range 20 {
		seed := rand.Uint64()
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, r := newReaders(t, 3), rand.New(rand.NewPCG(seed, 5))
				conns := map[string][]*Connection{}
				for range 300 {
					user, i := string(rune('a'+r.IntN(3))), r.IntN(len(c.trackers))
					switch open := conns[user]; r.IntN(5) {
					case 0:
						conns[user] = append(open, c.trackers[i].Join(user, Client{}, Activity{}))
					case 1:
						if len(open) > 0 {
							open[0].Leave(SignedOut)
							conns[user] = open[1:]
						}
					case 2:
						c.change(user, Facts{Invisible: r.IntN(2) == 0, Disabled: r.IntN(4) == 0})
						c.catchUp(0)
					case 3:
						c.catchUp(i)
					case 4:
						c.restart(i)
						for user := range conns {
							conns[user] = without(conns[user], c.trackers)
						}
					}
					synctest.Wait()
					c.wantTruth(conns)
				}
				for i := range c.trackers {
					c.catchUp(i)
				}
				c.wantNoCorrections(conns)
			})
		})
	}
}

// without returns the connections of replicas that are still running.
func without(conns []*Connection, trackers []*Tracker) (left []*Connection) {
	for _, conn := range conns {
		for _, tr := range trackers {
			if conn.tracker == tr {
				left = append(left, conn)
			}
		}
	}
	return left
}

// wantNoCorrections fails the test if a replica publishes anything about people who aren't connected to it.
func (c *readers) wantNoCorrections(conns map[string][]*Connection) {
	c.t.Helper()
	other := c.memory.Replica()
	for user := range conns {
		for _, d := range other.Remote(user) {
			if !d.Connected {
				c.t.Errorf("after every replica has read everything, one without connections still publishes %+v for %s", d, user)
			}
		}
	}
}

func (c *readers) wantTruth(conns map[string][]*Connection) {
	c.t.Helper()
	for user := range conns {
		f := c.accounts[user].facts
		want := Offline
		if len(conns[user]) > 0 && !f.hidden() {
			want = Online
		}
		for i, tr := range c.trackers {
			if got := tr.View(user).State; got != want {
				c.t.Fatalf("replica %d, which has read up to %d of %d, shows %s as %s, want %s",
					i, c.read[i], c.rev, user, got, want)
			}
		}
	}
}
