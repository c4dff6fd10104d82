package ui

import (
	"slices"
	"strings"
	"time"
)

// Panel is the content of the account menu: how others see the person, and a form for their status. It's loaded when
// the menu opens.
type Panel struct {
	Me      Me
	Status  StatusForm
	Presets []Preset // statuses to set with one click
	Said    string   // the result of the last action, or ""
}

// StatusForm is the form for a new status, or for changing the current one.
type StatusForm struct {
	Text, Emoji string
	// Lasts is 30m, 1h, 2h, 4h, today, week, at or "" for no end. If it's at, At is the end in the format of
	// datetime-local inputs, in the time zone Zone.
	Lasts, At string
	End       time.Time         // the current end that At was filled in with; zero if none
	Zone      string            // an IANA name; "" if unknown, and then At is in UTC
	Live      bool              // a status is set
	Changing  bool              // the form holds the current status
	Unset     bool              // the form holds what was typed and isn't set
	Errors    map[string]string // messages by field: state, text, emoji, until
}

// Preset is a status to set with one click. Lasts is as in StatusForm.
type Preset struct {
	ID, State, Text, Emoji, Lasts string
	Own                           bool // the person set it before, and can remove it; otherwise it's a suggestion
}

// MePage is the panel as a page, for browsers without JavaScript.
type MePage struct {
	Layout
	Panel Panel
}

func (MePage) template() string { return "me" }

// Writing reports whether the form holds input, so that the page shows it instead of the card of the current status.
func (w StatusForm) Writing() bool { return w.Changing || w.Unset }

// KeptEnd returns the current end for display if the form leaves it unchanged at first.
func (w StatusForm) KeptEnd() moment {
	if w.Errors["until"] != "" || w.Lasts != "at" {
		return moment{}
	}
	return ending(w.End)
}

// pick is one choice of a group. Short is a shorter label, or "".
type pick struct {
	Value, Label, Short string
	Chosen              bool
}

// Says returns the label of its button.
func (p pick) Says() string {
	if p.Short != "" {
		return p.Short
	}
	return p.Label
}

// lasting holds the choices of when a status ends.
var lasting = [...]pick{
	{Value: "", Label: "Until you change it", Short: "No end"},
	{Value: "30m", Label: "30 min"},
	{Value: "1h", Label: "1 hour"},
	{Value: "2h", Label: "2 hours"},
	{Value: "4h", Label: "4 hours"},
	{Value: "today", Label: "Today"},
	{Value: "week", Label: "This week"},
	{Value: "at", Label: "At…"},
}

// Ends returns the choices that the form offers, and the chosen one. The other choices are for presets and programs.
func (w StatusForm) Ends() []pick {
	ends := slices.Clone(lasting[:])
	for i := range ends {
		ends[i].Chosen = ends[i].Value == w.Lasts
	}
	return slices.DeleteFunc(ends, func(p pick) bool {
		return !p.Chosen && (p.Value == "2h" || p.Value == "4h" || p.Value == "week")
	})
}

// Focus returns the name of the first field with an error, or of the text while it's being changed, or "".
func (w StatusForm) Focus() string {
	for _, name := range [...]string{"emoji", "text", "until"} {
		if w.Errors[name] != "" {
			return name
		}
	}
	if w.Changing && len(w.Errors) == 0 {
		return "text"
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
	lasts := ""
	for _, end := range lasting {
		if end.Value == p.Lasts {
			lasts = end.Label
		}
	}
	switch state := Label(p.State); {
	case state == "" || p.Text == "":
		return lasts
	case p.Lasts == "":
		return state
	default:
		return state + ", " + strings.ToLower(lasts)
	}
}

// CommonEmoji returns the emoji that the picker shows before a search, each with its name.
func (w StatusForm) CommonEmoji() [8][2]string {
	return [...][2]string{
		{"🍜", "Lunch"}, {"📅", "Meeting"}, {"🎧", "Headphones"}, {"🚌", "Bus"},
		{"🏠", "House"}, {"🤒", "Sick"}, {"🌴", "Palm tree"}, {"☕", "Coffee"},
	}
}
