package ui

import (
	"bytes"
	"strconv"
	"time"
)

// Me is what only the viewer sees about their own presence: the state, the reason for it and what will change it. It's
// shown in the account menu and on the page /me.
type Me struct {
	Name      string // as on the board
	State     string // as others see it; "" if unknown
	Why       string // the reason for State, such as "no input for 10 min"
	Devices   int    // how many of their devices are connected
	Next      Next
	Invisible bool // others see them as offline
	MayHide   bool // the operator lets people go invisible
}

// Next describes what will change a state: the text Before, the time At if there is one, and the text After.
type Next struct {
	Before, After string
	At            time.Time
	TextEnds      time.Time // when the status text ends, if not At; zero if it doesn't
}

const endLayout = "at 15:04 MST, 2 Jan"

// ending returns t for the page's script, and as text in the time zone of t for pages without it.
func ending(t time.Time) moment {
	m := momentOf(t, endLayout)
	if m.At != "" {
		m.Text = t.Format(endLayout)
	}
	return m
}

// When returns At for display.
func (n Next) When() moment { return ending(n.At) }

// TextEnd returns TextEnds for display.
func (n Next) TextEnd() moment { return ending(n.TextEnds) }

// Alone returns the warning beside the status text while the person is invisible.
func (m Me) Alone() string {
	if m.Invisible {
		return "You are invisible, but everyone can see it when you change your text."
	}
	return ""
}

// DevicesText returns the text after Why, or "" if no device is connected.
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

// Me updates the account menu of the person whom now is about: the state in its button, and the rest in the panel if
// it's open. row is a preview of the person's row. Me sends only what differs from was and wasRow, or all of it if was
// is zero. It doesn't touch the panel's form, the menu or the focus.
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

// mine renders a template into the element with this ID.
func (f *Frame) mine(id, template string, data any) {
	var b bytes.Buffer
	if err := f.ui.part(&b, template, data); err == nil { // can't fail: tryAll has rendered this template
		f.partial(id, "innerMorph", b.Bytes())
	}
}
