package ui

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// The states of a person, as they stand in data-state.
const (
	Online  = "online"
	Away    = "away"
	DND     = "dnd"
	Offline = "offline"
)

// Label is the word shown for a state, "" for an unknown one.
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

// Row is one person on the board as everybody may see them.
type Row struct {
	UID, Username, Name string
	// Team is shown where a list isn't divided by team; TeamKey tells teams apart.
	Team, TeamKey string
	// State is online, away, dnd or offline.
	State string
	// Since is when the state began; zero: not told. It is never told for
	// people who are offline.
	Since time.Time
	// Text and Emoji are the person's own status.
	Text, Emoji string
	// Until is when Text, or else the state, ends; zero: not told.
	Until time.Time
	// Seen is roughly when somebody offline was last here ("today", "this week",
	// "this month", "long ago"), SeenAt exactly; "" and zero: not told. At most
	// one of the two is given.
	Seen   string
	SeenAt time.Time
	// Stale: what is shown is what was last known, for the server this person is connected to cannot be heard.
	Stale bool
}

// rowView is what the template of a row reads. It is flat, and holds what the
// template would otherwise have to work out, because that halves the time.
type rowView struct {
	UID, Username, Name, State string
	Team, TeamID               string
	Hue, Initials, Label       string
	Since, Until               moment
	Seen                       string
	SeenAt                     moment
	Emoji, Text                string
	Said, Stale                bool
}

// moment is a time on a row: for the own script, and in words for those without it. The zero moment is not shown.
type moment struct{ At, Text string }

// momentOf is t in UTC, to the second for the script; layout is for people.
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

// Row renders one person: an <li> without any space around it, because a morph
// would leave such space behind in the list. The bytes are the same for every
// viewer and depend on nothing but r, so they may be kept and sent to all.
// An unknown state is an error.
func (u *UI) Row(r Row) ([]byte, error) {
	label := Label(r.State)
	if label == "" {
		return nil, fmt.Errorf("ui: row of %s: unknown state %q", r.UID, r.State)
	}
	v := rowView{
		UID: r.UID, Username: r.Username, Name: r.Name, State: r.State, Team: r.Team, TeamID: TeamID(r.TeamKey),
		Hue: strconv.Itoa(Hue(r.UID)), Initials: Initials(r.Name), Label: label,
		Text: r.Text, Emoji: r.Emoji, Said: r.Text != "" || r.Emoji != "", Stale: r.Stale,
	}
	v.Until = momentOf(r.Until, untilLayout)
	if r.State == Offline {
		v.Seen, v.SeenAt = r.Seen, momentOf(r.SeenAt.Truncate(time.Minute), seenLayout)
	} else {
		v.Since = momentOf(r.Since, sinceLayout)
	}
	var b bytes.Buffer
	b.Grow(640)
	if err := u.row.Execute(&b, &v); err != nil {
		return nil, fmt.Errorf("ui: render row of %s: %w", r.UID, err)
	}
	return b.Bytes(), nil
}

// Hue picks one of the eight colours of avatars, 0 to 7, always the same for a user.
func Hue(uid string) int {
	h := fnv.New32a()
	h.Write([]byte(uid))
	return int(h.Sum32() % 8)
}

// Initials are one or two characters for an avatar, of any script: the first of
// the first word and the first of the last, with the marks that belong to them.
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

// initial is the first letter or digit of a word and the marks on it, "" if there is none.
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

// symbol is the first thing that can be seen in a name without letters.
func symbol(name string) string {
	for _, r := range name {
		if unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.IsMark(r) {
			return string(r)
		}
	}
	return "?"
}
