package ui

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Me is what people see about themselves in the account menu and on the page /me. Nobody else gets it.
type Me struct {
	UID       string
	Name      string // as on the board
	State     string // as others see it; "" if unknown
	Why       string // the reason for State, as it follows "because", such as "there was no input for 10 min"
	Devices   int    // how many of their devices are connected
	Next      Next
	By        SetBy     // the app that decides State, instead of Why; zero if none does
	Set       SetStatus // their own status
	Claims    []Claim   // what apps say about them
	Invisible bool      // others see them as offline
	MayHide   bool      // the operator lets people go invisible
}

// SetStatus is a status that a person has set. The zero SetStatus is none.
type SetStatus struct {
	State, Text, Emoji string    // State is online, away, dnd or "" for automatic
	Until              time.Time // when it ends; zero if it doesn't
}

// SetBy names the app that decides a state, and says until when; Until is zero if that isn't known.
type SetBy struct {
	Key   string
	Until time.Time
}

// End returns Until for display.
func (s SetBy) End() moment { return until(s.Until) }

// Claim is what an app says about a person. Key is its name.
type Claim struct {
	Key, State, Text, Emoji string
	Until                   time.Time // zero if it isn't known when it ends
}

// Says returns what the app says, without the end.
func (c Claim) Says() string {
	said := strings.TrimSpace(c.Emoji + " " + c.Text)
	switch state := Label(c.State); {
	case said == "":
		return state
	case state == "":
		return said
	default:
		return said + " · " + state
	}
}

// End returns Until for display.
func (c Claim) End() moment { return until(c.Until) }

// Next is a sentence about what will change a state: the text Before, the new State if there is one, the time At if
// there is one, and the text After.
type Next struct {
	Before, State, After string
	At                   time.Time
	TextEnds             time.Time // when the status text ends, if not At; zero if it doesn't
}

const endLayout = "at 15:04 MST, 2 Jan"

// ending returns the time of an end for the page's script, and as text in the time zone of t for pages without it.
func ending(t time.Time) moment { return zoned(t, endLayout) }

// until returns the same for the script's class until.
func until(t time.Time) moment { return zoned(t, "until 15:04 MST, 2 Jan") }

func zoned(t time.Time, layout string) moment {
	m := momentOf(t, layout)
	if m.At != "" {
		m.Text = t.Format(layout)
	}
	return m
}

// When returns At for display.
func (n Next) When() moment { return ending(n.At) }

// TextEnd returns TextEnds for display.
func (n Next) TextEnd() moment { return ending(n.TextEnds) }

// Shown reports whether the panel shows the status on a card. It doesn't for a state without a text and an end: the
// pressed button says enough, and the field for the text stays.
func (s SetStatus) Shown() bool {
	return s.Text != "" || s.Emoji != "" || s.State != "" && !s.Until.IsZero()
}

// End returns Until for display.
func (s SetStatus) End() moment { return ending(s.Until) }

// Choices returns the states to choose from, except for invisible.
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

// Shown returns what the button of the account menu says, or nothing if the state is unknown.
func (m Me) Shown() tense {
	is := m.Called()
	switch {
	case is == "":
		return tense{}
	case is == Label(DND): // as on phones, where the words have little room
		return tense{is, "Was busy"}
	}
	return tense{is, "Was " + strings.ToLower(is)}
}

// Called returns the name of the person's state for the explanation.
func (m Me) Called() string {
	if m.Invisible {
		return "Invisible"
	}
	return Label(m.State)
}

// DevicesText returns a sentence, or "" if no device is connected.
func (m Me) DevicesText() string {
	few := [...]string{"", "One device is", "Two devices are", "Three devices are", "Four devices are", "Five devices are",
		"Six devices are"}
	switch {
	case m.Devices <= 0:
		return ""
	case m.Devices < len(few):
		return few[m.Devices] + " connected."
	}
	return strconv.Itoa(m.Devices) + " devices are connected."
}

// Me updates the account menu of the person whom now is about: the state in its button, and the rest in the panel if
// it's open. It sends only what differs from was, or everything if was is zero. It doesn't touch the fields of the
// panel's form, the menu or the focus.
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
	if all || !slices.Equal(was.Claims, now.Claims) {
		f.mine("me-claims", "claims", now.Claims)
	}
	if all || was.Set != now.Set {
		f.mine("me-set", "set", now.Set)
	}
	if all || seen || was.Set.State != now.Set.State {
		f.partial("me-states", "innerMorph", states(f.ui, now))
	}
	if all || seen {
		f.mine("me-note", "note", now)
	}
	if all || seen || state || was.Why != now.Why || was.By != now.By || was.Devices != now.Devices || was.Next != now.Next {
		f.mine("me-why", "why", now)
	}
}

// mine renders a template into the element with this ID.
func (f *Frame) mine(id, template string, data any) {
	var b bytes.Buffer
	if err := f.ui.part(&b, template, data); err == nil { // can't fail: tests render this template
		f.partial(id, "innerMorph", b.Bytes())
	}
}

// choice is what the buttons for a state depend on: the state that the person set, and whether they are or may go
// invisible. There are only a few different ones.
type choice struct {
	set                string
	invisible, mayHide bool
}

// states returns the buttons for a state. They're kept, because they take most of the time to render what a person who
// connects is sent, and are the same for nearly everybody.
func states(u *UI, m Me) []byte {
	key := choice{m.Set.State, m.Invisible, m.MayHide}
	if kept, ok := u.choices.Load(key); ok {
		return kept.([]byte)
	}
	var b bytes.Buffer
	if err := u.part(&b, "states", m); err != nil { // can't happen: tests render this template
		return nil
	}
	if Label(m.Set.State) != "" || m.Set.State == "" {
		u.choices.Store(key, b.Bytes())
	}
	return b.Bytes()
}
