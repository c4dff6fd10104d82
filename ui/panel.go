package ui

import (
	"bytes"
	"strings"
)

// Panel is where people see themselves as others do, and say how they want to be
// shown. It is loaded into the account menu when that is opened.
type Panel struct {
	Me Me
	// Row is their own, rendered as a preview.
	Row    []byte
	Status StatusForm
	// Presets can be set at a touch: their own, or with Suggested some of ours,
	// because they have none yet.
	Presets   []Preset
	Suggested bool
	// Said is what was done just now, or "".
	Said string
}

// StatusForm holds what is set, or what was typed and is wrong.
type StatusForm struct {
	// State is online, away, dnd or "" for automatic.
	State, Text, Emoji string
	// Lasts is 30m, 1h, 4h, today, week, at or "" for no end. At is, with at, when:
	// as <input type=datetime-local> has it, on the clock of Zone.
	Lasts, At string
	// Zone is an IANA name; "" while it is not known, and the clock is UTC's.
	Zone string
	// Live: something is set that can be taken back.
	Live bool
	// Unset: it holds what was typed and is not set.
	Unset bool
	// Errors holds a message per field: state, text, emoji, until.
	Errors map[string]string
}

// Preset is a status that is set at a touch. Lasts is as in StatusForm.
type Preset struct {
	ID, State, Text, Emoji, Lasts string
}

// MePage is the panel as a page, for those without JavaScript.
type MePage struct {
	Layout
	Panel Panel
}

func (MePage) template() string { return "me" }

// Panel renders the inside of #panel, and what was done for #me-said.
func (u *UI) Panel(p Panel) ([]byte, error) {
	var b bytes.Buffer
	if err := u.part(&b, "panel", p); err != nil {
		return nil, err
	}
	f := u.NewFrame()
	f.text("me-said", p.Said)
	return append(b.Bytes(), f.Bytes()...), nil
}

// Refused is the answer to a form of the panel that was refused as a whole: what
// was typed stays, and the reason is said beside it.
func (u *UI) Refused(status int, heading, message string) []byte {
	f := u.NewFrame()
	p := ErrorPage{Status: status, Heading: heading, Message: message}
	f.text("me-said", p.Says()+". "+p.Explains())
	return f.Bytes()
}

// pick is one of several choices.
type pick struct {
	Value, Label string
	Chosen       bool
}

// States are the four ways to be shown.
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

// lasting are the ways to end.
var lasting = [...]pick{
	{Value: "", Label: "I change it"},
	{Value: "30m", Label: "30 minutes from now"},
	{Value: "1h", Label: "1 hour from now"},
	{Value: "4h", Label: "4 hours from now"},
	{Value: "today", Label: "The end of today"},
	{Value: "week", Label: "The end of this week"},
	{Value: "at", Label: "A time …"},
}

// Ends are the ways to end.
func (w StatusForm) Ends() []pick {
	ends := lasting
	for i := range ends {
		ends[i].Chosen = ends[i].Value == w.Lasts
	}
	return ends[:]
}

// Focus names the field the cursor starts in: the first that is wrong.
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

// Label is what the button of a preset says besides its emoji.
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

// Name is what it sets, for the button that forgets it.
func (p Preset) Name() string { return strings.TrimSpace(p.Emoji + " " + p.Label()) }

// Also is what it sets besides.
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
