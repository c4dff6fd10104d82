package command

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// mostPlayers is how many people come and go. On a larger board, the others stay away. As many of these are here as fit
// on one page.
const mostPlayers = 320

// player is one simulated person. Only the cast's goroutine uses it.
type player struct {
	id, username string

	conn    *presence.Connection // nil while offline
	hidden  bool                 // here, but the page is hidden
	status  accounts.Status      // set last
	onLeave bool                 // doesn't come back
	moved   int                  // the step of the last arrival or departure
}

// statusStore is the part of accounts that the cast needs.
type statusStore interface {
	SetStatus(ctx context.Context, userID string, w accounts.Status, lasts string) error
	ChangePreferences(ctx context.Context, userID string, change func(*accounts.Preferences)) error
	StampSeen(ctx context.Context, seen map[string]time.Time) error
	Sessions(ctx context.Context, userID string) ([]accounts.Session, error)
}

// cast simulates an ordinary day at the office, sped up. It does only what real people's browsers can do.
type cast struct {
	store   statusStore
	tracker *presence.Tracker
	earlier presence.Registry // see demoTracker
	players []*player
	chance  *rand.Rand
	steps   int     // taken so far
	last    *player // acted last, so someone else is next
}

// newCast returns a cast of people, none of whom is here yet.
func newCast(
	store statusStore, tracker *presence.Tracker, earlier presence.Registry, people []*player, chance *rand.Rand,
) *cast {
	return &cast{store: store, tracker: tracker, earlier: earlier, players: slices.Clone(people), chance: chance}
}

// play sets up the initial state, and then makes something happen every two to four seconds until ctx ends.
func (c *cast) play(ctx context.Context) error {
	if err := c.open(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	if !c.pause(ctx) {
		return nil
	}
	c.handOver()
	for c.pause(ctx) {
		if err := c.step(ctx); err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

// pause waits until it's time for the next step. It returns false if ctx has ended.
func (c *cast) pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(2*time.Second + time.Duration(c.chance.Int64N(int64(2*time.Second)))):
		return true
	}
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

// step makes one player do one visible thing: most often arrive or leave.
func (c *cast) step(ctx context.Context) error {
	if err := c.releaseVisited(ctx); err != nil || len(c.players) == 0 {
		return err
	}
	c.keepTyping()
	c.steps++
	usual, slack := c.usual()
	luck, here := c.chance.Float64(), c.here()
	arrives, leaves := here < usual+slack && luck < 0.38, here > usual-slack && luck < 0.74
	switch {
	case arrives && c.someoneArrives(), leaves && c.someoneLeaves():
		return nil
	case luck < 0.74 && (c.someoneArrives() || c.someoneLeaves()):
		return nil
	case luck < 0.87 && c.someoneTurns():
		return nil
	}
	return c.someoneSays(ctx)
}

// usual returns how many players are usually here, and by how many the number varies. With the visitor, 35 of 60 people
// are here.
func (c *cast) usual() (here, slack int) {
	here = (len(c.players)*35 + 30) / 60
	return here, max(2, here/20)
}

func (c *cast) here() (n int) {
	for _, p := range c.players {
		if p.conn != nil {
			n++
		}
	}
	return n
}

// pick returns a player who can act, or nil. It's never the one who acted last, unless there is no other.
func (c *cast) pick(can func(*player) bool) *player {
	all := c.all(can)
	if len(all) == 0 {
		return nil
	}
	c.last = all[c.chance.IntN(len(all))]
	return c.last
}

// pickPatient is pick among the half that neither arrived nor left for the longest time, so that nobody who has just
// left is back at once.
func (c *cast) pickPatient(can func(*player) bool) *player {
	all := c.all(can)
	if len(all) == 0 {
		return nil
	}
	slices.SortStableFunc(all, func(a, b *player) int { return cmp.Compare(a.moved, b.moved) })
	c.last = all[c.chance.IntN((len(all)+1)/2)]
	c.last.moved = c.steps
	return c.last
}

func (c *cast) all(can func(*player) bool) (all []*player) {
	for _, p := range c.players {
		if can(p) && (p != c.last || len(c.players) == 1) {
			all = append(all, p)
		}
	}
	return all
}

func (c *cast) someoneArrives() bool {
	p := c.pickPatient(func(p *player) bool { return p.conn == nil && !p.onLeave })
	if p != nil {
		c.arrive(p)
	}
	return p != nil
}

func (c *cast) someoneLeaves() bool {
	p := c.pickPatient(func(p *player) bool { return p.conn != nil })
	if p != nil {
		p.conn.Leave(presence.Clean)
		p.conn, p.hidden = nil, false
	}
	return p != nil
}

// someoneTurns makes someone look at another page, or back at this one. Their state shows it, unless a status sets
// that.
func (c *cast) someoneTurns() bool {
	turned := c.all(func(p *player) bool { return p.hidden })
	hide := len(turned)*7 < c.here() && c.chance.IntN(2) == 0
	can := func(hide bool) func(*player) bool {
		return func(p *player) bool { return p.conn != nil && p.hidden != hide && !p.statusSetsState() }
	}
	p := c.pick(can(hide))
	if p == nil && !hide {
		hide = true
		p = c.pick(can(hide))
	}
	if p != nil {
		c.setHidden(p, hide)
	}
	return p != nil
}

// someoneSays makes someone who is here set a status, or remove one that sets their state. At most a fifth of those
// here have such a status.
func (c *cast) someoneSays(ctx context.Context) error {
	busy := func(p *player) bool { return p.conn != nil && p.statusSetsState() }
	if n := len(c.all(busy)); n*5 >= c.here() && n > 0 {
		return c.setStatus(ctx, c.pick(busy), accounts.Status{}, accounts.LastsForever)
	}
	p := c.pick(func(p *player) bool { return p.conn != nil && !p.hidden })
	switch {
	case p == nil:
		return nil
	case p.statusSetsState():
		return c.setStatus(ctx, p, accounts.Status{}, accounts.LastsForever)
	}
	said := c.choose(demoStatuses)
	status, err := said.starting(time.Now())
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	return c.setStatus(ctx, p, status, said.lasts)
}

// choose returns a status that nobody has, if there is one.
func (c *cast) choose(from []demoStatus) demoStatus {
	free := slices.DeleteFunc(slices.Clone(from), func(s demoStatus) bool {
		return slices.ContainsFunc(c.players, func(p *player) bool {
			return p.statusActive() && p.status.Text == s.text && p.status.Emoji == s.emoji
		})
	})
	if len(free) == 0 {
		free = from
	}
	return free[c.chance.IntN(len(free))]
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
	p.conn = c.tracker.Join(p.id, presence.Client{Phone: true}, presence.Activity{Hidden: p.hidden})
}

func (c *cast) setHidden(p *player, hidden bool) {
	p.hidden = hidden
	p.conn.Record(presence.Activity{Hidden: hidden})
}

func (c *cast) setStatus(ctx context.Context, p *player, status accounts.Status, lasts string) error {
	p.status = status
	if err := c.store.SetStatus(accounts.As(ctx, accounts.ByUser(p.id)), p.id, status, lasts); err != nil {
		return fmt.Errorf("demo: set the status %q of %s: %w", status.Text, p.username, err)
	}
	return nil
}

// statusActive reports whether the player has a status that hasn't expired.
func (p *player) statusActive() bool {
	return p.status != accounts.Status{} && (p.status.Until.IsZero() || time.Now().Before(p.status.Until))
}

func (p *player) statusSetsState() bool { return p.status.State != "" && p.statusActive() }
