package command

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// player is one person of the demo whom the cast plays. Only the cast's goroutine touches it.
type player struct {
	id, username string

	line   *presence.Connection // nil: not here
	aside  bool                 // here, but looking elsewhere
	set    bool                 // has a status
	ends   time.Time            // when the status expires; zero: never
	states bool                 // the status sets a state
}

// statusStore is what the cast needs of accounts.
type statusStore interface {
	SetStatus(ctx context.Context, userID string, w accounts.Status, lasts string) error
	StampSeen(ctx context.Context, seen map[string]time.Time) error
	Sessions(ctx context.Context, userID string) ([]accounts.Session, error)
}

// cast plays an ordinary day at the office, quickly: it uses nothing that a real person's browser does not.
type cast struct {
	store   statusStore
	tracker *presence.Tracker
	players []*player
	chance  *rand.Rand
	last    *player // who did something last, and so rests now
}

func newCast(store statusStore, tracker *presence.Tracker, players []*player, chance *rand.Rand) *cast {
	return &cast{store: store, tracker: tracker, players: players, chance: chance}
}

// play opens the scene and lets something happen every two seconds or so, until ctx ends.
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

// open puts about three in four in their places, a few of them looking elsewhere or with something to say. The others
// were here some time in the last weeks.
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
			if err := c.speak(ctx, p); err != nil {
				return err
			}
		}
	}
	return c.store.StampSeen(accounts.As(ctx, accounts.System), seen)
}

// releaseVisited drops everyone whom a visitor has signed in as, so that the cast doesn't overwrite what the visitor does. The
// cast itself has no sessions.
func (c *cast) releaseVisited(ctx context.Context) error {
	var left []*player
	for _, p := range c.players {
		sessions, err := c.store.Sessions(ctx, p.id)
		switch {
		case err != nil:
			return fmt.Errorf("demo: %w", err)
		case len(sessions) == 0:
			left = append(left, p)
		case p.line != nil:
			p.line.Leave(presence.Clean) // its grace lasts until the visitor's page is live
		}
	}
	c.players = left
	return nil
}

// step lets one person do one thing that shows.
func (c *cast) step(ctx context.Context) error {
	if err := c.releaseVisited(ctx); err != nil || len(c.players) == 0 {
		return err
	}
	c.keepTyping()
	p := c.pick()
	c.last = p
	luck := c.chance.Float64()
	switch {
	case p.line == nil:
		c.arrive(p)
	case p.aside && luck < 0.85:
		c.setHidden(p, false)
	case p.speaking() && p.states:
		return c.setStatus(ctx, p, accounts.Status{})
	case luck < 0.2 || p.aside:
		p.line.Leave(presence.Clean)
		p.line, p.aside = nil, false
	case luck < 0.4:
		c.setHidden(p, true)
	default:
		return c.speak(ctx, p)
	}
	return nil
}

// pick chooses who is next: somebody absent when the office gets empty, else anybody but the last one.
func (c *cast) pick() *player {
	here, absent := 0, []*player(nil)
	for _, p := range c.players {
		if p.line != nil {
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

// keepTyping is the input of all who look at their pages: without it they would be idle in the end.
func (c *cast) keepTyping() {
	for _, p := range c.players {
		if p.line != nil && !p.aside {
			p.line.Record(presence.Activity{})
		}
	}
}

// arrive opens a page on a phone: of phones alone it is known at once when nobody looks.
func (c *cast) arrive(p *player) {
	p.line = c.tracker.Join(p.id, presence.Client{Phone: true}, presence.Activity{})
}

func (c *cast) setHidden(p *player, aside bool) {
	p.aside = aside
	p.line.Record(presence.Activity{Hidden: aside})
}

// sayings are what people set by hand. Those with a state expire.
var sayings = []accounts.Status{
	{State: "dnd", Emoji: "🎧", Text: "Heads down until this builds"},
	{State: "dnd", Emoji: "📞", Text: "On a call"},
	{State: "dnd", Emoji: "🔥", Text: "Incident 4121, reachable by phone"},
	{State: "dnd", Emoji: "🎨", Text: "In a workshop"},
	{State: "away", Emoji: "🍜", Text: "Lunch"},
	{State: "away", Emoji: "☕", Text: "Coffee, anybody?"},
	{State: "away", Emoji: "🚲", Text: "On my way home, back online tonight"},
	{Emoji: "✅", Text: "Happy to review"},
	{Emoji: "🏡", Text: "Working from home"},
	{Emoji: "🐛", Text: "Bug duty this week"},
	{Emoji: "🌊", Text: "Lisbon until Friday"},
	{Text: "Ask me about the new board"},
	{Emoji: "🎂"},
}

// speak sets one of the sayings.
func (c *cast) speak(ctx context.Context, p *player) error {
	status := sayings[c.chance.IntN(len(sayings))]
	if status.State != "" {
		status.Until = time.Now().Add(time.Minute + time.Duration(c.chance.Int64N(int64(4*time.Minute))))
	}
	return c.setStatus(ctx, p, status)
}

func (c *cast) setStatus(ctx context.Context, p *player, status accounts.Status) error {
	p.set, p.states, p.ends = status != accounts.Status{}, status.State != "", status.Until
	if err := c.store.SetStatus(accounts.As(ctx, accounts.ByUser(p.id)), p.id, status, accounts.LastsForever); err != nil {
		return fmt.Errorf("demo: %s says %q: %w", p.username, status.Text, err)
	}
	return nil
}

// speaking reports whether the player has a status that has not expired.
func (p *player) speaking() bool {
	return p.set && (p.ends.IsZero() || time.Now().Before(p.ends))
}
