package live

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestSharedRun: callers who arrive during a run share the next one, which starts after all of them arrived.
func TestSharedRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCoalesced()
		var runs, committed, seen atomic.Int64
		query := func(context.Context) error {
			runs.Add(1)
			seen.Store(committed.Load()) // a query sees what was committed before it started
			time.Sleep(time.Second)
			return nil
		}
		var all sync.WaitGroup
		call := func() {
			all.Go(func() {
				mine := committed.Add(1)
				if err := s.do(t.Context(), query); err != nil || seen.Load() < mine {
					t.Errorf("do = %v after reading %d commits, want no error and at least %d", err, seen.Load(), mine)
				}
			})
		}
		call()
		synctest.Wait()
		for range 100 {
			call()
		}
		all.Wait()
		if got := runs.Load(); got != 2 {
			t.Errorf("1 caller and 100 more during its run started %d runs, want 2", got)
		}
	})
}

// TestSharedRunOutlivesItsCallers: if a caller gives up, the others still get the result, even if that caller runs the
// query. Which caller runs it is random, so the test tries many times.
func TestSharedRunOutlivesItsCallers(t *testing.T) {
	for range 30 {
		synctest.Test(t, func(t *testing.T) {
			s := newCoalesced()
			failure := errors.New("the database is away")
			query := func(ctx context.Context) error {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(time.Second):
					return failure
				}
			}
			go func() { _ = s.do(t.Context(), query) }()
			synctest.Wait()
			leaving, giveUp := context.WithTimeout(t.Context(), 1500*time.Millisecond) // in the middle of the next run
			defer giveUp()
			gone := make(chan error, 1)
			go func() { gone <- s.do(leaving, query) }()
			if err := s.do(t.Context(), query); !errors.Is(err, failure) {
				t.Errorf("do after another caller gave up = %v, want %v", err, failure)
			}
			if err := <-gone; !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, failure) {
				t.Errorf("do of a caller who gave up = %v, want %v or, after running the query, %v",
					err, context.DeadlineExceeded, failure)
			}
		})
	}
}

// TestSharedRunIsAbandoned: a run that nobody waits for anymore is canceled, and the next one works.
func TestSharedRunIsAbandoned(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCoalesced()
		ctx, giveUp := context.WithTimeout(t.Context(), time.Second)
		defer giveUp()
		forever := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
		if err := s.do(ctx, forever); !errors.Is(err, context.Canceled) {
			t.Errorf("do of the only caller, who gave up = %v, want %v", err, context.Canceled)
		}
		if err := s.do(t.Context(), func(context.Context) error { return nil }); err != nil {
			t.Errorf("do after that = %v, want nil", err)
		}
	})
}

// TestSharedRunPanics: if the query panics, so does the caller who runs it. The others get an error, and the next run
// works.
func TestSharedRunPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newCoalesced()
		fail := func(context.Context) error { time.Sleep(time.Second); panic("bug") }
		work := func(context.Context) error { return nil }
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				defer func() { _ = recover() }()
				if err := s.do(t.Context(), fail); !errors.Is(err, errQueryPanicked) {
					t.Errorf("do = %v, want %v", err, errQueryPanicked)
				}
			})
		}
		all.Wait()
		if err := s.do(t.Context(), work); err != nil {
			t.Errorf("do after a panic = %v, want nil", err)
		}
	})
}
