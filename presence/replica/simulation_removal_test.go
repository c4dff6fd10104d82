//go:build !race

package replica

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/presence"
)

// pair runs f with two replicas that share a store, and ada at y.
func pair(with rules, f func(b *simStore, x, y *syncer)) {
	b := newSimStore(rand.New(rand.NewPCG(1, 1)))
	x, y := b.open("x"), b.open("y")
	for _, s := range []*syncer{x, y} {
		s.rules = with
		s.start()
		defer s.Close()
	}
	y.Publish("ada", presence.Digest{Connected: true})
	time.Sleep(20 * time.Second)
	f(b, x, y)
}

// TestDeparturesAtOnce: a replica that removes an entry says so, and the others don't wait to see whether the entry
// comes back. Without that, they do.
func TestDeparturesAtOnce(t *testing.T) {
	without := allRules
	without.removals = false
	for name, tt := range map[string]struct {
		with     rules
		min, max time.Duration
	}{
		"with the rule": {allRules, 0, 50 * time.Millisecond}, // the answer to a read alone takes up to 30 ms
		"without it":    {without, recheckAfter, time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			pair(tt.with, func(_ *simStore, x, y *syncer) {
				for range 50 {
					y.Publish("ada", presence.Digest{})
					began := time.Now()
					for len(x.Remote("ada")) > 0 && time.Since(began) < tt.max {
						time.Sleep(time.Millisecond)
					}
					if took := time.Since(began); took < tt.min || took >= tt.max {
						t.Errorf("%s, a departure was shown after %v, want %v to %v", name, took, tt.min, tt.max)
					}
					time.Sleep(3 * time.Second)
					y.Publish("ada", presence.Digest{Connected: true})
					time.Sleep(3 * time.Second)
				}
			})
		})
	}
}

// TestRemovalExplainsOneLoss: somebody leaves and comes back, and then the store evicts the entry. Nobody thinks that
// they left again.
func TestRemovalExplainsOneLoss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pair(allRules, func(b *simStore, x, y *syncer) {
			since := time.Now()
			for i := range 40 {
				y.Publish("ada", presence.Digest{})
				time.Sleep(time.Duration(i%20) * 5 * time.Millisecond) // some are back before anyone saw that they left
				back := presence.Digest{Connected: true, Since: since.Add(time.Duration(i) * time.Second)}
				y.Publish("ada", back)
				for len(x.Remote("ada")) == 0 || !x.Remote("ada")[0].Since.Equal(back.Since) {
					time.Sleep(time.Millisecond)
				}
				b.mu.Lock()
				b.set("ada", "y", "")
				b.mu.Unlock()
				for began := time.Now(); time.Since(began) < time.Second; time.Sleep(time.Millisecond) {
					if len(x.Remote("ada")) == 0 {
						t.Fatalf("the entry was evicted, and ada is missing %v later", time.Since(began))
					}
				}
			}
		})
	})
}
