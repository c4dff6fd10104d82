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
	lastWait  = 700 * time.Millisecond // for the last write, when the process ends
)

// seenWriter stores in batches when people were last seen. It retries what it couldn't store. A newer time replaces an
// older one of the same person, so there's at most one per person.
type seenWriter struct {
	presence *presence.Tracker
	log      *slog.Logger
	store    func(context.Context, map[string]time.Time) error
	stored   func(map[string]time.Time) // called with the times that were stored
	pending  map[string]time.Time
	written  map[string]time.Time // since the last flush
}

// run writes regularly until ctx ends, and then once more.
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

// flush writes everything that is pending, within a time limit. again says whether there will be another try, for the
// log.
func (w *seenWriter) flush(ctx context.Context, wait time.Duration, again bool) {
	w.presence.SeenStored(w.written) // requests that read the accounts before that have had the time to read the presence
	clear(w.written)
	maps.Copy(w.pending, w.presence.TakeSeen())
	if len(w.pending) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if err := w.write(ctx); err != nil && !errors.Is(err, context.Canceled) {
		w.log.Warn("last seen could not be stored", "err", err, "people", len(w.pending), "will-retry", again)
	}
}

// write stores times in parts and removes each stored part from pending, so that a backlog shrinks even if there isn't
// enough time for all of it.
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
		maps.Copy(w.written, stamps)
		for _, user := range part {
			delete(w.pending, user)
		}
	}
	return nil
}
