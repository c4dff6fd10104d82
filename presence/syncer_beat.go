package presence

import (
	"context"
	"errors"
	"sync"
	"time"
)

// whileBeating does f beside the beats, which go on however long f takes: with many users, or a distant server, that may
// be longer than a lease. A beat that fails ends f, too.
func (s *syncer) whileBeating(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	var beating sync.WaitGroup
	var beat error
	beating.Go(func() {
		if beat = s.keepBeating(ctx, done); beat != nil {
			cancel()
		}
	})
	err := f(ctx)
	close(done)
	beating.Wait()
	return errors.Join(beat, err)
}

// keepBeating beats whenever it is time, until done.
func (s *syncer) keepBeating(ctx context.Context, done <-chan struct{}) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		if err := s.beat(ctx); err != nil {
			return err
		}
		s.mu.Lock()
		timer.Reset(time.Until(s.beatAt.Add(beatEvery)))
		s.mu.Unlock()
		select {
		case <-done:
			return nil
		case <-timer.C:
		}
	}
}
