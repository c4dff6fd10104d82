package ui

import (
	"hash/fnv"
	"strings"
	"time"
	"unicode"
)

// The states of a person, as in the attribute data-state.
const (
	Online  = "online"
	Away    = "away"
	DND     = "dnd"
	Offline = "offline"
)

// Label returns the name of a state for display, or "" if the state is unknown.
func Label(state string) string {
	switch state {
	case Online:
		return "Online"
	case Away:
		return "Away"
	case DND:
		return "Do not disturb"
	case Offline:
		return "Offline"
	}
	return ""
}

// Row is one person on the board, with only what everyone may see.
type Row struct {
	UID, Username, Name string
	Team                string    // the name of the team, if the list isn't divided by team
	TeamKey             string    // identifies the team
	State               string    // online, away, dnd or offline
	Since               time.Time // when the state began; zero if not shown; ignored for people who are offline
	Zone                string    // IANA name of the time zone; "" if not shown
	Text, Emoji         string    // the person's own status
	Until               time.Time // when Text ends, or the state if there is no text; zero if not shown

	// Seen says roughly when an offline person was last here: "today", "this week", "this month" or "long ago". SeenAt
	// is the exact time. At most one of them is set.
	Seen   string
	SeenAt time.Time

	Stale bool // this is the last known state, because there are no live updates from the person's server

	// OwnTeam is for the section with the viewer's own team. The list may have a row of the same person, so only that
	// one has the username, which programs look for. Brief is for frames: what a change of state or status leaves as it
	// is on the page is left out.
	OwnTeam, Brief bool
}

// rowView is the data of the row template. It's flat and holds computed values, because this halves the time to render
// a row.
type rowView struct {
	ID, Username, Name, State string // ID is that of the element
	Team, TeamID              string
	Hue, Initials, Label      string
	Since, Until              moment
	Seen                      string
	SeenAt                    moment
	Emoji, Text, Zone         string
	Said, Stale               bool
	Twin                      bool // the list may have a row of the same person
}

// moment is a time for display: At for the page's script, and Text for pages without it. The zero moment isn't shown.
type moment struct{ At, Text string }

// momentOf returns t in UTC, with layout for Text.
func momentOf(t time.Time, layout string) moment {
	if t.IsZero() {
		return moment{}
	}
	t = t.UTC()
	return moment{t.Format(time.RFC3339), t.Format(layout)}
}

const (
	sinceLayout = "since 15:04 UTC, 2 Jan"
	untilLayout = "until 15:04 UTC, 2 Jan"
	seenLayout  = "15:04 UTC, 2 Jan"
)

// Hue returns the number of the color of a user's avatar, 0 to 7. It's always the same for a user.
func Hue(uid string) int {
	h := fnv.New32a()
	h.Write([]byte(uid))
	return int(h.Sum32() % 8)
}

// Initials returns the text of an avatar, in any script: the first characters of the first and the last word, with
// their combining marks.
func Initials(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool {
		return unicode.IsSpace(r) || r == '.' || r == '_'
	})
	var found []string
	for _, w := range words {
		if first := initial(w); first != "" {
			found = append(found, first)
		}
	}
	switch len(found) {
	case 0:
		return symbol(name)
	case 1:
		return found[0]
	}
	return found[0] + found[len(found)-1]
}

// initial returns the first letter or digit of a word with its combining marks, or "" if there is none.
func initial(word string) string {
	var b strings.Builder
	for _, r := range word {
		switch {
		case b.Len() == 0 && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			b.WriteRune(unicode.ToUpper(r))
		case b.Len() > 0 && unicode.IsMark(r) && b.Len() < 12:
			b.WriteRune(r)
		case b.Len() > 0:
			return b.String()
		}
	}
	return b.String()
}

// symbol returns the first visible character of a name without letters or digits.
func symbol(name string) string {
	for _, r := range name {
		if unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.IsMark(r) {
			return string(r)
		}
	}
	return "?"
}
