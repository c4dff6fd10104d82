package replica

import (
	"testing"
	"time"
)

// TestLateAnswer: the end of a lease isn't taken for a renewal, although the answer to the last read of the lease was
// late.
func TestLateAnswer(t *testing.T) {
	rules := allRules
	p := newPeers(&rules)
	asked := time.Now()
	p.announced("other", asked)
	questions := p.toAsk(asked)
	p.answered(questions, []time.Duration{leaseTTL}, asked.Add(3*echoWait))
	ended := asked.Add(leaseTTL + echoWait/2)
	p.announced("other", ended)
	if again := p.toAsk(ended); len(again) != 1 {
		t.Errorf("after the lease has ended, %d leases are read, want 1", len(again))
	}
}
