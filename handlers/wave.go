package handlers

import (
	"context"
	"runtime"
	"runtime/debug"
	"time"
)

const (
	waveSize  = 500         // new connections after which memory is given back, once there are fewer
	waveCalm  = 20          // new connections within waveEvery that don't continue a wave
	waveEvery = time.Second // between checks
)

// wave notices that a wave of new connections is over. Opening a connection takes several times the memory that it
// needs later, and without changes afterward, the runtime would keep that memory for minutes.
type wave struct {
	seen    uint64 // connections at the last check
	pending uint64 // new ones since memory was last given back
}

// over reports whether many connections were opened, and now only a few are. total counts all that were ever opened.
func (w *wave) over(total uint64) bool {
	opened := total - w.seen
	w.seen, w.pending = total, w.pending+opened
	if opened > waveCalm || w.pending < waveSize {
		return false
	}
	w.pending = 0
	return true
}

// giveBackMemory returns memory to the system after waves of new connections, until ctx ends. opened counts all that
// were ever opened.
func giveBackMemory(ctx context.Context, opened func() uint64) {
	check := time.NewTicker(waveEvery)
	defer check.Stop()
	var w wave
	for {
		select {
		case <-ctx.Done():
			return
		case <-check.C:
			if w.over(opened()) {
				// FreeOSMemory collects garbage, too. Pools keep their buffers for one more collection, and each
				// collection halves stacks that are too large.
				runtime.GC()
				debug.FreeOSMemory()
			}
		}
	}
}
