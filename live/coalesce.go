package live

import (
	"context"
	"errors"
	"sync"
)

// coalesced is a query whose result is the same for all callers. Only one run happens at a time. Callers who arrive
// during a run share the next one, because the current run may have read data that has changed since.
type coalesced struct {
	running chan struct{} // capacity 1; held while the query runs

	mu   sync.Mutex
	next *sharedRun // guarded by mu; the run that starts next, or nil if nobody waits for one
}

// sharedRun is one run of a shared query.
type sharedRun struct {
	done    chan struct{} // closed when err is set
	err     error
	waiting int                // guarded by coalesced.mu; callers who haven't given up
	cancel  context.CancelFunc // guarded by coalesced.mu; nil until the run starts
}

func newCoalesced() *coalesced { return &coalesced{running: make(chan struct{}, 1)} }

var errQueryPanicked = errors.New("a shared query panicked")

// do returns the result of a run of query that starts after do was called. One of the callers runs it for all of them.
// The run ends early only if all of them have given up.
func (s *coalesced) do(ctx context.Context, query func(context.Context) error) error {
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
func (s *coalesced) join() *sharedRun {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == nil {
		s.next = &sharedRun{done: make(chan struct{})}
	}
	s.next.waiting++
	return s.next
}

// begin reports whether the caller, who holds running, is the first one for this run, and returns the context for it.
// From then on, nobody can join the run.
func (s *coalesced) begin(ctx context.Context, run *sharedRun) (context.Context, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next != run {
		return nil, false
	}
	s.next = nil
	ctx, run.cancel = context.WithCancel(context.WithoutCancel(ctx))
	return ctx, true
}

// giveUp cancels the run if nobody waits for it anymore.
func (s *coalesced) giveUp(run *sharedRun) {
	s.mu.Lock()
	defer s.mu.Unlock()
	run.waiting--
	if run.waiting == 0 && run.cancel != nil {
		run.cancel()
	}
}
