package presence

import (
	"math"
	"slices"
	"time"
)

// Connection is one open socket of a user in a Tracker.
type Connection struct {
	tracker *Tracker
	person  *person
	lease   Lease // guarded by Tracker.mu
	gone    bool  // guarded by Tracker.mu; Leave was called, or the user was forgotten
}

// Activity is what a client says of itself.
type Activity struct {
	Ago    time.Duration // since the last input, by the client's clock; never negative
	Hidden bool          // the page cannot be seen
}

// NoInput is the Ago of an Activity that says nothing new about input.
const NoInput = time.Duration(math.MaxInt64)

// How tells how a connection ended, and so how long it counts on.
type How uint8

// Ways to leave.
const (
	Dropped   How = iota // it broke, fell silent, or the server closed it: GraceDropped
	Clean                // the browser closed it: GraceClean, in which a reload comes back
	SignedOut            // its session ended: not at all
)

// Join adds a connection of user. phone says that a hidden page means that its person has turned away.
func (t *Tracker) Join(user string, phone bool, a Activity) *Connection {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.personLocked(user)
	c := &Connection{tracker: t, person: p, lease: Lease{Phone: phone}}
	if a.Ago == NoInput {
		a.Ago = 0 // a client that does not tell counts as active when it connects
	}
	c.noteLocked(a)
	p.conns = append(p.conns, c)
	t.updateLocked(p)
	return c
}

// Note takes in what the client says. After the end of the connection it does nothing.
func (c *Connection) Note(a Activity) {
	t := c.tracker
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.gone {
		return
	}
	c.noteLocked(a)
	t.updateLocked(c.person)
}

func (c *Connection) noteLocked(a Activity) {
	c.lease.Hidden = a.Hidden
	if a.Ago == NoInput {
		return
	}
	now := time.Now()
	input := now.Add(-max(a.Ago, 0))
	if input.After(c.lease.Input) {
		c.lease.Input = input
	}
	p, t := c.person, c.tracker
	if p.facts.Invisible || !input.After(p.input) {
		return
	}
	p.input = input
	if p.stamped.IsZero() {
		p.stamped = now // the first stamp is due StampEvery after somebody came, or when they go
	}
	if now.Sub(p.stamped) >= t.cfg.StampEvery {
		t.stamps[p.user] = struct{}{}
	}
}

// Leave ends the connection. Its person keeps it for the grace that how allows, as it was. A second call does nothing.
func (c *Connection) Leave(how How) {
	t := c.tracker
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.gone || t.draining {
		return
	}
	c.gone = true
	switch how {
	case SignedOut:
		c.lease.Until = time.Now()
	case Clean:
		c.lease.Until = time.Now().Add(t.cfg.GraceClean)
	default:
		c.lease.Until = time.Now().Add(t.cfg.GraceDropped)
	}
	t.updateLocked(c.person)
}

// connected reports whether p has a live connection anywhere.
func (p *person) connected(now time.Time) bool {
	return len(p.remote) > 0 || slices.ContainsFunc(p.conns, func(c *Connection) bool { return c.lease.live(now) })
}

// pruneLocked forgets connections whose grace is over.
func (p *person) pruneLocked(now time.Time) {
	p.conns = slices.DeleteFunc(p.conns, func(c *Connection) bool { return !c.lease.live(now) })
	if len(p.conns) == 0 {
		p.conns = nil // most people are offline: keep no empty backing array
	}
}
