//go:build !race

package replica

import (
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/presence"
)

// TestIdleReplicasOnlyRenew: three replicas with people and nothing to do renew their leases, and read none.
func TestIdleReplicasOnlyRenew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		st := newStayers(1, allRules)
		for _, s := range st.all {
			defer s.Close()
		}
		time.Sleep(holdFor)
		count := func() (beats, asked int) {
			st.b.mu.Lock()
			defer st.b.mu.Unlock()
			for _, c := range st.b.conns {
				beats, asked = beats+c.beats, asked+c.asked
			}
			return beats, asked
		}
		const idle = 5 * time.Minute
		beats, asked := count()
		time.Sleep(idle)
		now, read := count()
		// A beat takes two commands, and reading a lease takes one.
		if commands, most := 2*(now-beats)+read-asked, int(2*idle/time.Second); commands > most {
			t.Errorf("in %v, three replicas sent %d commands, of which %d read leases, want at most %d", idle, commands,
				read-asked, most)
		}
	})
}

// TestEndOfLeaseIsNoRenewal: the people of a replica that crashes are hidden after 7 to 13 s, even if the store
// announces that its lease has ended.
func TestEndOfLeaseIsNoRenewal(t *testing.T) {
	for seed := range uint64(50) {
		for _, announces := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				r := rand.New(rand.NewPCG(seed, 7))
				b := newSimStore(rand.New(rand.NewPCG(seed, 8)))
				x, y := b.open("x"), b.open("y")
				x.start()
				defer x.Close()
				time.Sleep(time.Duration(r.Int64N(int64(beatEvery))))
				y.start()
				y.Publish("ada", presence.Digest{Connected: true})
				time.Sleep(20*time.Second + time.Duration(r.Int64N(int64(beatEvery))))
				crashed := time.Now()
				_ = y.Close()
				b.mu.Lock()
				ends := b.leases["y"]
				b.mu.Unlock()
				if announces {
					time.AfterFunc(time.Until(ends)+time.Duration(r.Int64N(int64(100*time.Millisecond))), func() {
						b.mu.Lock()
						defer b.mu.Unlock()
						b.announce("", "y")
					})
				}
				for len(x.Remote("ada")) > 0 && time.Since(crashed) < time.Minute {
					time.Sleep(10 * time.Millisecond)
				}
				if hidden := time.Since(crashed); hidden < 7*time.Second-beatEvery/10 || hidden > 13*time.Second+beatEvery/10 {
					t.Errorf("seed %d, announced %v: ada was hidden %v after her replica crashed, want 7 to 13 s", seed, announces,
						hidden)
				}
			})
		}
	}
}
