//go:build unix

package e2e_test

import (
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// People with three tabs on two replicas close them in any order. They go offline after the last one, not before.
func TestReplicaTabsClosedInAnyOrder(t *testing.T) {
	patient(t)
	s := newScene(t, setting{})
	s.begin()
	s.watch()
	s.probe()
	people := sized(60, 200)
	for round := range sized(1, 5) {
		var all sync.WaitGroup
		for user := range people {
			var tabs []*client
			for i := range 3 {
				tabs = append(tabs, s.mustOpen(user, s.replicas[(i+rand.IntN(2))%2]))
			}
			rand.Shuffle(len(tabs), func(i, j int) { tabs[i], tabs[j] = tabs[j], tabs[i] })
			all.Go(func() {
				for _, c := range tabs {
					s.wait(time.Duration(rand.Int64N(int64(2 * time.Second))))
					c.leave()
				}
			})
		}
		all.Wait()
		s.wait(graceClean + late)
		t.Logf("round %d: all pages correct %v after the last grace period", round, s.settle(late))
	}
	v := s.report()
	var hidden times
	for _, h := range v.hidden {
		hidden = append(hidden, h...)
	}
	t.Logf("from the last close to offline: %v", hidden)
	if want := people * sized(1, 5) * len(s.replicas) * watchersPerPage; len(hidden) != want {
		t.Errorf("%d departures were seen, want %d", len(hidden), want)
	}
	s.reportPages()
}

// One replica after the other is restarted while everyone keeps their page open, one with SIGTERM and one with SIGINT.
func TestReplicaRollingRestart(t *testing.T) {
	patient(t)
	s := newScene(t, setting{})
	s.begin()
	n := crowdSize()
	s.fill(n)
	s.watch()
	s.probe()
	s.settle(5 * time.Second)
	signals := []syscall.Signal{syscall.SIGTERM, syscall.SIGINT}
	for i := range sized(2, 4) {
		r, signal := s.replicas[i%2], signals[(i+i/2)%2]
		exit := r.end(signal)
		start := r.start()
		back := s.until("everyone is back", 10*time.Second, func() bool { return s.connected() == n })
		settled := s.settle(5 * time.Second)
		t.Logf("%s after %v: exit in %v, ready again in %v, everyone back %v after that, all pages correct %v later",
			r.name, signal, exit, start, back, settled)
	}
	s.wait(sized(5*time.Second, leaseMost-returning)) // what the replicas left in Redis expires
	s.settle(5 * time.Second)
	s.report()
	s.reportPages()
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	t.Logf("closes by code %v; from close to reconnection: %v", s.ledger.codes, times(s.ledger.reconnects))
	for code, n := range s.ledger.codes {
		if code != websocket.CloseServiceRestart && code != websocket.CloseGoingAway {
			t.Errorf("%d connections ended with %d, want only 1012 and 1001", n, code)
		}
	}
	if got := times(s.ledger.reconnects).at(1); got > 10*time.Second {
		t.Errorf("the last connection was back after %v, want 10s or less", got)
	}
}

// A replica is killed. Its people who reconnect to another replica are never shown offline there. The others are hidden
// when its lease expires.
func TestReplicaKilled(t *testing.T) {
	patient(t)
	s := newScene(t, setting{})
	s.begin()
	n := crowdSize()
	a, b := s.replicas[0], s.replicas[1]
	clients := s.fill(n)
	s.mustOpen(0, b) // two tabs, one of which stays
	s.watch()
	s.probe()
	s.settle(5 * time.Second)

	stayAway := map[int]bool{} // people of A who don't reconnect
	for i := 0; i < n; i += 2 {
		if i > 0 && i%10 == 0 {
			stayAway[i] = true
			clients[i].mu.Lock()
			clients[i].back = false
			clients[i].mu.Unlock()
		}
	}
	cleanly := []int{20, 40, 60} // they close their page just before, so that only A knew the rest of their grace period
	for _, u := range cleanly {
		clients[u].leave()
	}
	s.wait(200 * time.Millisecond)
	a.crash()
	at := time.Now()
	s.until("everyone who reconnects is back", 10*time.Second, func() bool { return s.connected() == n+1-len(stayAway) })
	t.Logf("killed %s with %d people; %d reconnected, the last after %v", a.name, n/2, n/2-len(stayAway), time.Since(at))
	s.wait(time.Until(at.Add(leaseMost + late)))
	t.Logf("all pages correct %v after the longest lease", s.settle(late))
	v := s.report()
	s.reportPages()
	var hidden, graced times
	for u, h := range v.hidden {
		for _, d := range h {
			if u == cleanly[0] || u == cleanly[1] || u == cleanly[2] {
				graced = append(graced, d)
			} else if stayAway[u] {
				hidden = append(hidden, d)
			} else {
				t.Errorf("%s was hidden, want only people who didn't reconnect", userName(u))
			}
		}
	}
	t.Logf("hidden after the kill: %v", hidden)
	t.Logf("hidden after they closed the page, just before the kill: %v", graced)
	if got := hidden.at(0); got < leaseLeast-early {
		t.Errorf("the first was hidden after %v, want no sooner than %v", got, leaseLeast)
	}
	if got := hidden.at(1); got > leaseMost+late {
		t.Errorf("the last was hidden after %v, want %v at the latest", got, leaseMost)
	}
	if want := (len(stayAway) - len(cleanly)) * watchersPerPage; len(hidden) != want {
		t.Errorf("%d departures were shown, want %d", len(hidden), want)
	}
}
