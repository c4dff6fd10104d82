package ui

import "strings"

// EmailSection is the section of the settings page about the person's email address.
const EmailSection = "email"

// EmailSettings is what the settings say about an email address.
type EmailSettings struct {
	Sends   bool   // this board sends emails
	Address string // "": none
	Typed   string // a new one, as typed
}

// Shown reports whether the section is on the page.
func (e EmailSettings) Shown() bool { return e.Sends || e.Address != "" }

// EmailSaid returns the message after the form for an address was sent. Only names that the handlers use have one.
func (p SettingsPage) EmailSaid() string {
	return map[string]string{
		EmailSection:              "Open the link in the email that's on its way to the new address. Until then, nothing changes.",
		EmailSection + "-changed": "Saved. From now on, emails go to the new address.",
		EmailSection + "-removed": "Removed. The address gets a last email, with a link that undoes this.",
	}[p.Saved]
}

// ForgotPage is the form for people who forgot their password.
type ForgotPage struct {
	Layout
	Typed, Message string
}

// SignupMailPage is the form for an address to which a link for a new account is sent.
type SignupMailPage struct {
	Layout
	Domains              string // to choose from, separated by spaces
	Email, Next, Message string
	Error                string // about the address
}

// DomainWords returns the domains as a phrase.
func (p SignupMailPage) DomainWords() string {
	all := strings.Fields(p.Domains)
	if len(all) < 2 {
		return p.Domains
	}
	return strings.Join(all[:len(all)-1], ", ") + " or " + all[len(all)-1]
}

// MailedPage says that an email is on its way, perhaps. It's the same for everybody.
type MailedPage struct {
	Layout
	Signup bool // for a new account; otherwise for a new password
}

// AddressPage is the form behind a link that confirms or restores an email address.
type AddressPage struct {
	Layout
	Action, Username, Email string
	Undo                    bool
	Message                 string
	SignIn                  bool // the person must sign in first; then there is no form
}

func (ForgotPage) template() string     { return "forgot" }
func (SignupMailPage) template() string { return "signup-mail" }
func (MailedPage) template() string     { return "mailed" }
func (AddressPage) template() string    { return "address" }

// NewDevice is a session that was started in a new browser, on the person's other pages.
type NewDevice struct{ Device }

// At returns when it was started.
func (d NewDevice) At() moment { return momentOf(d.SignedIn, "15:04 UTC") }
