package presence

import (
	"math"
	"slices"
	"strings"
	"time"
)

// Connection is one open socket of a user in a Tracker, or a device that heartbeats keep connected.
type Connection struct {
	tracker *Tracker
	person  *person
	session string
	mark    string // of session, or of key
	key     string // of a device that heartbeats keep connected; "" for a socket

	info    ConnInfo // guarded by Tracker.mu, like those below
	assumed bool     // the client hasn't said when the last input was; Input is when it connected
	closed  bool     // Leave was called, or the user was forgotten
}

// Client describes a connection. It never changes.
type Client struct {
	Session string // the sign-in it belongs to; End ends all connections of a session
	Phone   bool   // a hidden page means that its person isn't active
}

// Activity is what a client reports.
type Activity struct {
	Ago    time.Duration // since the last input, by the client's clock; never negative; NoInput if unknown
	Hidden bool          // the page isn't visible
}

// NoInput is the Ago of an Activity without a time of input.
const NoInput = time.Duration(math.MaxInt64)

// LeaveReason is how a connection ended. It decides how long the connection still counts.
type LeaveReason uint8

// The ways a connection ends.
const (
	Dropped   LeaveReason = iota // it broke, timed out, or the server closed it: GraceDropped
	Clean                        // the browser closed it: GraceClean, long enough for a reload
	SignedOut                    // its session ended: no grace
)

// Join adds a connection of user. Without a time of input, it counts as active from now until the client reports one.
func (t *Tracker) Join(user string, client Client, a Activity) *Connection {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.personLocked(user)
	c := &Connection{
		tracker: t, person: p, session: client.Session, mark: markOf(client.Session),
		info: ConnInfo{Phone: client.Phone},
	}
	if a.Ago == NoInput {
		c.assumed, c.info.Input = true, time.Now()
	}
	c.recordLocked(a)
	p.conns = append(p.conns, c)
	t.updateLocked(p)
	return c
}

// Record records what the client reports. After the connection has ended, it does nothing.
func (c *Connection) Record(a Activity) {
	t := c.tracker
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.closed {
		return
	}
	c.recordLocked(a)
	t.updateLocked(c.person)
}

func (c *Connection) recordLocked(a Activity) {
	c.info.Hidden = a.Hidden
	if a.Ago == NoInput {
		return
	}
	now := time.Now()
	input := now.Add(-max(a.Ago, 0))
	if c.assumed || input.After(c.info.Input) {
		c.info.Input, c.assumed = input, false
	}
	c.person.inputLocked(input, now, c.tracker)
}

// inputLocked records input for last seen, unless the person is invisible.
func (p *person) inputLocked(input, now time.Time, t *Tracker) {
	if p.facts.Invisible || !input.After(p.input) {
		return
	}
	p.input = input
	if p.stamped.IsZero() {
		p.stamped = now // the first stamp is due after StampEvery, or when the person leaves
	}
	if now.Sub(p.stamped) >= t.cfg.StampEvery {
		t.stamps[p.user] = struct{}{}
	}
}

// presumeLocked records the time of connecting as input if the client never reported any.
func (c *Connection) presumeLocked(now time.Time) {
	if c.assumed {
		c.person.inputLocked(c.info.Input, now, c.tracker)
	}
}

// Leave ends the connection now. See LeaveAt.
func (c *Connection) Leave(why LeaveReason) { c.LeaveAt(why, time.Now()) }

// LeaveAt ends the connection at a time that may be in the past. From then on, it counts unchanged for the grace period
// of why. A second call does nothing.
func (c *Connection) LeaveAt(why LeaveReason, at time.Time) {
	t := c.tracker
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.closed || t.draining {
		return
	}
	c.endLocked(why, at, time.Now())
	t.updateLocked(c.person)
}

// endLocked ends c at a time. The caller updates its person.
func (c *Connection) endLocked(why LeaveReason, at, now time.Time) {
	c.closed = true
	c.presumeLocked(now)
	switch grace := c.tracker.cfg; why {
	case SignedOut:
		c.info.Until = now
	case Clean:
		c.info.Until = at.Add(grace.GraceClean)
	default:
		c.info.Until = at.Add(grace.GraceDropped)
	}
	c.mergeLocked()
}

// Beat connects a device without a socket, or keeps it connected. Its errors are ErrTTL, ErrDevices and ErrDraining.
func (t *Tracker) Beat(user string, h Heartbeat) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch p := t.people[user]; {
	case h.TTL < MinTTL || h.TTL > MaxTTL:
		return ErrTTL
	case t.draining:
		return ErrDraining
	case p != nil && p.device(markOfKey(h.Key)) == nil && len(p.devicesByKey(time.Now())) >= MaxDevices:
		return ErrDevices
	}
	p, now := t.personLocked(user), time.Now()
	c := p.device(markOfKey(h.Key))
	if c == nil {
		c = &Connection{tracker: t, person: p, mark: markOfKey(h.Key), key: h.Key}
		if h.Ago == NoInput {
			c.assumed, c.info.Input = true, now
		}
		p.conns = append(p.conns, c)
	}
	c.session, c.info.Until = h.Session, now.Add(h.TTL)
	c.recordLocked(h.Activity)
	t.updateLocked(p)
	return nil
}

// EndDevice ends a device without a socket, as if its browser closed it, also at the other replicas that got heartbeats
// of it.
func (t *Tracker) EndDevice(user, key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, mark, now := t.people[user], markOfKey(key), time.Now()
	if p == nil || t.draining {
		return
	}
	if c := p.device(mark); c != nil {
		c.endLocked(Clean, now, now)
	}
	if len(p.remote) > 0 {
		p.addEnding(mark, now)
	}
	t.updateLocked(p)
}

// Devices returns the devices without a socket that heartbeats to this replica keep connected, by key.
func (t *Tracker) Devices(user string) (devices []Device) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.people[user]; p != nil {
		for _, c := range p.devicesByKey(time.Now()) {
			devices = append(devices, Device{c.key, c.session, c.info.Input.UTC().Round(0), c.info.Until.UTC().Round(0)})
		}
	}
	return devices
}

// maxEnded is how many ended connections of one session may count at once. Further ones are merged.
const maxEnded = 8

// mergeLocked drops ended connections that make no difference next to c, which has just ended, so that a person who
// reconnects all the time uses little memory.
func (c *Connection) mergeLocked() {
	p, ended := c.person, 0
	var other *Connection
	p.conns = slices.DeleteFunc(p.conns, func(o *Connection) bool {
		if o == c || !o.closed || o.session != c.session || o.info.attentive() != c.info.attentive() {
			return false
		}
		if !o.info.Input.After(c.info.Input) && !o.info.Until.After(c.info.Until) {
			return true
		}
		ended++
		other = o
		return false
	})
	if ended < maxEnded {
		return
	}
	if other.info.Input.After(c.info.Input) {
		c.info.Input = other.info.Input
	}
	if other.info.Until.After(c.info.Until) {
		c.info.Until = other.info.Until
	}
	p.conns = slices.DeleteFunc(p.conns, func(o *Connection) bool { return o == other })
}

// End ends all connections of a session of user without grace, including those in their grace period.
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
			c.closed, c.info.Until = true, now
		}
	}
	t.updateLocked(p)
}

// OpenElsewhere reports whether user has a live connection of session to another replica, judging by its mark.
func (t *Tracker) OpenElsewhere(user, session string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, mark := t.people[user], markOf(session)
	return p != nil && slices.ContainsFunc(p.remote, func(d Digest) bool {
		return slices.Contains(strings.Split(d.Devices, markSep), mark)
	})
}

// connected reports whether p has a live connection anywhere.
func (p *person) connected(now time.Time) bool {
	return len(p.remote) > 0 || slices.ContainsFunc(p.conns, func(c *Connection) bool { return c.info.live(now) })
}

// pruneLocked removes connections whose grace period is over, and devices whose heartbeats have lapsed.
func (p *person) pruneLocked(now time.Time) {
	p.conns = slices.DeleteFunc(p.conns, func(c *Connection) bool {
		if c.info.live(now) {
			return false
		}
		if !c.closed {
			c.closed = true
			c.presumeLocked(now)
		}
		return true
	})
	if len(p.conns) == 0 {
		p.conns = nil // most people are offline, so don't keep an empty array
	}
}
