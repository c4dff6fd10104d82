package ui

import (
	"bytes"
	"slices"
	"strings"
	"time"
)

// Panel is where people see themselves as others do, and say how they want to be
// shown. It is loaded into the account menu when that is opened.
type Panel struct {
	Me     Me
	Status StatusForm
	// Presets can be set with one click: the person's own recent ones, and suggestions.
	Presets []Preset
	// Said is what was done just now, or "".
	Said string
}

// StatusForm is the form for a new status, or for the current one after Change.
type StatusForm struct {
	Text, Emoji string
	// Lasts is 30m, 1h, 2h, 4h, today, week, at or "" for no end. At is, with at, when:
	// as <input type=datetime-local> has it, on the clock of Zone.
	Lasts, At string
	// End is the end that At has been filled in from; zero: none.
	End time.Time
	// Zone is an IANA name; "" while it is not known, and the clock is UTC's.
	Zone string
	// Live: a status is set. Changing: the form holds it.
	Live, Changing bool
	// Unset: it holds what was typed and is not set.
	Unset bool
	// Errors holds a message per field: state, text, emoji, until.
	Errors map[string]string
}

// Preset is a status that can be set with one click. Lasts is as in StatusForm.
type Preset struct {
	ID, State, Text, Emoji, Lasts string
	// Own: the person has set it before, and can have it forgotten.
	Own bool
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

// Writing reports whether the form holds something, so that it is shown even if a status is set.
func (w StatusForm) Writing() bool { return w.Changing || w.Unset }

// KeptEnd is the present end as it is shown, for a form that needn't ask for one.
func (w StatusForm) KeptEnd() moment {
	if w.Errors["until"] != "" || w.Lasts != "at" {
		return moment{}
	}
	return ending(w.End)
}

// pick is one of several choices. Short is what it's called where its group has a name, or "" for Label.
type pick struct {
	Value, Label, Short string
	Chosen              bool
}

// Says is what stands on its button.
func (p pick) Says() string {
	if p.Short != "" {
		return p.Short
	}
	return p.Label
}

// lasting are the ways to end. The menu offers the short ones; the others are for presets and programs.
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

// Ends are the ways to end that the form offers, and the chosen one.
func (w StatusForm) Ends() []pick {
	ends := slices.Clone(lasting[:])
	for i := range ends {
		ends[i].Chosen = ends[i].Value == w.Lasts
	}
	return slices.DeleteFunc(ends, func(p pick) bool {
		return !p.Chosen && (p.Value == "2h" || p.Value == "4h" || p.Value == "week")
	})
}

// Focus names the field the cursor starts in: the first that is wrong, else the text that Change brought.
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

// commonEmoji are there before anything is searched. Their names are what screen readers say.
func (w StatusForm) CommonEmoji() [8][2]string {
	return [...][2]string{
		{"🍜", "Lunch"}, {"📅", "Meeting"}, {"🎧", "Headphones"}, {"🚌", "Bus"},
		{"🏠", "House"}, {"🤒", "Sick"}, {"🌴", "Palm tree"}, {"☕", "Coffee"},
	}
}
