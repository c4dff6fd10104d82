package live

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

const (
	seenEvery = 5 * time.Second        // between writes of last seen
	seenWait  = 10 * time.Second       // for one write
	lastWait  = 700 * time.Millisecond // for the last one, while the process ends
)

// seenWriter stores when people were last seen, in batches. What can't be stored is tried again, and a newer stamp of the
// same person replaces it; so there is never more than one per person.
type seenWriter struct {
	presence *presence.Tracker
	log      *slog.Logger
	store    func(context.Context, map[string]time.Time) error
	stored   func(map[string]time.Time) // called with what is stored
	pending  map[string]time.Time
}

// run writes until ctx ends, and once more then.
func (w *seenWriter) run(ctx context.Context) {
	tick := time.NewTicker(seenEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		select {
		case <-tick.C:
			w.flush(ctx, seenWait, true)
		case <-ctx.Done():
		}
	}
	w.flush(context.WithoutCancel(ctx), lastWait, false)
}

// flush writes what has come together, in the time that it may take. again says whether there will be another try.
func (w *seenWriter) flush(ctx context.Context, wait time.Duration, again bool) {
	maps.Copy(w.pending, w.presence.TakeSeen())
	if len(w.pending) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if err := w.write(ctx); err != nil && !errors.Is(err, context.Canceled) {
		w.log.Warn("last seen could not be stored", "err", err, "people", len(w.pending), "again", again)
	}
}

// write stores stamps part by part and takes what is stored out of pending, so that a backlog shrinks even when there is
// no time for all of it.
func (w *seenWriter) write(ctx context.Context) error {
	for part := range slices.Chunk(slices.Collect(maps.Keys(w.pending)), accounts.StampsAtOnce) {
		stamps := make(map[string]time.Time, len(part))
		for _, user := range part {
			stamps[user] = w.pending[user]
		}
		if err := w.store(accounts.As(ctx, accounts.System), stamps); err != nil {
			return err
		}
		w.stored(stamps)
		for _, user := range part {
			delete(w.pending, user)
		}
	}
	return nil
}
