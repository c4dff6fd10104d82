//go:build !race

package replica

import (
	"testing"
	"testing/synctest"
	"time"
)

// refusesAfterWipe has Redis go away, return empty, and refuse writes within a second, when some replicas have written
// their entries again and others haven't.
func refusesAfterWipe(st *stayers) {
	stayFaults["down, then empty"](st)
	st.later(6*time.Second+st.upTo(time.Second), func() { st.b.refuses = true })
	st.later(11*time.Second+st.upTo(8*time.Second), func() { st.b.refuses = false })
}

// A replica that could write again before Redis refused doesn't take those for gone who couldn't.
func TestSimulationRefusedAfterWipe(t *testing.T) {
	for seed := range uint64(120) {
		synctest.Test(t, func(t *testing.T) {
			st := newStayers(seed, allRules)
			if wrong := st.watch(refusesAfterWipe); wrong != "" {
				t.Errorf("seed %d: %s", seed, wrong)
			}
			for _, s := range st.all {
				_ = s.Close()
			}
		})
	}
}
