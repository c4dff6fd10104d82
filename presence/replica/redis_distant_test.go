package replica

import (
	"net"
	"sync"
	"testing"
	"time"
)

// TestRedisManyForeignKeys: on a distant server full of other keys, a survey takes longer than the deadline of a step,
// and still finishes.
func TestRedisManyForeignKeys(t *testing.T) {
	server := startRedis(t, "--enable-debug-command", "yes")
	admin := server.admin()
	do(t, admin, "DEBUG", "POPULATE", "8000", "foreign", "1")
	proxy := startSlowProxy(t, "127.0.0.1:"+server.port, 700*time.Millisecond)
	began := time.Now()
	a := server.join(func(cfg *Config) { cfg.URL = "redis://" + proxy })
	select {
	case <-a.Synced():
	case <-time.After(3 * patience):
		t.Fatalf("not synced within %s", 3*patience)
	}
	if took := time.Since(began); took < stepWait {
		t.Errorf("synced after %v, which is too fast for this test", took)
	}
}

// startSlowProxy returns the address of a proxy to target that adds delay to each round trip.
func startSlowProxy(t *testing.T, target string, delay time.Duration) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); work.Wait() })
	work.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", target)
			if err != nil {
				_ = near.Close()
				continue
			}
			work.Go(func() { copySlowly(far, near, delay/2) })
			work.Go(func() { copySlowly(near, far, delay/2) })
		}
	})
	return l.Addr().String()
}

// copySlowly copies src to dst, in order and with a delay. When one end closes, it closes the other.
func copySlowly(dst, src net.Conn, delay time.Duration) {
	type chunk struct {
		data []byte
		due  time.Time
	}
	chunks := make(chan chunk, 1024)
	var writing sync.WaitGroup
	writing.Go(func() {
		defer dst.Close()
		for c := range chunks {
			time.Sleep(time.Until(c.due))
			if _, err := dst.Write(c.data); err != nil {
				_ = src.Close()
			}
		}
	})
	for {
		data := make([]byte, 16<<10)
		n, err := src.Read(data)
		if n > 0 {
			chunks <- chunk{data[:n], time.Now().Add(delay)}
		}
		if err != nil {
			break
		}
	}
	close(chunks)
	writing.Wait()
}
