package handlers

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestMemoryLimiter(t *testing.T) {
	testLimiter(t, func() Limiter { return newMemoryLimiter(1000) })
}

// testLimiter checks a Limiter against its contract, with the clock of a synctest bubble.
func testLimiter(t *testing.T, open func() Limiter) {
	ctx := context.Background()
	take := func(t *testing.T, l Limiter, key string, want bool) time.Duration {
		t.Helper()
		ok, retryAfter, err := l.Take(ctx, key, 3, time.Minute)
		if ok != want || err != nil {
			t.Fatalf("Take(%q) = %t, %v, want %t", key, ok, err, want)
		}
		return retryAfter
	}
	run := func(name string, test func(t *testing.T, l Limiter)) {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { test(t, open()) }) })
	}
	run("refuses past the limit, by key", func(t *testing.T, l Limiter) {
		for range 3 {
			take(t, l, "a", true)
		}
		take(t, l, "a", false)
		take(t, l, "b", true)
	})
	run("starts over when the window ends, and not before", func(t *testing.T, l Limiter) {
		take(t, l, "a", true)
		time.Sleep(40 * time.Second)
		take(t, l, "a", true)
		take(t, l, "a", true)
		if got := take(t, l, "a", false); got != 20*time.Second {
			t.Errorf("retryAfter = %v, want 20s", got)
		}
		time.Sleep(20*time.Second - time.Millisecond)
		take(t, l, "a", false)
		time.Sleep(time.Millisecond)
		take(t, l, "a", true)
	})
	run("gives back", func(t *testing.T, l Limiter) {
		for range 3 {
			take(t, l, "a", true)
		}
		l.Give(ctx, "a")
		take(t, l, "a", true)
		take(t, l, "a", false)
	})
	run("never gives back more than was taken", func(t *testing.T, l Limiter) {
		l.Give(ctx, "a")
		take(t, l, "a", true)
		for range 5 {
			l.Give(ctx, "a")
		}
		for range 3 {
			take(t, l, "a", true)
		}
		take(t, l, "a", false)
	})
	run("ignores attempts that are given back too late", func(t *testing.T, l Limiter) {
		take(t, l, "a", true)
		time.Sleep(2 * time.Minute)
		l.Give(ctx, "a")
		for range 3 {
			take(t, l, "a", true)
		}
		take(t, l, "a", false)
	})
	run("is exact when many ask at once", func(t *testing.T, l Limiter) {
		var granted atomic.Int32
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() {
				if ok, _, err := l.Take(ctx, "a", 10, time.Minute); ok && err == nil {
					granted.Add(1)
				}
			})
		}
		all.Wait()
		if granted.Load() != 10 {
			t.Errorf("%d of 200 granted, want 10", granted.Load())
		}
	})
}

// A full limiter keeps counting its keys. New keys share a bounded number of counters until windows end.
func TestMemoryLimiterFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newMemoryLimiter(100)
		take := func(key string) bool {
			ok, retryAfter, _ := l.Take(context.Background(), key, 2, time.Hour)
			if !ok && retryAfter <= 0 {
				t.Errorf("Take(%q) refused without a time to come back", key)
			}
			return ok
		}
		fillLimiter(t, 100, take)
		for i := range 10 * sharedCounters {
			take(fmt.Sprint("name:flood", i))
		}
		if n := len(l.windows); n > 100+sharedCounters {
			t.Errorf("%d keys held, want at most %d", n, 100+sharedCounters)
		}
		if !take("name:7") || take("name:7") {
			t.Error("a full limiter doesn't keep counting its keys")
		}
		if !take("address:new") {
			t.Error("keys of one kind use up the counters of another")
		}
		time.Sleep(time.Hour)
		if !take("name:another") {
			t.Error("no room after the windows ended")
		}
		if len(l.windows) != 1 {
			t.Errorf("%d keys held after all windows ended, want 1", len(l.windows))
		}
	})
}

// Attempts in a shared counter can be given back, too.
func TestMemoryLimiterFullGivesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newMemoryLimiter(0)
		for range 5 {
			if ok, _, _ := l.Take(context.Background(), "name:ada", 1, time.Hour); !ok {
				t.Fatal("Take after Give = false, want true")
			}
			l.Give(context.Background(), "name:ada")
		}
	})
}
