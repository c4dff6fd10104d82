// Package presence knows who is here now.
//
// A state is a pure function (Resolve) of live leases and the time: a person's connections, their status, and
// the claims of integrations. The Tracker holds the leases of this replica, asks a Registry what other replicas know,
// and tells subscribers whose view may have changed.
//
// Users are opaque ids. The package refuses to know accounts, names, HTTP, sockets or SQL, and keeps no history: the
// only thing of the past is one stamp a person, the last input.
package presence

import "time"

// State is what a watcher is told about a person.
type State string

// The four states. There is no other: invisible is a setting and looks like Offline.
const (
	Online  State = "online"
	Away    State = "away"
	DND     State = "dnd"
	Offline State = "offline"
)

// Status is what a person set by hand. The zero Status says nothing.
type Status struct {
	State State     // Online, Away or DND; empty leaves the state to connections and claims
	Text  string    // shown while offline, too
	Emoji string    // one, beside the text
	Until time.Time // when it ends; zero: never
	SetAt time.Time
}

// Claim is a status set by an integration under a key. It always ends.
type Claim struct {
	Key   string
	State State // Away, DND or empty for text alone
	Text  string
	Emoji string
	Until time.Time
	SetAt time.Time
}

// Facts are what accounts know about a person that bears on their status. The zero Facts are those of most people.
type Facts struct {
	Status         Status
	Claims         []Claim
	Invisible      bool
	InvisibleSince time.Time
	Disabled       bool
	IdleAfter      time.Duration // 0: the default of the Config; below 0: never idle
	AsOf           int64         // the revision of the accounts at which they were read; the Tracker keeps it if others need it
}

// plain reports whether f says nothing, so that nothing need be kept for it.
func (f *Facts) plain() bool {
	return f.Status == Status{} && len(f.Claims) == 0 && !f.hidden() && f.IdleAfter == 0 && f.AsOf == 0
}

// hidden reports whether nobody may see the person here.
func (f *Facts) hidden() bool { return f.Invisible || f.Disabled }

// idleAfter is the person's own choice, or else usual.
func (f *Facts) idleAfter(usual time.Duration) time.Duration {
	if f.IdleAfter != 0 {
		return f.IdleAfter
	}
	return usual
}

// View is all that one watcher may see of one person. Two people with equal views cannot be told apart.
type View struct {
	Listed   bool // false: a disabled account, on no board at all
	State    State
	Since    time.Time // when State began; zero while offline, and where it is not known
	Text     string
	Emoji    string
	Until    time.Time // when the status or claim behind State or Text ends; zero: not told
	LastSeen time.Time // while offline: the last input as far as this process knows; zero: ask accounts

	// Elsewhere: only other replicas say that the person is here, so this is only as right as what they last said.
	Elsewhere bool
}

// Rule names the row of the table of rules that decided a state.
type Rule uint8

// The rules in the order in which they are asked (DESIGN: "Status: the rules").
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
	Until time.Time     // end of the status or claim that decided; zero: none
	Idle  time.Duration // idle-after in force, with ByInput and ByIdleness; below 0: never idle
}

// Self is what a person is told of themself.
type Self struct {
	View    View // as every watcher has it
	Why     Why
	Devices int // sign-ins with a live connection, over all replicas
}

// Lease is one connection: a tab, a device, a script.
type Lease struct {
	Input  time.Time // the last input
	Hidden bool      // the page cannot be seen
	Phone  bool      // with Hidden: the person has turned away
	Locked bool      // the screen is locked
	Until  time.Time // zero: open; else it has closed and counts, as it was, until then (grace)
}

// live reports whether l still counts at now.
func (l *Lease) live(now time.Time) bool { return l.Until.IsZero() || now.Before(l.Until) }

// attentive reports whether input on l can make its person online.
func (l *Lease) attentive() bool { return !l.Locked && (!l.Hidden || !l.Phone) }

// Digest is what one replica tells the others about its connections of one person. The zero Digest says that it has
// none. It carries no clock reading that another replica would compare: only the owner decides when Active ends.
//
// A replica that can't reach the accounts learns from it that a person was hidden or shown. See Tracker.learnLocked.
type Digest struct {
	Connected bool
	Active    bool      // some connection had input within idle-after, and its page has the person's attention
	Since     time.Time // when the person's present state began, as this replica saw it; for display alone
	Devices   string    // marks of the sign-ins that are connected, for counting over replicas; see devices.go

	Invisible bool
	Disabled  bool
	AsOf      int64 // the revision of the accounts that Invisible and Disabled come from; 0: they say nothing
}
