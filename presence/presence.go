// Package presence knows who is here now.
//
// A person's state is a pure function (Resolve) of their connections, their own status, the claims of integrations, and
// the time. The Tracker holds the connections to this replica, gets what other replicas know from a Registry, and names
// the people whose view may have changed to its subscribers.
//
// Users are opaque IDs. The package doesn't know accounts, names, HTTP, sockets or SQL. It keeps no history except one
// time per person, the last input.
package presence

import (
	"slices"
	"time"
)

// State is what watchers see of a person.
type State string

// The four states. Invisible people look Offline.
const (
	Online  State = "online"
	Away    State = "away"
	DND     State = "dnd"
	Offline State = "offline"
)

// Status is what a person set by hand. The zero Status says nothing.
type Status struct {
	State State     // Online, Away or DND; empty leaves the state to connections and claims
	Text  string    // shown even while offline
	Emoji string    // one, next to the text
	Until time.Time // when it ends; zero if never
	SetAt time.Time
}

// Claim is a status set by an integration under a key. It always ends.
type Claim struct {
	Key   string
	State State // Away, DND, or empty if the claim has only text
	Text  string
	Emoji string
	Until time.Time // what watchers are told about its end; zero if they aren't told
	Ends  time.Time // when it really ends, unless it's renewed; never after Until, and never told
	SetAt time.Time // the last change that watchers may see
}

// live reports whether c counts at now.
func (c *Claim) live(now time.Time) bool { return now.Before(c.Ends) }

// shown returns c without its real end, so that claims that differ only in that are equal.
func (c Claim) shown() Claim {
	c.Ends = time.Time{}
	return c
}

// Facts are what accounts know about a person that affects their state. Most people have the zero Facts.
type Facts struct {
	Status         Status
	Claims         []Claim
	Invisible      bool
	InvisibleSince time.Time
	Disabled       bool
	IdleAfter      time.Duration // 0 for the default in Config; negative for never idle
	AsOf           int64         // accounts revision they were read at; the Tracker keeps it if other replicas need it
}

// plain reports whether f says nothing, so the Tracker needn't keep it.
func (f *Facts) plain() bool {
	return f.Status == Status{} && len(f.Claims) == 0 && !f.hidden() && f.IdleAfter == 0 && f.AsOf == 0
}

// over reports whether f says nothing any more. A claim that has ended says nothing. If someone then sets the wall
// clock back, the claim is forgotten until the accounts are read again.
func (f *Facts) over(now time.Time) bool {
	rest := *f
	rest.Claims = nil
	return rest.plain() && !slices.ContainsFunc(f.Claims, func(c Claim) bool { return c.live(now) })
}

// hidden reports whether nobody may see that the person is connected.
func (f *Facts) hidden() bool { return f.Invisible || f.Disabled }

// idleAfter returns the person's own setting, or else usual.
func (f *Facts) idleAfter(usual time.Duration) time.Duration {
	if f.IdleAfter != 0 {
		return f.IdleAfter
	}
	return usual
}

// View is all that a watcher may see of a person. Watchers can't tell people with equal views apart.
type View struct {
	Listed bool // false if the account is disabled, so that no board lists it
	// Elsewhere means that the person is connected only to other replicas, so the view may be outdated if they can't be
	// reached.
	Elsewhere bool
	State     State
	Since     time.Time // when State began; zero while offline, or if unknown
	Text      string
	Emoji     string
	Until     time.Time // the end of the status or claim behind State or Text; zero if there's none to tell
	LastSeen  time.Time // while offline, the last input as far as this process knows; zero if only accounts know
}

// Rule is the rule that decided a state.
type Rule uint8

// The rules, in the order in which Resolve applies them.
const (
	ByDisabled     Rule = iota // 0: the account is disabled
	ByInvisible                // 1: the person is invisible
	ByNoConnection             // 2: no live connection
	ByStatus                   // 3: the person's own status
	ByClaim                    // 4: an integration's claim
	ByInput                    // 5: recent input
	ByIdleness                 // 6: otherwise
)

// Why is the reason for a state, for the person alone.
type Why struct {
	Rule  Rule
	Claim string        // the claim's key, with ByClaim
	Until time.Time     // end of the status or claim that decided; zero if there's none to tell
	Idle  time.Duration // the person's idle-after, with ByInput and ByIdleness; negative for never idle
}

// Self is what people see of themselves.
type Self struct {
	View    View // the same as for every watcher
	Why     Why
	Devices int      // sign-ins with a live connection, over all replicas
	Status  *Status  // their own, while it lasts; nil if none. Don't change it.
	Claims  *[]Claim // those that are live, without their real ends; nil if none. Don't change them.
}

// ConnInfo is what Resolve needs of one connection.
type ConnInfo struct {
	Input  time.Time // the last input
	Hidden bool      // the page isn't visible
	Phone  bool      // on a phone, a hidden page means that its person isn't active
	Locked bool      // the screen is locked
	Until  time.Time // zero while open; after the connection has closed, it counts until then (grace period)
}

// live reports whether the connection counts at now.
func (c *ConnInfo) live(now time.Time) bool { return c.Until.IsZero() || now.Before(c.Until) }

// attentive reports whether input on the connection can make its person online.
func (c *ConnInfo) attentive() bool { return !c.Locked && (!c.Hidden || !c.Phone) }

// Digest is what a replica tells the others about its connections of one person. The zero Digest means that it has
// none. No replica compares times of another one with its own clock: only the sender decides when Active ends.
//
// From Digests, a replica that can't reach the accounts learns who became hidden or visible. See Tracker.learnLocked.
type Digest struct {
	Connected bool
	Active    bool      // some attentive connection had input within idle-after
	Since     time.Time // when the person's state began, as the sender saw it; for display only
	Devices   string    // marks of what is connected, to count devices over replicas; see devices.go
	Ended     string    // devices without a socket that were ended here a moment ago; see Tracker.EndDevice

	Invisible bool
	Disabled  bool
	AsOf      int64 // accounts revision that Invisible and Disabled come from; 0 means ignore them
}
