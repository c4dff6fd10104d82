package ui

import (
	"net/http"
	"time"
)

// Layout holds what all pages have in common.
type Layout struct {
	Title      string  // shown before "Rollcall" in the browser tab; "" for the page's default. The board ignores it
	Viewer     *Viewer // nil if nobody is signed in
	Scheme     string  // light or dark, if the viewer has chosen one; "" to match the system
	SignupOpen bool    // show visitors a link to sign up
	Invites    bool    // tell visitors that they need an invitation
	Mails      bool    // this board sends emails

	NewDevices []NewDevice // of the viewer, which they haven't confirmed
}

// Viewer is the person who looks at the page.
type Viewer struct {
	UID, Username, Name string
	CSS                 string // address of the stylesheet that marks what is theirs
	Me                  Me
	TimeZone            string // an IANA name; "" if unknown, and then the page's script sends it
	Admin               bool   // show links to the administration
	AtMe                bool   // the page is /me, so the account menu needn't load its panel
}

// LoginPage asks for a username and a password. Message says why a sign-in was refused.
type LoginPage struct {
	Layout
	Username, Next, Message string
	SignedOut               bool   // the visitor has just signed out
	Deleted                 bool   // the visitor has just deleted their account
	Reset                   bool   // the visitor has just chosen a new password
	Passkeys                bool   // they work at this address
	Restored                bool   // the visitor has just restored their email address
	Ended                   string // why the browser's session ended: disabled, deleted or another word; "" if it had none
	Elsewhere               SignInElsewhere
}

// EndedBecause returns the reason why a session has ended, for people who didn't sign out themselves.
func (p LoginPage) EndedBecause() string {
	switch p.Ended {
	case "":
		return ""
	case "disabled":
		return "Your account has been disabled. Ask an administrator to enable it."
	case "deleted":
		return "Your account has been deleted."
	}
	return "You've been signed out on this device. This happens after 30 days, when you change your password, " +
		"or when you sign this device out from another one."
}

// SignupPage is the form for a new account. Errors holds messages by field name (username, display_name, password,
// note). Message is about the form as a whole.
type SignupPage struct {
	Layout
	Action   string // path to which the form is sent
	Invited  bool   // by a link
	Team     string // that an invitation leads to; "": none
	Email    string // to which the link to this page was sent; "": none
	Approval bool   // an administrator has to approve the account

	TeamsOnly bool // people see only their own team and those paired with it

	Username, DisplayName, Password, Note, Next, Message string
	Errors                                               map[string]string
}

// WaitingPage tells somebody that an administrator has to approve their account.
type WaitingPage struct {
	Layout
	Name     string
	Provider string // with which they then sign in; "": with the password that they chose
}

// ResetPage is the form for a new password, for somebody who has a link for it.
type ResetPage struct {
	Layout
	Action             string // path to which the form is sent
	Username, Password string
	Error, Message     string // about the password, and about the form as a whole

	Other, OtherUsername string // who is signed in, if that's somebody else
}

// Field returns what the template needs for the password.
func (p ResetPage) Field(name string) field {
	return field{Name: name, Error: p.Error, Value: p.Password, Focus: true}
}

// ErrorPage is the page for an error. If Heading or Message is empty, the page shows the default text for Status. It
// shows RequestID so that people can report it.
type ErrorPage struct {
	Layout
	Status           int
	Heading, Message string
	RequestID        string
}

// BoardPage is the board.
type BoardPage struct {
	Layout
	Query   Query
	Chosen  string // the chosen filter: here, everyone or a state
	Counts  Counts
	Team    []byte // made by UI.Team; empty if the page doesn't show the viewer's own team apart
	Others  int    // how many people of other teams are here, if it does
	List    []byte // made by UI.List
	Socket  string // path and query of the live connection
	Warming bool
	Lost    time.Time // since when live updates from other servers have been missing; zero if none are

	// OnePage means that List holds everyone who matches Query.Q and Query.Team, in any state. The filter then works in
	// the browser, and Chosen is only its first choice. Otherwise the filter consists of links, and List is already
	// filtered.
	OnePage bool

	Next, Prev string     // URLs of the next and the previous page, or ""
	Pages      []PageLink // links to pages by number
	Arrived    Arrivals
	Announce   bool  // screen readers announce who comes and leaves
	First      First // for a board with one account
}

// Large reports whether the page shows only people who are here and an index of teams, because the board is too large.
func (p BoardPage) Large() bool {
	return !p.OnePage && p.Chosen == Here && p.Query.Team == "" && p.Query.Q == ""
}

// PageLink is a link to a page of the list.
type PageLink struct {
	N       int
	Href    string
	Current bool
	Gap     bool // some pages are left out here
}

// Arrivals counts people who have arrived and are listed on another page of the board. N is their number since the
// server process Since started. A page shows by how much N has grown.
type Arrivals struct {
	Since string
	N     int
	Show  Query // the board that lists them
}

// Href returns the URL of the page that lists them.
func (a Arrivals) Href() string { return a.Show.WithShow(Here) }

func (WaitingPage) template() string   { return "waiting" }
func (ResetPage) template() string     { return "reset" }
func (LoginPage) template() string     { return "login" }
func (SignupPage) template() string    { return "signup" }
func (ErrorPage) template() string     { return "error" }
func (BoardPage) template() string     { return "board" }
func (p BoardPage) rendered() [][]byte { return [][]byte{p.Team, p.List} }

// field is one input of a form.
type field struct {
	Name, Error string
	Value       string
	Focus       bool // the cursor starts here
}

// Field returns what the template needs for one input. It includes the password, so that people needn't type it again
// because of an error in another field.
func (p SignupPage) Field(name string) field {
	value := map[string]string{
		"username": p.Username, "display_name": p.DisplayName, "password": p.Password, "note": p.Note,
	}[name]
	return field{Name: name, Error: p.Errors[name], Value: value, Focus: name == p.Focus()}
}

// Focus returns the name of the first field with an error, or of the first field.
func (p SignupPage) Focus() string {
	for _, name := range [...]string{"display_name", "username", "password", "note"} {
		if p.Errors[name] != "" {
			return name
		}
	}
	return "display_name"
}

// statusText returns the default text of the error page for a status.
func statusText(status int) (heading, message string) {
	switch status {
	case http.StatusForbidden:
		return "Not allowed", "This request was refused. Go back to the board and try again from there."
	case http.StatusNotFound:
		return "Page not found", "The address may be wrong, or the page may no longer exist."
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
	heading, _ := statusText(p.Status)
	return heading
}

// Explains returns the message that is shown.
func (p ErrorPage) Explains() string {
	if p.Message != "" {
		return p.Message
	}
	_, message := statusText(p.Status)
	return message
}
