package live

import (
	"sync/atomic"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// Audience is a group of watchers who may know the same about other people.
type Audience uint8

// The audiences. People who hide when they were last seen can't see it for others either.
const (
	Full      Audience = iota
	Reticent           // without last seen
	Audiences          // the number of audiences
)

// AudienceOf returns the audience that p belongs to.
func AudienceOf(p accounts.Person) Audience {
	if p.ShowLastSeen == accounts.Nobody {
		return Reticent
	}
	return Full
}

// Row is everything that one audience may know about one person. Rows are compared to find changes. Times are UTC, and
// no more precise than what may be shown.
type Row struct {
	ID, Username, Name, Team string
	Zone                     string // IANA name, of people who share their local time and aren't offline

	State       presence.State
	Since       time.Time // when State began; zero while offline or if unknown
	Text, Emoji string
	Until       time.Time // when Text, or else State, ends; zero if never or not shown

	// When an offline person was last seen, in words (today, this week, this month, long ago) or to the minute. At most
	// one of the two is set, depending on what the person lets others see.
	Seen   string
	SeenAt time.Time

	Stale bool // the last known state, because the replica that the person is connected to can't be reached
}

// NewRow returns what an audience may know about a person. Everything that watchers learn about people comes from here.
// It doesn't depend on the watcher, and an invisible person's row equals that of someone who left.
func NewRow(p accounts.Person, v presence.View, to Audience, now time.Time) Row {
	row := Row{
		ID: p.ID, Username: p.Username, Name: p.DisplayName, Team: p.Team,
		State: v.State, Since: v.Since.Truncate(time.Second).UTC(),
		Text: v.Text, Emoji: v.Emoji, Until: v.Until.Truncate(time.Second).UTC(),
	}
	if v.State != presence.Offline {
		row.Zone = p.Zone
	}
	if v.State != presence.Offline || to == Reticent {
		return row
	}
	seen := p.LastSeen
	if v.LastSeen.After(seen) {
		seen = v.LastSeen
	}
	switch p.ShowLastSeen {
	case accounts.Nobody:
	case accounts.Exact:
		row.SeenAt = seen.Truncate(time.Minute).UTC()
	default:
		row.Seen = seenWord(seen, now)
	}
	return row
}

// seenWord returns the approximate last seen. It counts back from now, because a row must not depend on the watcher's
// time zone.
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

// Format identifies an encoding of rows and changes, such as HTML.
type Format uint8

// The formats that are cached.
const (
	HTML       Format = iota
	JSON              // of rows, for programs
	Team              // of the section with the reader's own team
	Brief             // HTML for pages that have the names already
	TeamBrief         // the same, of rows in that section
	Wall              // of wall boards
	WallPlain         // of wall boards without the texts of statuses
	WallCounts        // of wall boards without people
	formats           // the number of formats
)

// Entry is a row with its cached encodings. A row is encoded once per change, audience and format, and everyone gets
// the same bytes. The row is immutable.
type Entry struct {
	Row     Row
	encoded encoded
}

// Encoded returns the result of encode, which it caches. Don't change the bytes.
func (e *Entry) Encoded(f Format, encode func(Row) []byte) []byte {
	return e.encoded.get(f, func() []byte { return encode(e.Row) })
}

// encoded caches bytes by format. Two concurrent readers may both encode, but only one result is kept.
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
