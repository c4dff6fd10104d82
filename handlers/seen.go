package handlers

import (
	"context"
	"maps"
	"slices"
	"time"

	"rollcall/accounts"
)

const (
	seenEvery = 5 * time.Second        // between writes of last seen
	seenWait  = 10 * time.Second       // for one write
	lastWait  = 700 * time.Millisecond // for the last, while the process ends
)

// keepSeen stores when people were last seen, in batches. What cannot be stored is tried again, and newer stamps of
// the same person replace it; so there is never more than one a person.
func (b *board) keepSeen(ctx context.Context) {
	tick := time.NewTicker(seenEvery)
	defer tick.Stop()
	pending := map[string]time.Time{}
	patience := seenWait
	for done := false; !done; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			done, patience = true, lastWait
		}
		for user, at := range b.presence.TakeSeen() {
			pending[user] = at
		}
		if len(pending) == 0 {
			continue
		}
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
		if err := b.storeSeen(wait, pending, b.accounts.StampSeen); err != nil {
			b.log.Warn("last seen could not be stored", "err", err, "people", len(pending), "again", !done)
		}
		cancel()
	}
}

// storeSeen stores stamps part by part and takes what is stored out of pending, so that a backlog shrinks even when there
// is no time for all of it.
func (b *board) storeSeen(ctx context.Context, pending map[string]time.Time, store func(context.Context, map[string]time.Time) error) error {
	for part := range slices.Chunk(slices.Collect(maps.Keys(pending)), accounts.StampsAtOnce) {
		stamps := make(map[string]time.Time, len(part))
		for _, user := range part {
			stamps[user] = pending[user]
		}
		if err := store(ctx, stamps); err != nil {
			return err
		}
		b.noteSeen(stamps)
		for _, user := range part {
			delete(pending, user)
		}
	}
	return nil
}

// noteSeen brings stamps that are stored onto rows.
func (b *board) noteSeen(stamps map[string]time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for user, at := range stamps {
		if c := b.cards[user]; c != nil && at.After(c.person.LastSeen) {
			c.person.LastSeen = at
			if !c.present {
				b.redrawLocked(c)
			}
		}
	}
}

// askSeen has the accounts asked when people were last seen who left, maybe other replicas: those alone know, and have
// stored it by then.
func (b *board) askSeen(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for user, at := range b.left {
		if now.Sub(at) > 2*seenEvery {
			delete(b.left, user)
			if _, asked := b.strangers[user]; !asked && b.cards[user] != nil {
				b.strangers[user] = false
			}
		}
	}
}
