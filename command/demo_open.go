package command

import (
	"context"
	"fmt"
	"math"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// demoTracker returns a tracker, and the registry of another process that ran before. From that process, the tracker
// learns since when people are here, as when a server is replaced; otherwise, everyone would have arrived just now.
func demoTracker(cfg presence.Config) (*presence.Tracker, presence.Registry) {
	memory := presence.NewMemory()
	earlier := memory.Replica()
	cfg.Registry = memory.Replica()
	return presence.NewTracker(cfg), earlier
}

// handOver ends the process before. By then, the tracker must know the statuses, because people whose state they change
// would otherwise be shown with a state that began just now.
func (c *cast) handOver() { _ = c.earlier.Close() } // never fails in memory

// open decides who is here and since when, who has a status, and when everyone else was last seen.
func (c *cast) open(ctx context.Context) error {
	c.chance.Shuffle(len(c.players), func(i, j int) { c.players[i], c.players[j] = c.players[j], c.players[i] })
	others := c.players[min(len(c.players), mostPlayers):]
	c.players = c.players[:len(c.players)-len(others)]
	for i, p := range c.players {
		if err := c.chooseShowLastSeen(ctx, i, p); err != nil {
			return err
		}
	}
	usual, _ := c.usual()
	if err := c.openHere(ctx, c.players[:usual]); err != nil {
		return err
	}
	return c.openAbsent(ctx, c.players[usual:], others)
}

// chooseShowLastSeen makes every fourth player show exactly when they were last seen, and every eighth not at all.
func (c *cast) chooseShowLastSeen(ctx context.Context, i int, p *player) error {
	var showLastSeen string
	switch i % 8 {
	case 0, 4:
		showLastSeen = accounts.Exact
	case 2:
		showLastSeen = accounts.Nobody
	default: // approximate, the default
		return nil
	}
	err := c.store.ChangePreferences(accounts.As(ctx, accounts.ByUser(p.id)), p.id, func(p *accounts.Preferences) {
		p.ShowLastSeen = showLastSeen
	})
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return nil
}

// openHere connects players, who have been here since different times of the day. Some have a status or have turned to
// another page.
func (c *cast) openHere(ctx context.Context, players []*player) error {
	now := time.Now()
	for i, p := range players {
		since := c.earlierToday(now, 9*time.Hour)
		switch i % 9 {
		case 0:
			p.hidden = true
			since = c.earlierToday(now, 40*time.Minute)
		case 1, 5:
			var err error
			if since, err = c.openBusy(ctx, p, now); err != nil {
				return err
			}
		case 2, 4, 7:
			if err := c.openSaying(ctx, p, withState(demoStatuses, false), now); err != nil {
				return err
			}
		}
		c.earlier.Publish(p.id, presence.Digest{Connected: true, Active: !p.hidden, Since: since})
	}
	if err := c.awaitHere(ctx, players); err != nil {
		return err
	}
	for _, p := range players {
		c.arrive(p)
	}
	return nil
}

// openBusy gives p a status that sets a state, and returns since when p has had it.
func (c *cast) openBusy(ctx context.Context, p *player, now time.Time) (since time.Time, err error) {
	said := c.choose(withState(demoStatuses, true))
	full, err := said.starting(now)
	if err != nil {
		return since, fmt.Errorf("demo: %w", err)
	}
	since = c.earlierToday(now, full.Until.Sub(now)*3/4)
	status, err := said.starting(since)
	if err != nil {
		return since, fmt.Errorf("demo: %w", err)
	}
	return since, c.setStatus(ctx, p, status, said.lasts)
}

// openSaying gives p one of the statuses.
func (c *cast) openSaying(ctx context.Context, p *player, from []demoStatus, now time.Time) error {
	said := c.choose(from)
	status, err := said.starting(now)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return c.setStatus(ctx, p, status, said.lasts)
}

// withState returns the statuses that set a state, or those that don't.
func withState(from []demoStatus, with bool) (found []demoStatus) {
	for _, s := range from {
		if (s.state != "") == with {
			found = append(found, s)
		}
	}
	return found
}

// earlierToday returns a time at most span ago, but at least a minute, if that isn't before midnight.
func (c *cast) earlierToday(now time.Time, span time.Duration) time.Time {
	year, month, day := now.Date()
	midnight := time.Date(year, month, day, 0, 0, 0, 0, now.Location())
	span = max(min(span, now.Sub(midnight)), 2*time.Minute)
	return now.Add(-time.Minute - time.Duration(c.chance.Int64N(int64(span-time.Minute))))
}

// awaitHere waits until the tracker has learned of all players.
func (c *cast) awaitHere(ctx context.Context, players []*player) error {
	for _, p := range players {
		for c.tracker.View(p.id).State == presence.Offline {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Millisecond):
			}
		}
	}
	return nil
}

const (
	latestSeen   = 4 * time.Minute // ago
	earliestSeen = 150 * 24 * time.Hour
)

// openAbsent stamps when absent people were last seen, from minutes to months ago. Some players who have been away for
// days have said why.
func (c *cast) openAbsent(ctx context.Context, players, others []*player) error {
	now := time.Now()
	seen := make(map[string]time.Time, len(players)+len(others))
	for i, p := range players {
		ago := seenAgo(float64(i) / float64(max(1, len(players)-1)))
		seen[p.id] = now.Add(-ago)
		if p.onLeave = i%3 == 2 && ago > 24*time.Hour; !p.onLeave {
			continue
		}
		if err := c.openSaying(ctx, p, demoAbsences, now); err != nil {
			return err
		}
	}
	for _, p := range others {
		seen[p.id] = now.Add(-seenAgo(c.chance.Float64()))
	}
	return c.store.StampSeen(accounts.As(ctx, accounts.System), seen)
}

// seenAgo returns a span between latestSeen and earliestSeen, for a share between 0 and 1. Each step takes it further
// back by the same factor, so that about half of the people were here today.
func seenAgo(share float64) time.Duration {
	return time.Duration(float64(latestSeen) * math.Pow(float64(earliestSeen)/float64(latestSeen), share))
}
