package command

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/command/client"
)

// claimLog is a server that can be away. It notes when it was called.
type claimLog struct {
	begun time.Time

	mu      sync.Mutex
	away    bool            // guarded by mu
	set     []time.Duration // guarded by mu: when the claim was set or renewed
	failed  int             // guarded by mu
	deleted bool            // guarded by mu
}

func (l *claimLog) PutClaim(context.Context, string, client.Claim) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.away {
		l.failed++
		return errors.New("away")
	}
	l.set = append(l.set, time.Since(l.begun))
	return nil
}

func (l *claimLog) DeleteClaim(context.Context, string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deleted = true
	return nil
}

func (l *claimLog) goAway(away bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.away = away
}

// A claim is renewed while its command runs, so that it never ends before, also if the server is away for a while.
func TestBusyRenews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := &claimLog{begun: time.Now()}
		h := claimHolder{api: api, explain: func(err error) error { return err }, lease: 5 * time.Minute, stderr: io.Discard}
		over, done := make(chan struct{}), make(chan struct{})
		go func() { defer close(done); h.run(t.Context(), over) }()
		time.Sleep(7 * time.Minute)
		api.goAway(true)
		time.Sleep(110 * time.Second)
		api.goAway(false)
		time.Sleep(5*time.Minute + 10*time.Second)
		close(over)
		<-done
		want := []time.Duration{0, 2 * time.Minute, 4 * time.Minute, 6 * time.Minute, 9 * time.Minute, 11 * time.Minute, 13 * time.Minute}
		if !slices.Equal(api.set, want) || api.failed != 2 || !api.deleted {
			t.Errorf("the claim was set at %v, with %d failures, and deleted: %t; want %v, 2, and true", api.set, api.failed, api.deleted, want)
		}
		for i := range len(api.set) - 1 {
			if gap := api.set[i+1] - api.set[i]; gap >= h.lease {
				t.Errorf("the claim has ended while the command ran: it wasn't renewed for %v", gap)
			}
		}
	})
}
