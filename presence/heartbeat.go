package presence

import (
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"time"
)

// Limits of heartbeats.
const (
	MinTTL     = 15 * time.Second
	MaxTTL     = 15 * time.Minute
	MaxDevices = 20 // without a socket, of one person, at each replica
)

// Errors of Tracker.Beat.
var (
	ErrTTL      = errors.New("a heartbeat must count for 15 s to 15 min")
	ErrDevices  = errors.New("this person has too many devices without a socket")
	ErrDraining = errors.New("this replica is stopping")
)

// Heartbeat says that a device without a socket, such as a script or a sensor, is connected. It's the device's
// connection until the next heartbeat with the same key. It exists in memory only, like every connection.
//
// Heartbeats of one device may reach different replicas. Each replica counts it until the last heartbeat there lapses,
// so the person stays present, and all replicas together count it as one device. Tracker.EndDevice ends it everywhere.
type Heartbeat struct {
	Key     string        // names the device among those of its person
	Session string        // what it belongs to, such as a token; Tracker.End ends all connections of a session
	TTL     time.Duration // it counts for this long without another one: MinTTL to MaxTTL
	Activity
}

// Device is a device that heartbeats to this replica keep connected.
type Device struct {
	Key, Session string
	Input        time.Time // the last input, or the first heartbeat if none is known
	Until        time.Time // when it lapses
}

// markOfKey returns the mark of a device without a socket. It's the same on every replica.
func markOfKey(key string) string { return markOf("heartbeat " + key) }

// device returns the connection that heartbeats with a mark keep, or nil.
func (p *person) device(mark string) *Connection {
	i := slices.IndexFunc(p.conns, func(c *Connection) bool { return c.key != "" && c.mark == mark && !c.closed })
	if i < 0 {
		return nil
	}
	return p.conns[i]
}

// devicesByKey returns the connections that heartbeats keep, by key.
func (p *person) devicesByKey(now time.Time) (all []*Connection) {
	for _, c := range p.conns {
		if c.key != "" && !c.closed && c.info.live(now) {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b *Connection) int { return strings.Compare(a.key, b.key) })
	return all
}

const (
	endingFor  = 30 * time.Second // how long a replica tells the others about the end of a device
	maxEndings = maxMarks
	endingSep  = "-" // between the mark of a device and what tells its endings apart
)

// endings are ends of devices without a socket. A replica tells its own to the others, which may have got earlier
// heartbeats of these devices.
type endings struct {
	own   []ending // the oldest first
	heard []string // the texts that the others tell
}

type ending struct {
	text  string // the mark of the device, and a random text, so that each ending counts once
	until time.Time
}

// addEnding has the other replicas end the device with a mark.
func (p *person) addEnding(mark string, now time.Time) {
	if p.endings == nil {
		p.endings = &endings{}
	}
	own := append(p.endings.own, ending{mark + endingSep + rand.Text()[:8], now.Add(endingFor)})
	p.endings.own = own[max(0, len(own)-maxEndings):]
}

// ownEndings returns the endings for the Digest, and when the first of them needn't be told any more. It forgets those
// that needn't be told now.
func (p *person) ownEndings(now time.Time) (text string, next time.Time) {
	e := p.endings
	if e == nil { // most people
		return "", time.Time{}
	}
	e.own = slices.DeleteFunc(e.own, func(o ending) bool { return !now.Before(o.until) })
	if len(e.own)+len(e.heard) == 0 {
		p.endings = nil
	}
	for _, o := range e.own {
		text += markSep + o.text
		next = soonest(next, o.until)
	}
	return strings.TrimPrefix(text, markSep), next
}

// hearEndings ends the devices whose endings other replicas tell for the first time. The caller updates p.
func (p *person) hearEndings(digests []Digest, now time.Time) {
	var heard []string
	for _, d := range digests {
		if d.Ended != "" {
			heard = append(heard, strings.Split(d.Ended, markSep)...)
		}
	}
	if p.endings == nil {
		if heard == nil { // most people
			return
		}
		p.endings = &endings{}
	}
	for _, text := range heard {
		mark, _, _ := strings.Cut(text, endingSep)
		if c := p.device(mark); c != nil && !slices.Contains(p.endings.heard, text) {
			c.endLocked(Clean, now, now)
		}
	}
	p.endings.heard = heard
}
