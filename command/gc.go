package command

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Garbage is collected after the heap has grown by gcPercent. If less than gcBusy has passed since the last collection,
// the heap may grow by about gcHeadroom, if that's more.
const (
	// gcPercent replaces Go's 100. Most of a large heap belongs to idle sockets, and the bytes they send are shared, so
	// collecting garbage more often costs little and saves 2 KiB per socket.
	gcPercent = 40
	// gcHeadroom is in bytes. Without it, a small server that serves pages without a pause collects garbage after every
	// few pages, and each of these pages takes half as long again. An idle server doesn't benefit from it.
	gcHeadroom = 8 << 20
	gcBusy     = time.Second
)

// tuneCollector makes the garbage collector follow these constants. It adjusts the collector after each collection.
func tuneCollector() {
	var adjust func(collection)
	percent := 0
	adjust = func(last collection) {
		now := lastCollection()
		if p := percentFor(now, last); p != percent {
			percent = p
			debug.SetGCPercent(p)
		}
		runtime.AddCleanup(new(sentinel), adjust, now) // runs after the next collection
	}
	adjust(collection{})
}

// collection describes a garbage collection.
type collection struct {
	ended     time.Time // approximately
	automatic uint64    // number of collections up to this one that weren't forced
	live      uint64    // bytes of the heap that were in use after it
}

func lastCollection() collection {
	samples := []metrics.Sample{{Name: "/gc/cycles/automatic:gc-cycles"}, {Name: "/gc/heap/live:bytes"}}
	metrics.Read(samples)
	return collection{time.Now(), samples[0].Value.Uint64(), samples[1].Value.Uint64()}
}

// sentinel is garbage as soon as it's made. It contains a pointer, so that it isn't allocated in one block with others.
type sentinel struct{ _ *sentinel }

// percentFor returns the value for debug.SetGCPercent after a collection. A forced collection says nothing about load.
// The value is a multiple of 20, so that it seldom changes: each change stops the program for some microseconds.
func percentFor(now, last collection) int {
	if now.automatic == last.automatic || now.ended.Sub(last.ended) >= gcBusy {
		return gcPercent
	}
	return max(gcPercent, int(100*gcHeadroom/max(now.live, 1<<20))/20*20)
}
