package handlers

import (
	"context"
	"time"

	"rollcall/presence"
)

const (
	ringWait = 2 * time.Second // for one ring

	// A shorter silence of the other replicas shows nowhere. It counts from when they were last heard, which in order is
	// up to 3 s before they can be heard no more: being cut off for 7 s shows nothing.
	lostShown = presence.LeaseTTL
)

// keepRinging tells the other replicas that this process has changed accounts. One that is not told finds out by
// itself half a second later.
func (b *board) keepRinging(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.ring:
		}
		if b.bell == nil {
			continue
		}
		b.mu.Lock()
		rev := b.follow.rev
		b.mu.Unlock()
		wait, cancel := context.WithTimeout(ctx, ringWait)
		if err := b.bell.Nudge(wait, rev); err != nil && ctx.Err() == nil {
			b.log.Debug("the other replicas could not be nudged", "err", err)
		}
		cancel()
	}
}

// checkReplicas shows, and takes back, that other replicas cannot be heard: what is known of their people stays,
// drained of colour, and pages say since when.
func (b *board) checkReplicas(now time.Time) {
	lost := b.presence.Status().Lost
	if !lost.IsZero() && now.Sub(lost) < lostShown {
		return // not yet, or still what was shown
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lost.Equal(lost) {
		return
	}
	b.lost = lost
	f := b.ui.NewFrame()
	f.Lost(lost)
	frame := f.Bytes()
	for _, s := range b.open {
		s.write(frame)
	}
	for _, c := range b.present {
		if c.view.Elsewhere {
			b.redrawLocked(c)
		}
	}
}
