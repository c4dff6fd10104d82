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
	session string
	mark    string // of session

	lease   Lease // guarded by Tracker.mu, like those below
	assumed bool  // the client has not told when the last input was; Input is when it connected
	gone    bool  // Leave was called, or the user was forgotten
}

// Client is what is known of a connection from the start.
type Client struct {
	Session string // the login it belongs to; connections of one session can be ended together
	Phone   bool   // a hidden page means that its person has turned away
}

// Activity is what a client says of itself.
type Activity struct {
	Ago    time.Duration // since the last input, by the client's clock; never negative; NoInput: it does not say
	Hidden bool          // the page cannot be seen
}

// NoInput is the Ago of an Activity that says nothing about input.
const NoInput = time.Duration(math.MaxInt64)

// How tells how a connection ended, and so how long it counts on.
type How uint8

// Ways to leave.
const (
	Dropped   How = iota // it broke, fell silent, or the server closed it: GraceDropped
	Clean                // the browser closed it: GraceClean, in which a reload comes back
	SignedOut            // its session ended: not at all
)

// Join adds a connection of user. One that does not say when the last input was counts as active from now, until it
// does say.
func (t *Tracker) Join(user string, client Client, a Activity) *Connection {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.personLocked(user)
	c := &Connection{tracker: t, person: p, session: client.Session, mark: markOf(client.Session), lease: Lease{Phone: client.Phone}}
	if a.Ago == NoInput {
		c.assumed, c.lease.Input = true, time.Now()
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
	if c.assumed || input.After(c.lease.Input) {
		c.lease.Input, c.assumed = input, false
	}
	c.person.inputLocked(input, now, c.tracker)
}

// inputLocked notes that there was input, for last seen. While its person is invisible nothing is noted.
func (p *person) inputLocked(input, now time.Time, t *Tracker) {
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

// presumeLocked is for when the person goes: whoever never said anything was here when they connected.
func (c *Connection) presumeLocked(now time.Time) {
	if c.assumed {
		c.person.inputLocked(c.lease.Input, now, c.tracker)
	}
}

// Leave ends the connection now. See LeaveAt.
func (c *Connection) Leave(how How) { c.LeaveAt(how, time.Now()) }

// LeaveAt ends the connection, which was gone at a time that may be past. From then on, its person keeps it for the
// grace that how allows, as it was. A second call does nothing.
func (c *Connection) LeaveAt(how How, at time.Time) {
	t := c.tracker
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.gone || t.draining {
		return
	}
	c.gone = true
	now := time.Now()
	c.presumeLocked(now)
	switch how {
	case SignedOut:
		c.lease.Until = now
	case Clean:
		c.lease.Until = at.Add(t.cfg.GraceClean)
	default:
		c.lease.Until = at.Add(t.cfg.GraceDropped)
	}
	c.foldLocked()
	t.updateLocked(c.person)
}

// maxEnded is how many ended connections of one session count on beside each other. More are joined into the most
// generous of them.
const maxEnded = 8

// foldLocked drops ended connections that make no difference beside c, which has just ended, so that a person who
// connects and breaks off over and over holds no more than a few.
func (c *Connection) foldLocked() {
	p, ended := c.person, 0
	var other *Connection
	p.conns = slices.DeleteFunc(p.conns, func(o *Connection) bool {
		if o == c || !o.gone || o.session != c.session || o.lease.attentive() != c.lease.attentive() {
			return false
		}
		if !o.lease.Input.After(c.lease.Input) && !o.lease.Until.After(c.lease.Until) {
			return true
		}
		ended++
		other = o
		return false
	})
	if ended < maxEnded {
		return
	}
	if other.lease.Input.After(c.lease.Input) {
		c.lease.Input = other.lease.Input
	}
	if other.lease.Until.After(c.lease.Until) {
		c.lease.Until = other.lease.Until
	}
	p.conns = slices.DeleteFunc(p.conns, func(o *Connection) bool { return o == other })
}

// End ends all connections of a session of user without any grace, those that had left already and counted on too.
func (t *Tracker) End(user, session string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.people[user]
	if p == nil || t.draining {
		return
	}
	now := time.Now()
	for _, c := range p.conns {
		if c.session == session {
			c.gone, c.lease.Until = true, now
		}
	}
	t.updateLocked(p)
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
