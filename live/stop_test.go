package live

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/presence"
)

// A database that doesn't answer doesn't keep the loops from ending.
func TestRunEndsWhileTheStoreIsSilent(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	asked := make(chan struct{})
	f.board.follower.read = func(ctx context.Context) error {
		select {
		case <-asked:
		default:
			close(asked)
		}
		<-ctx.Done()
		return ctx.Err()
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); f.board.Run(ctx) }()
	<-asked
	stop()
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		t.Fatal("the loops go on 10 s after the end of their context")
	}
}

// A write that a silent database holds up ends with the process, which then tries once more for a moment.
func TestSeenEndsWhileTheStoreIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := presence.NewTracker(presence.DefaultConfig())
		defer tracker.Close()
		w := &seenWriter{
			presence: tracker, log: slog.New(slog.DiscardHandler), pending: map[string]time.Time{"ada": time.Now()},
			store: func(ctx context.Context, _ map[string]time.Time) error { <-ctx.Done(); return ctx.Err() },
		}
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(seenEvery+seenWait/2, stop)
		w.run(ctx)
		if late := time.Since(w.pending["ada"]) - seenEvery - seenWait/2; late != lastWait {
			t.Errorf("the writer ended %v after its context, want %v", late, lastWait)
		}
	})
}
