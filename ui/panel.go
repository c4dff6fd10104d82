package ui

import (
	"bytes"
	"strings"
)

// Panel is the content of the account menu: how others see the person, and a form for their status. It's loaded when
// the menu opens.
type Panel struct {
	Me        Me
	Row       []byte // their own row, rendered as a preview
	Status    StatusForm
	Presets   []Preset // statuses to set with one click
	Suggested bool     // Presets are suggestions, because the person has no presets yet
	Said      string   // the result of the last action, or ""
}

// StatusForm holds the current status, or what was typed if that was refused.
type StatusForm struct {
	State, Text, Emoji string // State is online, away, dnd or "" for automatic
	// Lasts is 30m, 1h, 4h, today, week, at or "" for no end. If it's at, At is the end in the format of datetime-local
	// inputs, in the time zone Zone.
	Lasts, At string
	Zone      string            // an IANA name; "" if unknown, and then At is in UTC
	Live      bool              // a status is set, so it can be cleared
	Unset     bool              // the form holds what was typed and isn't set
	Errors    map[string]string // messages by field: state, text, emoji, until
}

// Preset is a status to set with one click. Lasts is as in StatusForm.
type Preset struct {
	ID, State, Text, Emoji, Lasts string
}

// MePage is the panel as a page, for browsers without JavaScript.
type MePage struct {
	Layout
	Panel Panel
}

func (MePage) template() string { return "me" }

// Panel renders the content of #panel and a partial with the result of the last action.
func (u *UI) Panel(p Panel) ([]byte, error) {
	var b bytes.Buffer
	if err := u.part(&b, "panel", p); err != nil {
		return nil, err
	}
	f := u.NewFrame()
	f.text("me-said", p.Said)
	return append(b.Bytes(), f.Bytes()...), nil
}

// Refused renders the answer to a refused form of the panel. It shows the reason and leaves the form as it is, with
// what was typed.
func (u *UI) Refused(status int, heading, message string) []byte {
	f := u.NewFrame()
	p := ErrorPage{Status: status, Heading: heading, Message: message}
	f.text("me-said", p.Says()+". "+p.Explains())
	return f.Bytes()
}

// pick is one choice of a radio group or a select.
type pick struct {
	Value, Label string
	Chosen       bool
}

// States returns the choices of the state.
func (w StatusForm) States() []pick {
	states := []pick{{Value: Online}, {Value: Away}, {Value: DND}, {Value: "", Label: "Automatic"}}
	for i := range states {
		s := &states[i]
		s.Chosen = s.Value == w.State
		if s.Label == "" {
			s.Label = Label(s.Value)
		}
	}
	return states
}

// lasting holds the choices of when a status ends.
var lasting = [...]pick{
	{Value: "", Label: "I change it"},
	{Value: "30m", Label: "30 minutes from now"},
	{Value: "1h", Label: "1 hour from now"},
	{Value: "4h", Label: "4 hours from now"},
	{Value: "today", Label: "The end of today"},
	{Value: "week", Label: "The end of this week"},
	{Value: "at", Label: "A time …"},
}

// Ends returns the choices of when the status ends.
func (w StatusForm) Ends() []pick {
	ends := lasting
	for i := range ends {
		ends[i].Chosen = ends[i].Value == w.Lasts
	}
	return ends[:]
}

// Focus returns the name of the first field with an error, or "".
func (w StatusForm) Focus() string {
	for _, name := range [...]string{"state", "emoji", "text", "until"} {
		if w.Errors[name] != "" {
			return name
		}
	}
	return ""
}

// Wrong reports whether the form was refused.
func (p MePage) Wrong() bool { return len(p.Panel.Status.Errors) > 0 }

// Label returns the label of the preset's button, without the emoji.
func (p Preset) Label() string {
	switch {
	case p.Text != "":
		return p.Text
	case p.State != "":
		return Label(p.State)
	case p.Emoji != "":
		return ""
	}
	return "Automatic"
}

// Name returns the label with the emoji, for the button that removes the preset.
func (p Preset) Name() string { return strings.TrimSpace(p.Emoji + " " + p.Label()) }

// Also returns what else the preset sets: the state if the label is a text, and the duration.
func (p Preset) Also() string {
	state, lasts := "", ""
	if p.Text != "" {
		state = Label(p.State)
	}
	switch p.Lasts {
	case "30m":
		lasts = "30 min"
	case "1h":
		lasts = "1 h"
	case "4h":
		lasts = "4 h"
	case "today":
		lasts = "today"
	case "week":
		lasts = "this week"
	}
	if state != "" && lasts != "" {
		return state + ", " + lasts
	}
	return state + lasts
}
