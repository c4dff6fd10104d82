package ui

import (
	"bytes"
	"fmt"
	"html/template"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Person is what a page about one person shows: their row, what they tell about themselves, and what the viewer has
// stored about them.
type Person struct {
	Row      Row
	Pronouns string
	Zone     string    // IANA name, if the person shares their local time
	Now      time.Time // in Zone, for pages without the script
	Contacts []string  // URLs
	Warming  bool      // people are coming back, so it isn't known whether somebody is offline

	Own      bool   // the viewer's own page
	Favorite bool   // of the viewer
	Waiting  string // what the viewer waits for: AlertHere, AlertFree or ""
	NoAlerts bool   // the person doesn't let others ask for alerts
	Said     string // why a form was refused; "": it wasn't
	MeCSS    string // address of the viewer's stylesheet, which depends on their favorites
}

// What an alert waits for.
const (
	AlertHere = "here" // the person is here
	AlertFree = "free" // the person can be disturbed
)

// PersonPage is a person's page. Row is what UI.Row returned. The script uses it to notice changes.
type PersonPage struct {
	Layout
	Person Person
	Row    []byte
	Socket string // path and query of the live connection
	Lost   time.Time
}

func (PersonPage) template() string { return "person" }

func (p PersonPage) rendered() [][]byte { return [][]byte{p.Row} }

// TabTitle says who it is and how they are.
func (p PersonPage) TabTitle() string {
	return p.Person.Row.Name + ", " + strings.ToLower(p.Person.Label())
}

// Label is the word for the state.
func (p Person) Label() string {
	if p.Unsure() {
		return "Not back yet"
	}
	return Label(p.Row.State)
}

// Unsure reports whether the person may still be coming back after a start.
func (p Person) Unsure() bool { return p.Warming && p.Row.State == Offline }

// Hue and Initials are those of the avatar.
func (p Person) Hue() int         { return Hue(p.Row.UID) }
func (p Person) Initials() string { return Initials(p.Row.Name) }

// Said about the state: the same times as on the row.
func (p Person) Since() moment {
	if p.Row.State == Offline {
		return moment{}
	}
	return momentOf(p.Row.Since, sinceLayout)
}

// Until is when the text or the state ends.
func (p Person) Until() moment { return momentOf(p.Row.Until, untilLayout) }

// SeenAt is when an offline person was last seen.
func (p Person) SeenAt() moment {
	if p.Row.State != Offline {
		return moment{}
	}
	return momentOf(p.Row.SeenAt.Truncate(time.Minute), seenLayout)
}

// HasText reports whether the person has a text or an emoji.
func (p Person) HasText() bool { return p.Row.Text != "" || p.Row.Emoji != "" }

// TeamHref is the address of the team's list.
func (p Person) TeamHref() string { return Query{Team: p.Row.Team}.href() }

// Clock is the local time, and City where it is.
func (p Person) Clock() string { return p.Now.Format("15:04") }

// City is the last part of the zone's name.
func (p Person) City() string {
	return strings.ReplaceAll(p.Zone[strings.LastIndexByte(p.Zone, '/')+1:], "_", " ")
}

// Offer is what the viewer can wait for now: AlertHere, AlertFree or "".
func (p Person) Offer() string {
	switch {
	case p.Own || p.NoAlerts:
		return ""
	case p.Row.State == DND:
		return AlertFree
	case p.Row.State == Offline || p.Row.State == Away:
		return AlertHere
	}
	return ""
}

// Awaited is what the viewer waits for, for example "is here".
func (p Person) Awaited() string { return awaited(p.Waiting) }

// Offered is what the viewer can wait for.
func (p Person) Offered() string { return awaited(p.Offer()) }

func awaited(kind string) string {
	if kind == AlertFree {
		return "can be disturbed"
	}
	return "is here"
}

// contact is a way to reach a person.
type contact struct {
	Icon, Label, Address string
	URL                  template.URL
}

// contactKinds are the schemes that pages link to. Links with other schemes aren't shown.
var contactKinds = map[string]contact{
	"mailto": {Icon: "mail", Label: "Mail"}, "tel": {Icon: "phone", Label: "Call"}, "sip": {Icon: "phone", Label: "Call"},
	"xmpp": {Icon: "chat", Label: "Chat"}, "matrix": {Icon: "chat", Label: "Chat"}, "https": {Icon: "chat", Label: "Chat"},
}

// Reach returns the ways to reach the person. html/template would refuse schemes that it doesn't know, so they are
// checked here.
func (p Person) Reach() (all []contact) {
	for _, address := range p.Contacts {
		u, err := url.Parse(address)
		if err != nil || strings.ContainsAny(address, " \t\r\n\"'<>") {
			continue
		}
		c, ok := contactKinds[u.Scheme]
		if !ok {
			continue
		}
		c.URL, c.Address = template.URL(address), strings.TrimPrefix(address, u.Scheme+":")
		if u.Scheme == "https" {
			c.Address = u.Host
		}
		c.Address = strings.TrimPrefix(c.Address, "u/")
		all = append(all, c)
	}
	return all
}

// Told is an alert that has come true.
type Told struct {
	UID, Username, Name string
	Kind                string // AlertHere or AlertFree
	At                  time.Time
}

// Text is what the alert says after the name.
func (t Told) Text() string {
	if t.Kind == AlertFree {
		return "can be disturbed now"
	}
	return "is here"
}

// Key identifies the alert, so that a page shows it only once.
func (t Told) Key() string { return t.UID + "-" + strconv.FormatInt(t.At.UnixMilli(), 36) }

// Told shows an alert on the page.
func (f *Frame) Told(t Told) error {
	var b bytes.Buffer
	if err := f.ui.part(&b, "told", t); err != nil {
		return fmt.Errorf("ui: render an alert: %w", err)
	}
	f.partial("told", "beforeend", b.Bytes())
	return nil
}
