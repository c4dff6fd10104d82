package handlers

import (
	"context"
	"testing"
	"time"

	"rollcall/presence"
	"rollcall/presence/replica"
)

func TestReadiness(t *testing.T) {
	f := newFixture(t)
	wantStatus(t, "GET /healthz", f.browser().get("/healthz"), 200)
	wantStatus(t, "GET /readyz", f.browser().get("/readyz"), 200)
	f.server.Drain(t.Context())
	wantStatus(t, "GET /healthz while draining", f.browser().get("/healthz"), 200)
	wantStatus(t, "GET /readyz while draining", f.browser().get("/readyz"), 503)
	if lines := f.logs.lines("level=ERROR"); len(lines) != 0 {
		t.Errorf("draining is logged as an error: %q", lines)
	}
	f.person("ada")
	wantStatus(t, "GET /login while draining", f.browser().get("/login"), 200)
}

// conflicting is a Registry whose other replicas have other accounts.
type conflicting struct{ presence.Registry }

func (conflicting) Peers() presence.Peers {
	return presence.Peers{Conflict: &replica.AccountsError{Ours: "one", Theirs: "two"}}
}

// TestNotReadyAmongOtherAccounts: a replica that shares Redis with replicas of other accounts isn't ready, and its log
// names both databases.
func TestNotReadyAmongOtherAccounts(t *testing.T) {
	f := newFixture(t, func(cfg *Config) {
		p := presence.DefaultConfig()
		p.Registry = conflicting{presence.NewMemory().Replica()}
		cfg.Presence.Close()
		cfg.Presence = presence.NewTracker(p)
	})
	wantStatus(t, "GET /readyz", f.browser().get("/readyz"), 503)
	wantStatus(t, "GET /healthz", f.browser().get("/healthz"), 200)
	if lines := f.logs.lines("theirs is two, ours is one"); len(lines) == 0 {
		t.Error("the log doesn't name both databases")
	}
}

// unreachable is a Registry that can't reach the other replicas.
type unreachable struct{ presence.Registry }

func (unreachable) Peers() presence.Peers { return presence.Peers{Lost: time.Now().Add(-time.Hour)} }

// TestReadyWithoutRedis: an outage of Redis hits all replicas at once. If none of them were ready, the load balancer
// would take the whole board down.
func TestReadyWithoutRedis(t *testing.T) {
	f := newFixture(t, func(cfg *Config) {
		p := presence.DefaultConfig()
		p.Registry = unreachable{presence.NewMemory().Replica()}
		cfg.Presence.Close()
		cfg.Presence = presence.NewTracker(p)
	})
	wantStatus(t, "GET /readyz", f.browser().get("/readyz"), 200)
	wantStatus(t, "GET /healthz", f.browser().get("/healthz"), 200)
}

// TestNotReadyAsSoonAsDraining: /readyz is 503 before the first socket is closed, not after the last.
func TestNotReadyAsSoonAsDraining(t *testing.T) {
	l := newLiveBoard(t)
	a := l.open(l.member("ada"), "/", "a")
	a.sees("ada", "online")
	l.server.sockets.mu.Lock() // so that draining can't reach the sockets
	drained := make(chan struct{})
	go func() { defer close(drained); l.server.Drain(context.Background()) }()
	for deadline := time.Now().Add(patience); l.browser().get("/readyz").StatusCode != 503; {
		if time.Now().After(deadline) {
			t.Error("GET /readyz is not 503 while draining waits for the sockets")
			break
		}
	}
	l.server.sockets.mu.Unlock()
	a.wantClose(1012)
	<-drained
}

func TestRunEndsWithItsContext(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- f.server.Run(ctx) }()
	cancel()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	case <-time.After(5 * time.Second):
		t.Fatal("Run hasn't returned 5 s after its context ended")
	}
}
