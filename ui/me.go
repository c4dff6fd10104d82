package ui

import (
	"bytes"
	"strconv"
	"time"
)

// Me is what only this person is told: their own state, why it is so, and what
// will change it. It stands in the account menu and on the page /me.
type Me struct {
	// Name is how the board calls them. It stands in the header.
	Name string
	// State is what everybody sees, "" where it is not known. Why says why, for
	// example "no input for 10 min".
	State, Why string
	// Devices is how many of theirs are connected.
	Devices int
	Next    Next
	// While you're invisible, everybody else sees you as offline. MayHide: whoever
	// runs this Rollcall lets people become invisible.
	Invisible, MayHide bool
}

// Next is what will change a state: Before, the time At if there is one, After.
type Next struct {
	Before, After string
	At            time.Time
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

// Alone is the warning of somebody invisible who is about to write.
func (m Me) Alone() string {
	if m.Invisible {
		return "You are invisible, but everybody sees when you change your text."
	}
	return ""
}

// DevicesText goes on after Why, "" when nothing is connected.
func (m Me) DevicesText() string {
	few := [...]string{"", "one device", "two devices", "three devices", "four devices", "five devices", "six devices"}
	switch {
	case m.Devices <= 0:
		return ""
	case m.Devices < len(few):
		return "; " + few[m.Devices]
	}
	return "; " + strconv.Itoa(m.Devices) + " devices"
}

// Me sends what only its own person may know into the account menu: their state
// into its button, and the rest into the panel, if that is open. row is a
// preview of theirs. What is as it was is left out; the zero Me was nothing.
// The form of the panel is not touched, and neither are the menu and the focus.
func (f *Frame) Me(was, now Me, wasRow, row []byte) {
	if Label(now.State) == "" {
		return
	}
	all := was.State == ""
	seen := was.Invisible != now.Invisible
	if all || was.Name != now.Name {
		f.text("me-name", now.Name)
		f.text("me-initials", Initials(now.Name))
	}
	if all || seen || was.State != now.State {
		f.mine("me", "me", now)
	}
	if all || was.Why != now.Why {
		f.text("me-why", now.Why)
	}
	if all || was.Devices != now.Devices {
		f.text("me-devices", now.DevicesText())
	}
	if all || was.Next != now.Next {
		f.mine("me-next", "next", now.Next)
	}
	if all || seen {
		f.text("me-alone", now.Alone())
		f.mine("me-unseen", "unseen", now)
	}
	if all || !bytes.Equal(wasRow, row) {
		f.partial("me-row", "innerMorph", row)
	}
}

// mine sends what one of the templates makes into the element with this id.
func (f *Frame) mine(id, template string, data any) {
	var b bytes.Buffer
	if err := f.ui.part(&b, template, data); err == nil { // tryAll has rendered it
		f.partial(id, "innerMorph", b.Bytes())
	}
}
