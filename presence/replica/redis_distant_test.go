package replica

import (
	"net"
	"sync"
	"testing"
	"time"
)

// TestRedisManyForeignKeys: on a distant server full of other keys, a survey takes longer than a step may, and still
// finishes.
func TestRedisManyForeignKeys(t *testing.T) {
	server := startRedis(t, "--enable-debug-command", "yes")
	admin := server.admin()
	do(t, admin, "DEBUG", "POPULATE", "8000", "foreign", "1")
	line := distantLine(t, "127.0.0.1:"+server.port, 700*time.Millisecond)
	began := time.Now()
	a := server.join(func(cfg *Config) { cfg.URL = "redis://" + line })
	select {
	case <-a.Synced():
	case <-time.After(3 * patience):
		t.Fatalf("not synced within %s", 3*patience)
	}
	if took := time.Since(began); took < stepWait {
		t.Errorf("synced after %v, which is too fast for this test", took)
	}
}

// distantLine returns an address that leads to target and adds late to each round trip.
func distantLine(t *testing.T, target string, late time.Duration) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var lines sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); lines.Wait() })
	lines.Go(func() {
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
			lines.Go(func() { carry(far, near, late/2) })
			lines.Go(func() { carry(near, far, late/2) })
		}
	})
	return l.Addr().String()
}

// carry copies src to dst, in order and late. When one end closes, it closes the other.
func carry(dst, src net.Conn, late time.Duration) {
	type parcel struct {
		data []byte
		due  time.Time
	}
	parcels := make(chan parcel, 1024)
	var writing sync.WaitGroup
	writing.Go(func() {
		defer dst.Close()
		for p := range parcels {
			time.Sleep(time.Until(p.due))
			if _, err := dst.Write(p.data); err != nil {
				_ = src.Close()
			}
		}
	})
	for {
		data := make([]byte, 16<<10)
		n, err := src.Read(data)
		if n > 0 {
			parcels <- parcel{data[:n], time.Now().Add(late)}
		}
		if err != nil {
			break
		}
	}
	close(parcels)
	writing.Wait()
}
