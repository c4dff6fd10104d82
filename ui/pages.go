package ui

import (
	"net/http"
	"time"
)

// Layout is what every page has.
type Layout struct {
	// Title stands in the browser's tab, before "Rollcall". Empty: the page's own.
	// The board shows how many people are here in its place.
	Title string
	// Viewer is nil when nobody is signed in.
	Viewer *Viewer
	// Scheme is light or dark when the viewer has chosen one; "": as the system.
	Scheme string
	// SignupOpen shows the way to sign up to those who are not signed in.
	SignupOpen bool
}

// Viewer is the person who looks at the page.
type Viewer struct {
	UID, Username, Name string
	// TeamID is that of the team's elements; "": in no team.
	TeamID string
	Me     Me
	// TimeZone is an IANA name; "" while it isn't known, and the script tells it.
	TimeZone string
	// AtMe: the page itself is what the account menu would load.
	AtMe bool
}

// LoginPage asks for username and password. Message says why an attempt was refused.
type LoginPage struct {
	Layout
	Username, Next, Message string
	// Deleted: the visitor has just deleted their account.
	Deleted bool
	// Ended is why the session that this browser had ended: disabled, deleted or
	// anything else; "": it had none.
	Ended string
}

// EndedBecause tells somebody who did not sign out by themself what happened.
func (p LoginPage) EndedBecause() string {
	switch p.Ended {
	case "":
		return ""
	case "disabled":
		return "Your account has been disabled. Ask the person who runs this Rollcall to enable it."
	case "deleted":
		return "Your account has been deleted."
	}
	return "You've been signed out on this device. This happens after 30 days, when you change your password, " +
		"or when you sign this device out from another one."
}

// SignupPage makes a new account. Errors holds a message per field name
// (username, display_name, password); Message is about all of it.
type SignupPage struct {
	Layout
	Username, DisplayName, Password, Next, Message string
	Errors                                         map[string]string
}

// ErrorPage is any answer that went wrong. Empty Heading and Message are
// replaced by words for the Status. RequestID is shown for those who report it.
type ErrorPage struct {
	Layout
	Status           int
	Heading, Message string
	RequestID        string
}

// BoardPage is the board. List is what UI.List made.
type BoardPage struct {
	Layout
	Query Query
	// Chosen is whom the bar says is shown: here, everyone or a state.
	Chosen string
	Counts Counts
	List   []byte
	// Socket is path and query of the live connection.
	Socket  string
	Warming bool
	// Lost is since when other servers cannot be heard; zero: they can.
	Lost time.Time
	// OnePage says that List holds everybody who matches Query.Q and Query.Team
	// whatever their state: the filter then works in the browser alone, and
	// Chosen only says what is shown at first. Otherwise the filter
	// is made of links and List is already filtered.
	OnePage bool
	// Next and Prev are the addresses of the pages after and before, or "".
	Next, Prev string
	// Pages are links to pages by number.
	Pages   []PageLink
	Arrived Arrivals
	// Announce has screen readers told, seldom and in one sentence, who came and left.
	Announce bool
	// First is what a board with one account says below the list.
	First First
}

// Large reports whether the page is the first of a larger board: only those who are here, and an index of teams.
func (p BoardPage) Large() bool {
	return !p.OnePage && p.Chosen == Here && p.Query.Team == "" && p.Query.Q == ""
}

// PageLink leads to a page of the list by its number.
type PageLink struct {
	N       int
	Href    string
	Current bool
	Gap     bool // pages are left out here
}

// Arrivals are people who came while the page was open and stand on another
// page of the board. N counts them since the server process Since began; a page
// tells those beyond its first N.
type Arrivals struct {
	Since string
	N     int
	// Show is what to look at to see them.
	Show Query
}

// Href is where they are shown.
func (a Arrivals) Href() string { return a.Show.WithShow(Here) }

func (LoginPage) template() string  { return "login" }
func (SignupPage) template() string { return "signup" }
func (ErrorPage) template() string  { return "error" }
func (BoardPage) template() string  { return "board" }

// field is one input of a form with what is wrong with it.
type field struct {
	Name, Error string
	Value       string
}

// Field returns what the template needs for one input. The password is put back,
// too: nobody wants to type it again because of their name.
func (p SignupPage) Field(name string) field {
	f := field{Name: name, Error: p.Errors[name]}
	switch name {
	case "username":
		f.Value = p.Username
	case "display_name":
		f.Value = p.DisplayName
	case "password":
		f.Value = p.Password
	}
	return f
}

// Focus names the field the cursor starts in: the first that is wrong.
func (p SignupPage) Focus() string {
	for _, name := range [...]string{"username", "display_name", "password"} {
		if p.Errors[name] != "" {
			return name
		}
	}
	return "username"
}

// said are the words for a status when the caller brings none.
func said(status int) (heading, message string) {
	switch status {
	case http.StatusForbidden:
		return "Not allowed", "This request was refused. Go back to the board and try again from there."
	case http.StatusNotFound:
		return "Nothing here", "There is no such page. The address may be wrong, or the page may be gone."
	case http.StatusTooManyRequests:
		return "Too many attempts", "Wait a little before you try again."
	case http.StatusServiceUnavailable:
		return "Back in a moment", "Rollcall is busy or restarting. Try again in a few seconds."
	}
	if status >= 400 && status < 500 {
		return "That didn't work", "Rollcall couldn't understand this request."
	}
	return "Something went wrong", "Try again. If it keeps happening, tell the person who runs this Rollcall."
}

// Says returns the heading that is shown.
func (p ErrorPage) Says() string {
	if p.Heading != "" {
		return p.Heading
	}
	heading, _ := said(p.Status)
	return heading
}

// Explains returns the message that is shown.
func (p ErrorPage) Explains() string {
	if p.Message != "" {
		return p.Message
	}
	_, message := said(p.Status)
	return message
}
