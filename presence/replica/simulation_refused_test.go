//go:build !race

package replica

import (
	"testing"
	"testing/synctest"
	"time"
)

// refusesAfterWipe makes Redis go down, come back empty, and refuse writes within a second, when only some replicas
// have written their entries again.
func refusesAfterWipe(st *stayers) {
	stayFaults["down, then empty"](st)
	st.later(6*time.Second+st.upTo(time.Second), func() { st.b.refuses = true })
	st.later(11*time.Second+st.upTo(8*time.Second), func() { st.b.refuses = false })
}

// A replica that could write before Redis refused keeps the people of replicas that couldn't.
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
