//go:build unix

package e2e_test

import (
	"runtime"
	"testing"
	"time"
)

// herdMemory is the maximum memory of a replica while everyone reconnects, in MiB per 1000 sockets. It covers an idle
// socket and its first frames.
const herdMemory = 60

// Everyone loses the connection at once and reconnects, first with the jitter that pages use, then all at the same
// moment.
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
			c.disconnect(jitter)
		}
		s.until("everyone is back",
			20*time.Second, func() bool { return s.connected() == n && len(s.ledger.reconnectTimes()) == n })
		t.Logf("jitter %v: everyone was back after %v; from the cut to the new connection %v",
			jitter, time.Since(began), s.ledger.reconnectTimes())
		t.Logf("all pages correct %v later", s.settle(healBound))
		s.ledger.clearReconnects()
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

// disconnect breaks the connection. The client then reconnects within jitter.
func (c *client) disconnect(jitter time.Duration) {
	c.mu.Lock()
	c.jitter = jitter
	conn := c.conn
	c.mu.Unlock()
	_ = conn.Close()
}

// reconnectTimes returns how long each client took to reconnect.
func (l *ledger) reconnectTimes() times {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append(times(nil), l.reconnects...)
}

func (l *ledger) clearReconnects() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reconnects = nil
}
