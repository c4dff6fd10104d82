package live

import (
	"sync/atomic"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// Audience is a group of watchers who may know the same about other people.
type Audience uint8

// The audiences. People who hide when they were last seen don't learn it of others either.
const (
	Full      Audience = iota
	Reticent           // without last seen
	Audiences          // how many there are
)

// AudienceOf is the audience that p belongs to.
func AudienceOf(p accounts.Person) Audience {
	if p.Precision == accounts.Nobody {
		return Reticent
	}
	return Full
}

// Row is all that one audience may know of one person. It's comparable: equal rows are the same news. Times are UTC, and
// no more precise than what may be shown.
type Row struct {
	ID, Username, Name, Team string

	State       presence.State
	Since       time.Time // when State began; zero while offline, and where it isn't known
	Text, Emoji string
	Until       time.Time // when Text, or else State, ends; zero: never, or not shown

	// When an offline person was last seen, in a word (today, this week, this month, long ago) or to the minute. At most
	// one of the two is set, depending on what the person lets others see.
	Seen   string
	SeenAt time.Time

	Stale bool // what was last known: the replica that knows better can't be reached
}

// NewRow is the one projection: whatever a watcher learns about a person comes from here. It depends on the audience and
// never on the watcher, and an invisible person's row equals that of somebody who left.
func NewRow(p accounts.Person, v presence.View, to Audience, now time.Time) Row {
	row := Row{
		ID: p.ID, Username: p.Username, Name: p.DisplayName, Team: p.Team,
		State: v.State, Since: v.Since.Truncate(time.Second).UTC(),
		Text: v.Text, Emoji: v.Emoji, Until: v.Until.Truncate(time.Second).UTC(),
	}
	if v.State != presence.Offline || to == Reticent {
		return row
	}
	seen := p.LastSeen
	if v.LastSeen.After(seen) {
		seen = v.LastSeen
	}
	switch p.Precision {
	case accounts.Nobody:
	case accounts.Exact:
		row.SeenAt = seen.Truncate(time.Minute).UTC()
	default:
		row.Seen = seenWord(seen, now)
	}
	return row
}

// seenWord is the approximate last seen. Spans count back from now because a row must not depend on a watcher's calendar.
func seenWord(seen, now time.Time) string {
	const day = 24 * time.Hour
	switch ago := now.Sub(seen); {
	case seen.IsZero():
		return ""
	case ago < day:
		return "today"
	case ago < 7*day:
		return "this week"
	case ago < 30*day:
		return "this month"
	default:
		return "long ago"
	}
}

// Format names an encoding of rows and changes, such as HTML. A language would be another format.
type Format uint8

// The formats that are cached.
const (
	HTML        Format = iota
	HTMLPreview        // a row as others see it, for the page of its own person
	formats            // how many there are
)

// Entry is a row on its way to watchers, with its encoded bytes: a row is encoded once per change, audience and format,
// and the same bytes go to everyone. It never changes.
type Entry struct {
	Row     Row
	encoded encoded
}

// Encoded returns what encode makes of the row, cached. Nobody may change the bytes.
func (e *Entry) Encoded(f Format, encode func(Row) []byte) []byte {
	return e.encoded.get(f, func() []byte { return encode(e.Row) })
}

// encoded caches bytes by format. Two readers at once may both encode; one result stays.
type encoded [formats]atomic.Pointer[[]byte]

func (c *encoded) get(f Format, encode func() []byte) []byte {
	if made := c[f].Load(); made != nil {
		return *made
	}
	made := encode()
	if !c[f].CompareAndSwap(nil, &made) {
		return *c[f].Load()
	}
	return made
}
