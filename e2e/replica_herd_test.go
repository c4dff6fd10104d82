//go:build unix

package e2e_test

import (
	"runtime"
	"testing"
	"time"
)

// herdMemory is what a replica may take at the most while everybody comes back, MiB for each of a thousand sockets on
// it: what a socket costs at rest, and the frames it is greeted with.
const herdMemory = 60

// Everybody loses the connection at once and comes back, spread as the pages do it, or all in the same moment.
func TestReplicaHerd(t *testing.T) {
	patient(t)
	s := newScene(t, setting{})
	s.begin()
	n := crowdSize()
	clients := s.fill(n)
	s.watch()
	s.probe()
	s.settle(5 * time.Second)
	for _, jitter := range []time.Duration{returning, 0} {
		var before []float64
		for _, r := range s.replicas {
			now, _ := r.memory()
			before = append(before, now)
		}
		began := time.Now()
		for _, c := range clients {
			c.breakOff(jitter)
		}
		s.until("everybody is back", 20*time.Second, func() bool { return s.connected() == n && len(s.ledger.backs()) == n })
		t.Logf("spread over %v: everybody was served after %v; from the cut to the new connection %v", jitter, time.Since(began), s.ledger.backs())
		t.Logf("as in truth %v later", s.settle(healBound))
		s.ledger.forgetBacks()
		for i, r := range s.replicas {
			now, peak := r.memory()
			t.Logf("memory of %s: %.0f MiB before, %.0f now, %.0f at its highest", r.name, before[i], now, peak)
			if limit := 60 + herdMemory*float64(n)/1000; runtime.GOOS == "linux" && peak > limit {
				t.Errorf("memory of %s reached %.0f MiB, want %.0f or less", r.name, peak, limit)
			}
		}
	}
	s.report()
	s.reportPages()
}

// breakOff breaks the connection; the page then reconnects.
func (c *client) breakOff(jitter time.Duration) {
	c.mu.Lock()
	c.jitter = jitter
	conn := c.conn
	c.mu.Unlock()
	_ = conn.Close()
}

// backs are the times of all who came back.
func (l *ledger) backs() times {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(times(nil), l.returns...)
}

func (l *ledger) forgetBacks() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.returns = nil
}
