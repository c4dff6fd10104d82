package presence

import "testing"

// TestStatsAlone: a process without other replicas has no numbers about them.
func TestStatsAlone(t *testing.T) {
	tr := NewTracker(DefaultConfig())
	defer tr.Close()
	if got := tr.Stats(); got.Link != nil {
		t.Errorf("Stats.Link of a single process = %+v, want nil", got.Link)
	}
}
