package command

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// player is one simulated person. Only the cast's goroutine uses it.
type player struct {
	id, username string

	conn      *presence.Connection // nil while offline
	hidden    bool                 // online, but the page is hidden
	hasStatus bool
	hasState  bool      // the status sets a state
	expires   time.Time // of the status; zero means never
}

// statusStore is the part of accounts that the cast needs.
type statusStore interface {
	SetStatus(ctx context.Context, userID string, w accounts.Status, lasts string) error
	StampSeen(ctx context.Context, seen map[string]time.Time) error
	Sessions(ctx context.Context, userID string) ([]accounts.Session, error)
}

// cast simulates an ordinary day at the office, sped up. It does only what real people's browsers can do.
type cast struct {
	store   statusStore
	tracker *presence.Tracker
	players []*player
	chance  *rand.Rand
	last    *player // acted last, so someone else is next
}

func newCast(store statusStore, tracker *presence.Tracker, players []*player, chance *rand.Rand) *cast {
	return &cast{store: store, tracker: tracker, players: players, chance: chance}
}

// play sets up the initial state, and then makes something happen about every two seconds until ctx ends.
func (c *cast) play(ctx context.Context) error {
	if err := c.open(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	for {
		pause := time.Second + time.Duration(c.chance.Int64N(int64(2*time.Second)))
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		if err := c.step(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
}

// open connects about three quarters of the players, some of them with a hidden page or a status. The others were last
// online some time in the past weeks.
func (c *cast) open(ctx context.Context) error {
	seen := map[string]time.Time{}
	for i, at := range c.chance.Perm(len(c.players)) {
		p := c.players[at]
		switch {
		case i%4 == 0:
			days := c.chance.ExpFloat64() * 4
			seen[p.id] = time.Now().Add(-time.Hour - time.Duration(days*24)*time.Hour)
			continue
		case i%7 == 1:
			c.arrive(p)
			c.setHidden(p, true)
		default:
			c.arrive(p)
		}
		if i%2 == 1 {
			if err := c.setRandomStatus(ctx, p); err != nil {
				return err
			}
		}
	}
	return c.store.StampSeen(accounts.As(ctx, accounts.System), seen)
}

// releaseVisited drops every player whom a visitor has signed in as, so that the cast doesn't overwrite the visitor's
// changes. The cast itself has no sessions.
func (c *cast) releaseVisited(ctx context.Context) error {
	var left []*player
	for _, p := range c.players {
		sessions, err := c.store.Sessions(ctx, p.id)
		switch {
		case err != nil:
			return fmt.Errorf("demo: %w", err)
		case len(sessions) == 0:
			left = append(left, p)
		case p.conn != nil:
			p.conn.Leave(presence.Clean) // the grace period lasts until the visitor's page is live
		}
	}
	c.players = left
	return nil
}

// step makes one player do one visible thing.
func (c *cast) step(ctx context.Context) error {
	if err := c.releaseVisited(ctx); err != nil || len(c.players) == 0 {
		return err
	}
	c.keepTyping()
	p := c.pick()
	c.last = p
	luck := c.chance.Float64()
	switch {
	case p.conn == nil:
		c.arrive(p)
	case p.hidden && luck < 0.85:
		c.setHidden(p, false)
	case p.statusActive() && p.hasState:
		return c.setStatus(ctx, p, accounts.Status{})
	case luck < 0.2 || p.hidden:
		p.conn.Leave(presence.Clean)
		p.conn, p.hidden = nil, false
	case luck < 0.4:
		c.setHidden(p, true)
	default:
		return c.setRandomStatus(ctx, p)
	}
	return nil
}

// pick chooses who acts next: someone offline if too few people are online, or else anyone but the last player.
func (c *cast) pick() *player {
	here, absent := 0, []*player(nil)
	for _, p := range c.players {
		if p.conn != nil {
			here++
		} else if p != c.last {
			absent = append(absent, p)
		}
	}
	if here*3 < len(c.players)*2 && len(absent) > 0 {
		return absent[c.chance.IntN(len(absent))]
	}
	for {
		if p := c.players[c.chance.IntN(len(c.players))]; p != c.last || len(c.players) == 1 {
			return p
		}
	}
}

// keepTyping records input for everyone with a visible page. Otherwise, they would become idle.
func (c *cast) keepTyping() {
	for _, p := range c.players {
		if p.conn != nil && !p.hidden {
			p.conn.Record(presence.Activity{})
		}
	}
}

// arrive opens a page on a phone, because only on phones does hiding the page make a person away at once.
func (c *cast) arrive(p *player) {
	p.conn = c.tracker.Join(p.id, presence.Client{Phone: true}, presence.Activity{})
}

func (c *cast) setHidden(p *player, hidden bool) {
	p.hidden = hidden
	p.conn.Record(presence.Activity{Hidden: hidden})
}

// demoStatuses are the statuses that players set. Those with a state expire.
var demoStatuses = []accounts.Status{
	{State: "dnd", Emoji: "🎧", Text: "Heads down until this builds"},
	{State: "dnd", Emoji: "📞", Text: "On a call"},
	{State: "dnd", Emoji: "🔥", Text: "Incident 4121, reachable by phone"},
	{State: "dnd", Emoji: "🎨", Text: "In a workshop"},
	{State: "away", Emoji: "🍜", Text: "Lunch"},
	{State: "away", Emoji: "☕", Text: "Coffee, anyone?"},
	{State: "away", Emoji: "🚲", Text: "On my way home, back online tonight"},
	{Emoji: "✅", Text: "Happy to review"},
	{Emoji: "🏡", Text: "Working from home"},
	{Emoji: "🐛", Text: "Bug duty this week"},
	{Emoji: "🌊", Text: "Lisbon until Friday"},
	{Text: "Ask me about the new board"},
	{Emoji: "🎂"},
}

func (c *cast) setRandomStatus(ctx context.Context, p *player) error {
	status := demoStatuses[c.chance.IntN(len(demoStatuses))]
	if status.State != "" {
		status.Until = time.Now().Add(time.Minute + time.Duration(c.chance.Int64N(int64(4*time.Minute))))
	}
	return c.setStatus(ctx, p, status)
}

func (c *cast) setStatus(ctx context.Context, p *player, status accounts.Status) error {
	p.hasStatus, p.hasState, p.expires = status != accounts.Status{}, status.State != "", status.Until
	if err := c.store.SetStatus(accounts.As(ctx, accounts.ByUser(p.id)), p.id, status, accounts.LastsForever); err != nil {
		return fmt.Errorf("demo: set the status %q of %s: %w", status.Text, p.username, err)
	}
	return nil
}

// statusActive reports whether the player has a status that hasn't expired.
func (p *player) statusActive() bool {
	return p.hasStatus && (p.expires.IsZero() || time.Now().Before(p.expires))
}
