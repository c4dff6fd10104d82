package main

import (
	"context"
	"time"
)

// timerDelay measures how late timers fire while a trial runs, which shows for how long the machine keeps runnable
// goroutines waiting. Times that are no longer than that say little about the server.
type timerDelay struct {
	stop  context.CancelFunc
	worst chan time.Duration
}

// timerInterval is the time between two measurements. A delay that begins and ends between them isn't noticed.
const timerInterval = 2 * time.Millisecond

func watchTimers() *timerDelay {
	ctx, stop := context.WithCancel(context.Background())
	d := &timerDelay{stop: stop, worst: make(chan time.Duration, 1)}
	go func() {
		var worst time.Duration
		for ctx.Err() == nil {
			began := time.Now()
			time.Sleep(timerInterval)
			worst = max(worst, time.Since(began)-timerInterval)
		}
		d.worst <- worst
	}()
	return d
}

// end stops measuring and returns the longest delay. Call it once.
func (d *timerDelay) end() time.Duration {
	d.stop()
	return <-d.worst
}
