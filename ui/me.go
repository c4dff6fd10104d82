package ui

import (
	"bytes"
	"strconv"
	"time"
)

// Me is what only this person is told: their own state, why it is so, and what
// will change it. It stands in the account menu and on the page /me.
type Me struct {
	// UID and Name are for their avatar. Name is how the board calls them.
	UID, Name string
	// State is what everybody sees, "" where it is not known. Why says why and
	// goes on after "because", for example "there was no input for 10 min".
	State, Why string
	// Devices is how many of theirs are connected.
	Devices int
	Next    Next
	// Set is their own status; zero: none.
	Set SetStatus
	// While you're invisible, everybody else sees you as offline. MayHide: whoever
	// runs this Rollcall lets people become invisible.
	Invisible, MayHide bool
}

// SetStatus is a status that somebody has set.
type SetStatus struct {
	// State is online, away, dnd or "" for automatic.
	State, Text, Emoji string
	// Until is when it ends; zero: never.
	Until time.Time
}

// Next is what will change a state, as a sentence: Before, the state that comes if there is one, the time At if there
// is one, After.
type Next struct {
	Before, State, After string
	At                   time.Time
	// TextEnds is when the text ends, if that is not At; zero: no end.
	TextEnds time.Time
}

const endLayout = "at 15:04 MST, 2 Jan"

// ending is when something ends: for the own script, and in the words of the
// clock of t for those without it.
func ending(t time.Time) moment {
	m := momentOf(t, endLayout)
	if m.At != "" {
		m.Text = t.Format(endLayout)
	}
	return m
}

// When is At as it is shown.
func (n Next) When() moment { return ending(n.At) }

// TextEnd is TextEnds as it is shown.
func (n Next) TextEnd() moment { return ending(n.TextEnds) }

// Shown reports whether the status has a card. A state alone that doesn't end hasn't: its button says it all, and the
// field for a text stays.
func (s SetStatus) Shown() bool {
	return s.Text != "" || s.Emoji != "" || s.State != "" && !s.Until.IsZero()
}

// End is Until as it is shown.
func (s SetStatus) End() moment { return ending(s.Until) }

// Choices are the ways to be shown that don't hide anybody.
func (m Me) Choices() []pick {
	all := []pick{
		{Value: "auto", Label: "Automatic"}, {Value: Online, Label: "Online"}, {Value: Away, Label: "Away"},
		{Value: DND, Label: "Do not disturb", Short: "Busy"},
	}
	for i := range all {
		all[i].Chosen = !m.Invisible && (all[i].Value == m.Set.State || i == 0 && m.Set.State == "")
	}
	return all
}

// Called is what a person's own state is called where it is explained.
func (m Me) Called() string {
	if m.Invisible {
		return "Invisible"
	}
	return Label(m.State)
}

// DevicesText is a sentence, "" when nothing is connected.
func (m Me) DevicesText() string {
	few := [...]string{"", "One device is", "Two devices are", "Three devices are", "Four devices are", "Five devices are", "Six devices are"}
	switch {
	case m.Devices <= 0:
		return ""
	case m.Devices < len(few):
		return few[m.Devices] + " connected."
	}
	return strconv.Itoa(m.Devices) + " devices are connected."
}

// Me sends what only its own person may know into the account menu: their state
// into its button, and the rest into the panel, if that is open. What is as it
// was is left out; the zero Me was nothing. What can be typed into is not
// touched, and neither are the menu and the focus.
func (f *Frame) Me(was, now Me) {
	if Label(now.State) == "" {
		return
	}
	all := was.State == ""
	seen := was.Invisible != now.Invisible || was.MayHide != now.MayHide
	state := was.State != now.State
	named := was.Name != now.Name
	if all || named {
		f.text("me-name", now.Name)
		f.text("me-initials", Initials(now.Name))
	}
	if all || seen || state {
		f.mine("me", "me", now)
	}
	if all || named || state || was.UID != now.UID {
		f.mine("me-self", "self", now)
	}
	if all || was.Set != now.Set {
		f.mine("me-set", "set", now.Set)
	}
	if all || seen || was.Set.State != now.Set.State {
		f.mine("me-states", "states", now)
	}
	if all || seen {
		f.mine("me-note", "note", now)
	}
	if all || seen || state || was.Why != now.Why || was.Devices != now.Devices || was.Next != now.Next {
		f.mine("me-why", "why", now)
	}
}

// mine sends what one of the templates makes into the element with this id.
func (f *Frame) mine(id, template string, data any) {
	var b bytes.Buffer
	if err := f.ui.part(&b, template, data); err == nil { // tryAll has rendered it
		f.partial(id, "innerMorph", b.Bytes())
	}
}
