package live

import (
	"runtime"
	"sync/atomic"
	"testing"
)

// TestWakeAll: every watcher is woken once, and with many of them, one that takes long doesn't hold up the others' shares.
func TestWakeAll(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	for _, n := range []int{0, 1, wakeAlone, wakeAlone + 1, 2*wakeAlone + 1, 10 * wakeAlone} {
		woken, other := make([]atomic.Int32, n), make(chan struct{}, n)
		watchers := make([]*Watcher, n)
		for i := range watchers {
			watchers[i] = &Watcher{wake: func() {
				switch woken[i].Add(1); {
				case n <= wakeAlone:
				case i == 0:
					<-other
				case i == n-1:
					other <- struct{}{}
				}
			}}
		}
		wakeAll(watchers)
		for i := range woken {
			if got := woken[i].Load(); got != 1 {
				t.Fatalf("of %d watchers, number %d was woken %d times, want once", n, i, got)
			}
		}
	}
}
