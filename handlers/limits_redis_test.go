package handlers

import (
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/rueidis"
)

// startRedis starts a redis-server on a socket in a temporary folder. It returns a function that opens a client, and
// the process, which ends with the test.
func startRedis(t *testing.T) (open func() rueidis.Client, process *os.Process) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "redis.sock")
	cmd := exec.Command("redis-server", "--port", "0", "--unixsocket", path, "--save", "", "--dir", filepath.Dir(path))
	if err := cmd.Start(); err != nil {
		t.Fatalf("redis-server: %v (apt-get install redis-server)", err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for deadline := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if conn, err := net.Dial("unix", path); err == nil {
			_ = conn.Close()
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("redis-server does not listen: %v", err)
		}
	}
	return func() rueidis.Client {
		option := rueidis.MustParseURL("unix://" + path)
		option.DisableCache, option.ForceSingleClient, option.DisableRetry = true, true, true
		c, err := rueidis.NewClient(option)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}, cmd.Process
}

// patient returns Limiters with a long timeout, so that a busy machine doesn't look like an outage of Redis.
func patient(client rueidis.Client) Limiters {
	all := SharedLimiters(client, "rollcall:", slog.New(slog.DiscardHandler))
	for _, l := range []Limiter{all.Strangers, all.Browsers, all.Members} {
		l.(*sharedLimiter).wait = patience
	}
	return all
}

func TestSharedLimiter(t *testing.T) {
	open, process := startRedis(t)
	ctx := context.Background()
	a, b := patient(open()).Strangers, patient(open()).Strangers
	attempts := func(key string, window time.Duration) (granted int32) {
		var n atomic.Int32
		var all sync.WaitGroup
		for _, l := range []Limiter{a, b} {
			for range 50 {
				all.Go(func() {
					if ok, _, err := l.Take(ctx, key, 10, window); err == nil && ok {
						n.Add(1)
					}
				})
			}
		}
		all.Wait()
		return n.Load()
	}
	if got := attempts("name", time.Hour); got != 10 {
		t.Errorf("100 attempts on two replicas with a limit of 10: %d were let through, want 10", got)
	}
	if ok, wait, err := b.Take(ctx, "name", 10, time.Hour); ok || err != nil || wait <= 0 || wait > time.Hour {
		t.Errorf("Take past the limit = %t, %v, %v, want a refusal with the time left", ok, wait, err)
	}
	a.Give(ctx, "name")
	if ok, _, _ := b.Take(ctx, "name", 10, time.Hour); !ok {
		t.Error("an attempt that one replica gave back isn't available to the other")
	}
	for range 3 {
		a.Give(ctx, "other") // nothing was taken
	}
	if got := attempts("other", time.Hour); got != 10 {
		t.Errorf("after giving back attempts that weren't taken, %d are let through, want 10", got)
	}
	const short = 300 * time.Millisecond
	if got := attempts("short", short); got > 10 {
		t.Errorf("%d were let through, want 10", got)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if ok, _, _ := a.Take(ctx, "short", 10, short); ok {
			break
		} else if time.Now().After(deadline) {
			t.Fatal("the window never ends")
		}
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	if got := attempts("name", time.Hour); got == 0 || got > 20 {
		t.Errorf("without Redis %d were let through on two replicas, want 10 on each", got)
	}
	if ok, _, err := a.Take(ctx, "name", 10, time.Hour); ok || err != nil {
		t.Errorf("without Redis Take past the limit = %t, %v, want a refusal", ok, err)
	}
}

// TestSharedLimiterFrozen: while Redis is frozen, only an occasional attempt waits for it.
func TestSharedLimiterFrozen(t *testing.T) {
	open, process := startRedis(t)
	ctx := context.Background()
	l := SharedLimiters(open(), "rollcall:", slog.New(slog.DiscardHandler)).Strangers
	if ok, _, err := l.Take(ctx, "name", 3, time.Hour); !ok || err != nil {
		t.Fatalf("Take = %t, %v, want true", ok, err)
	}
	admin := open()
	if err := process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	granted := 0
	for range 10 {
		ok, _, err := l.Take(ctx, "name", 3, time.Hour)
		if err != nil {
			t.Errorf("Take while Redis is frozen = %v, want nil", err)
		}
		if ok {
			granted++
		}
		l.Give(ctx, "other")
	}
	if granted != 3 {
		t.Errorf("while Redis was frozen %d attempts were let through, want 3", granted)
	}
	if err := process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	stats, err := admin.Do(ctx, admin.B().Info().Section("commandstats").Build()).ToString()
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(stats, "cmdstat_evalsha:calls=")
	calls, _, _ := strings.Cut(rest, ",")
	if calls != "1" && calls != "2" { // the first, and the one that waited, which runs when Redis continues
		t.Errorf("Redis was asked %s times, want 1 or 2", calls)
	}
}

// TestSharedLimiterFull: Redis holds a bounded number of counters. New keys count in shared counters, and a full
// limiter doesn't affect the other limiters.
func TestSharedLimiterFull(t *testing.T) {
	open, _ := startRedis(t)
	ctx := context.Background()
	all := patient(open())
	l := all.Strangers.(*sharedLimiter)
	l.max = 100
	take := func(key string) bool {
		t.Helper()
		ok, _, err := l.Take(ctx, key, 2, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	fillLimiter(t, l.max, take)
	if !take("name:7") || take("name:7") {
		t.Error("a full limiter doesn't keep counting its keys")
	}
	admin := open()
	keys := func(pattern string) int {
		t.Helper()
		found, err := admin.Do(ctx, admin.B().Keys().Pattern(pattern).Build()).AsStrSlice()
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	if own := keys("rollcall:limit:{strangers}:name:*") - keys("rollcall:limit:{strangers}:name:shared:*"); own != l.max {
		t.Errorf("Redis holds %d counters that aren't shared, want %d", own, l.max)
	}
	for range 2 {
		l.Give(ctx, "name:7")
	}
	if !take("name:after") || keys("rollcall:limit:{strangers}:name:after") != 1 {
		t.Error("a counter that was given back doesn't make room for another")
	}
	if ok, _, err := all.Members.Take(ctx, "me:ada", 2, time.Hour); !ok || err != nil ||
		keys("rollcall:limit:{members}:me:ada") != 1 {
		t.Errorf("Take of a member = %t, %v, want a counter of its own", ok, err)
	}
}

// TestSharedLimiterOutOfMemory: when Redis has no memory left, the process counts locally, up to the same limit.
func TestSharedLimiterOutOfMemory(t *testing.T) {
	open, _ := startRedis(t)
	ctx := context.Background()
	l := SharedLimiters(open(), "rollcall:", slog.New(slog.DiscardHandler)).Strangers
	admin := open()
	if err := admin.Do(ctx, admin.B().ConfigSet().ParameterValue().ParameterValue("maxmemory",
		"1").Build()).Error(); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if ok, _, err := l.Take(ctx, "name:ada", 3, time.Hour); ok != (i < 3) || err != nil {
			t.Errorf("Take %d = %t, %v, want %t", i+1, ok, err, i < 3)
		}
	}
}
