package live

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"rollcall/presence"
)

// The loops stop even if the database doesn't answer.
func TestRunEndsWhileStoreHangs(t *testing.T) {
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
		t.Fatal("the loops are still running 10 s after their context ended")
	}
}

// If the database hangs during a write, the writer still stops with the process, after one short last try.
func TestSeenEndsWhileStoreHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := presence.NewTracker(presence.DefaultConfig())
		defer tracker.Close()
		w := &seenWriter{
			presence: tracker, log: slog.New(slog.DiscardHandler), pending: map[string]time.Time{"ada": time.Now()},
			written: map[string]time.Time{},
			store:   func(ctx context.Context, _ map[string]time.Time) error { <-ctx.Done(); return ctx.Err() },
		}
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(seenEvery+seenWait/2, stop)
		w.run(ctx)
		if late := time.Since(w.pending["ada"]) - seenEvery - seenWait/2; late != lastWait {
			t.Errorf("the writer stopped %v after its context ended, want %v", late, lastWait)
		}
	})
}

// A page that has read a person just before their last seen was stored still shows it.
func TestSeenStaysUntilTheNextWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tracker := presence.NewTracker(presence.DefaultConfig())
		defer tracker.Close()
		w := &seenWriter{
			presence: tracker, log: slog.New(slog.DiscardHandler), pending: map[string]time.Time{},
			written: map[string]time.Time{}, stored: func(map[string]time.Time) {},
			store: func(context.Context, map[string]time.Time) error { return nil },
		}
		tracker.Join("ada", presence.Client{}, presence.Activity{}).Leave(presence.Clean)
		time.Sleep(time.Minute)
		synctest.Wait()
		for _, want := range []bool{true, false} {
			w.flush(t.Context(), seenWait, true)
			if got := !tracker.View("ada").LastSeen.IsZero(); got != want {
				t.Errorf("the view has the last seen: %v, want %v", got, want)
			}
		}
	})
}
