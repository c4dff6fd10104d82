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

// redisAt starts a redis-server on a socket in a temporary folder and returns how to reach it and its process, which
// ends with the test.
func redisAt(t *testing.T) (open func() rueidis.Client, process *os.Process) {
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

func TestSharedLimiter(t *testing.T) {
	open, process := redisAt(t)
	ctx := context.Background()
	log := slog.New(slog.DiscardHandler)
	a, b := NewSharedLimiter(open(), "rollcall:", log), NewSharedLimiter(open(), "rollcall:", log)
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
		t.Error("what one replica gave back is not there for the other")
	}
	for range 3 {
		a.Give(ctx, "other") // nothing was taken
	}
	if got := attempts("other", time.Hour); got != 10 {
		t.Errorf("after giving back what was not taken %d are let through, want 10", got)
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

// TestSharedLimiterFrozen: while Redis is frozen one attempt in a while waits for it, and not each of them.
func TestSharedLimiterFrozen(t *testing.T) {
	open, process := redisAt(t)
	ctx := context.Background()
	l := NewSharedLimiter(open(), "rollcall:", slog.New(slog.DiscardHandler))
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
	if calls != "1" && calls != "2" { // the first, and the one that waited, which is carried out after the thaw
		t.Errorf("Redis was asked %s times, want 1 or 2", calls)
	}
}
