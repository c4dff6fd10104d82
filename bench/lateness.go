package main

import (
	"context"
	"time"
)

// lateness sees how late timers come meanwhile: with little else to do, that is for how long the machine made those wait
// who were ready to run. Times that are no longer than that say little about the server.
type lateness struct {
	stop  context.CancelFunc
	worst chan time.Duration
}

// listenEvery is the time between two looks; a wait that begins and ends between them is not seen.
const listenEvery = 2 * time.Millisecond

func watchLateness() *lateness {
	ctx, stop := context.WithCancel(context.Background())
	l := &lateness{stop: stop, worst: make(chan time.Duration, 1)}
	go func() {
		var worst time.Duration
		for ctx.Err() == nil {
			began := time.Now()
			time.Sleep(listenEvery)
			worst = max(worst, time.Since(began)-listenEvery)
		}
		l.worst <- worst
	}()
	return l
}

// end is how late the latest timer was. It may be called once.
func (l *lateness) end() time.Duration {
	l.stop()
	return <-l.worst
}
