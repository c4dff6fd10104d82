package live

import (
	"context"
	"errors"
	"sync"
)

// shared is a query whose answer is the same for everybody. It runs once at a time. Callers who arrive while it runs
// share the next run: the present one may have read already what has changed since.
type shared struct {
	running chan struct{} // capacity 1: held while the query runs

	mu   sync.Mutex
	next *sharedRun // guarded by mu: the run that starts next; nil: nobody waits for one
}

// sharedRun is one run of a shared query.
type sharedRun struct {
	done    chan struct{} // closed when err is set
	err     error
	waiting int                // guarded by shared.mu: callers who haven't given up
	cancel  context.CancelFunc // guarded by shared.mu; nil: it hasn't started
}

func newShared() *shared { return &shared{running: make(chan struct{}, 1)} }

var errQueryPanicked = errors.New("a shared query panicked")

// do returns the result of a run of query that starts after do was called. One of the callers runs it for all of them.
// The run ends early when all of them have given up, and not when only one has.
func (s *shared) do(ctx context.Context, query func(context.Context) error) error {
	run := s.join()
	defer context.AfterFunc(ctx, func() { s.giveUp(run) })()
	select {
	case <-run.done:
		return run.err
	case <-ctx.Done():
		return ctx.Err()
	case s.running <- struct{}{}:
	}
	defer func() { <-s.running }()
	ctx, first := s.begin(ctx, run)
	if !first {
		return run.err // another caller has run it
	}
	defer run.cancel()
	defer close(run.done)
	run.err = errQueryPanicked
	run.err = query(ctx)
	return run.err
}

// join returns the run that starts next.
func (s *shared) join() *sharedRun {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		s.next = &sharedRun{done: make(chan struct{})}
	}
	s.next.waiting++
	return s.next
}

// begin reports whether the caller, who holds running, is the first to get to run, and returns the context for it. From
// then on nobody joins run.
func (s *shared) begin(ctx context.Context, run *sharedRun) (context.Context, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != run {
		return nil, false
	}
	s.next = nil
	ctx, run.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return ctx, true
}

// giveUp ends the run when nobody waits for it any more.
func (s *shared) giveUp(run *sharedRun) {
	s.mu.Lock()
	defer s.mu.Unlock()
	run.waiting--
	if run.waiting == 0 && run.cancel != nil {
		run.cancel()
	}
}
