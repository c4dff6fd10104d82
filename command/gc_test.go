package command

import (
	"runtime/metrics"
	"testing"
	"time"
)

func TestPercentFor(t *testing.T) {
	last := collection{ended: time.Now(), automatic: 5}
	for _, test := range []struct {
		live      uint64 // MiB
		since     time.Duration
		automatic uint64
		want      int
	}{
		{0, time.Millisecond, 6, 800}, {1, time.Millisecond, 6, 800}, {3, time.Millisecond, 6, 260},
		{8, time.Millisecond, 6, 100}, {20, time.Millisecond, 6, 40}, {500, time.Millisecond, 6, 40},
		{3, gcBusy - 1, 6, 260}, {3, gcBusy, 6, 40}, {500, time.Hour, 6, 40}, {3, time.Millisecond, 5, 40},
	} {
		now := collection{last.ended.Add(test.since), test.automatic, test.live << 20}
		if got := percentFor(now, last); got != test.want {
			t.Errorf("percentFor(%d MiB, %v after collection 5, %d) = %d, want %d", test.live, test.since, test.automatic,
				got, test.want)
		}
	}
}

// While collections follow each other quickly, the heap may grow by more between them than after a pause.
func TestCollectorLeavesHeadroom(t *testing.T) {
	tuneCollector()
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	for range 1000 {
		for range 64 {
			garbage = make([]byte, 1<<20)
		}
		if metrics.Read(sample); sample[0].Value.Uint64() > gcPercent {
			return
		}
	}
	t.Errorf("after much garbage, the heap grows by %d %% until the next collection, want more", sample[0].Value.Uint64())
}

var garbage []byte
