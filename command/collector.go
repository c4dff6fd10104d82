package command

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
)

// When garbage is collected: after the heap has grown by gcPercent, but not before it has grown by gcHeadroom.
const (
	// gcPercent replaces Go's 100. Most of a large heap belongs to idle sockets, and the bytes they send are shared, so
	// collecting garbage more often costs little and saves 2 KiB per socket.
	gcPercent = 40
	// gcHeadroom is in bytes. Without it, a server with few people collects garbage after every few pages, and each of
	// these pages takes half as long again.
	gcHeadroom = 16 << 20
)

// tuneCollector makes the garbage collector follow gcPercent and gcHeadroom. It adjusts the collector after each
// collection.
func tuneCollector() {
	var percent atomic.Int64
	debug.SetGCPercent(gcPercent)
	var adjust func(struct{})
	adjust = func(struct{}) {
		if p := percentFor(liveHeap()); percent.Swap(int64(p)) != int64(p) {
			debug.SetGCPercent(p)
		}
		runtime.AddCleanup(new(sentinel), adjust, struct{}{}) // runs after the next collection
	}
	adjust(struct{}{})
}

// sentinel is garbage as soon as it's made. It contains a pointer, so that it isn't allocated together with others.
type sentinel struct{ _ *sentinel }

// percentFor returns the value for debug.SetGCPercent when live bytes of the heap are in use. It's a multiple of 20, so
// that it seldom changes: each change stops the program for some microseconds.
func percentFor(live uint64) int {
	return max(gcPercent, int(100*gcHeadroom/max(live, 1<<20))/20*20)
}

// liveHeap returns how many bytes of the heap were in use after the last collection.
func liveHeap() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
