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
	wantStatus(t, "GET /login while draining", f.browser().get("/login"), 200)
}

// strayed is a Registry that shares its store with other accounts.
type strayed struct{ presence.Registry }

func (strayed) Peers() presence.Peers {
	return presence.Peers{Conflict: &replica.AccountsError{Ours: "one", Theirs: "two"}}
}

// TestNotReadyAmongOtherAccounts: a replica that noticed at run time that it shares Redis with other accounts gets no
// more requests, and its log says which accounts they are.
func TestNotReadyAmongOtherAccounts(t *testing.T) {
	f := newFixture(t, func(cfg *Config) {
		p := presence.DefaultConfig()
		p.Registry = strayed{presence.NewMemory().Replica()}
		cfg.Presence.Close()
		cfg.Presence = presence.NewTracker(p)
	})
	wantStatus(t, "GET /readyz", f.browser().get("/readyz"), 503)
	wantStatus(t, "GET /healthz", f.browser().get("/healthz"), 200)
	if lines := f.logs.lines("theirs is two, ours is one"); len(lines) == 0 {
		t.Error("the log does not name both accounts")
	}
}

// adrift is a Registry whose others cannot be reached.
type adrift struct{ presence.Registry }

func (adrift) Peers() presence.Peers { return presence.Peers{Lost: time.Now().Add(-time.Hour)} }

// TestReadyWithoutRedis: all replicas lose Redis at once, and a balancer that took all of them away would end the board.
func TestReadyWithoutRedis(t *testing.T) {
	f := newFixture(t, func(cfg *Config) {
		p := presence.DefaultConfig()
		p.Registry = adrift{presence.NewMemory().Replica()}
		cfg.Presence.Close()
		cfg.Presence = presence.NewTracker(p)
	})
	wantStatus(t, "GET /readyz", f.browser().get("/readyz"), 200)
	wantStatus(t, "GET /healthz", f.browser().get("/healthz"), 200)
}

// TestNotReadyAsSoonAsDraining: the balancer is told before the first socket is closed, and not after the last.
func TestNotReadyAsSoonAsDraining(t *testing.T) {
	l := newLiveBoard(t)
	a := l.open(l.member("ada"), "/", "a")
	a.sees("ada", "online")
	l.server.sockets.mu.Lock() // so that draining cannot go on to the sockets
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
		t.Fatal("Run goes on 5 s after its context ended")
	}
}
