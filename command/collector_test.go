package command

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

func TestPercentFor(t *testing.T) {
	for _, test := range []struct {
		live uint64 // MiB
		want int
	}{
		{0, 1600}, {1, 1600}, {3, 520}, {8, 200}, {16, 100}, {39, 40}, {40, 40}, {500, 40},
	} {
		if got := percentFor(test.live << 20); got != test.want {
			t.Errorf("percentFor(%d MiB) = %d, want %d", test.live, got, test.want)
		}
	}
}

// A collection may leave less garbage than the one before it, so what counts is the heap after the last one.
func TestCollectorFollowsTheHeap(t *testing.T) {
	tuneCollector()
	var held []byte
	for _, size := range []int{64 << 20, 1 << 20} {
		held = make([]byte, size)
		follows(t)
	}
	runtime.KeepAlive(held)
}

// follows collects garbage until the collector's percentage is the one for the heap.
func follows(t *testing.T) {
	t.Helper()
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	var got uint64
	want := 0
	for range 1000 {
		runtime.GC()
		metrics.Read(sample)
		got, want = sample[0].Value.Uint64(), percentFor(liveHeap())
		if got == uint64(want) {
			return
		}
		time.Sleep(time.Millisecond) // the adjustment runs on another goroutine
	}
	t.Errorf("the collector runs after %d %% of growth, want %d", got, want)
}
