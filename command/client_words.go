package command

import (
	"cmp"
	"strings"
	"time"
	"unicode"

	"rollcall/command/client"
)

// stateWords says how a state is shown.
type stateWords struct {
	label, short, symbol, color string // color is an ANSI one
}

var states = map[string]stateWords{
	"online":  {"Online", "Online", "●", "32"},
	"away":    {"Away", "Away", "◐", "33"},
	"dnd":     {"Do not disturb", "Busy", "⊖", "31"},
	"offline": {"Offline", "Offline", "○", "2"},
}

// wordsOf returns how a state is shown. A server that is newer than this program may send others.
func wordsOf(state string) stateWords {
	if w, known := states[state]; known {
		return w
	}
	state = printable(state)
	return stateWords{state, state, "○", "2"}
}

// printable removes what could control a terminal from text of other people.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069' {
			return -1
		}
		return r
	}, text)
}

// saysOf returns a person's emoji and text.
func saysOf(u client.User) string {
	return strings.TrimSpace(printable(u.Emoji) + " " + printable(u.Text))
}

// nameOf returns what a person is called.
func nameOf(u client.User) string { return cmp.Or(printable(u.Name), printable(u.User)) }

// describeUser returns a state with its text and its end, such as "Do not disturb: 🎧 Deep work, until 14:00".
func describeUser(u client.User, now time.Time) string {
	line := wordsOf(u.State).label
	if says := saysOf(u); says != "" {
		line += ": " + says
	}
	if !u.Until.IsZero() {
		line += ", until " + clockTime(u.Until, now)
	}
	return line
}

// clockTime returns a time in the zone of this machine, with its day unless that's today.
func clockTime(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	switch {
	case t.Format(time.DateOnly) == now.Format(time.DateOnly):
		return t.Format("15:04")
	case t.Year() == now.Year():
		return t.Format("Jan 2 15:04")
	}
	return t.Format("Jan 2 2006 15:04")
}
