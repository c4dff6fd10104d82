package ui

import "time"

// LoginCodePage asks somebody who gave the right password for a code.
type LoginCodePage struct {
	Layout
	Recovery       bool   // a recovery code, not one from an app
	Error, Message string // about the code, and about the form as a whole
}

// WaysPage is the part of the settings about how a person can sign in.
type WaysPage struct {
	Layout
	Saved    string // what has just been done, or ""
	Message  string // why a change was refused
	UsedCode bool   // the person has just signed in with a recovery code

	Password      bool   // they have one
	PasswordError string // why a new one was refused
	Required      bool   // they need a second factor as an administrator

	PasskeysWork           bool // at this address
	Passkeys               []Passkey
	Renaming, Typed, Wrong string // the passkey whose new name was refused, what was typed, and why
	Accepted               string // for the browser: which passkeys still exist, as JSON; "": none

	AppsWork  bool      // the server has a key for their secrets
	App       bool      // the person has an authenticator app
	CodesLeft int       // recovery codes
	CodesMade time.Time // zero: unknown
	FewCodes  bool      // so few that they should make new ones
}

// Passkey is one passkey of the person.
type Passkey struct {
	ID, Label  string
	Made, Used time.Time // Used: zero if never
	Synced     bool      // it's also on other devices
	OtherHost  string    // the address that it was made for, if it doesn't work here
}

// MadeAt returns when the passkey was made.
func (p Passkey) MadeAt() moment { return momentOf(p.Made, stampLayout) }

// UsedAt returns when the passkey was last used.
func (p Passkey) UsedAt() moment { return momentOf(p.Used, stampLayout) }

// CodesAt returns when the recovery codes were created.
func (p WaysPage) CodesAt() moment { return momentOf(p.CodesMade, stampLayout) }

// waysWords holds the confirmations of the page.
var waysWords = map[string]string{
	"passkey-added":   "Passkey added. You can sign in with it from now on.",
	"passkey-renamed": "Saved.",
	"passkey-removed": "Passkey removed. If your browser still offers it, delete it there, too.",
	"password":        "Saved. You can sign in with your password from now on.",
	"app-removed":     "Authenticator app removed. Delete the entry in your app, too.",
}

// Said returns the confirmation that is shown.
func (p WaysPage) Said() string { return waysWords[p.Saved] }

// PasswordField returns what the template needs for a first password.
func (p WaysPage) PasswordField() field {
	f := field{Name: "password", Error: p.PasswordError, Focus: p.PasswordError != ""}
	if f.Error != "" {
		f.Value = p.Typed
	}
	return f
}

// Name returns the name of a passkey as its form shows it.
func (p WaysPage) Name(k Passkey) string {
	if k.ID == p.Renaming {
		return p.Typed
	}
	return k.Label
}

// AddPasskeyPage adds a passkey. It needs the script.
type AddPasskeyPage struct {
	Layout
	Label string // suggested name
}

// AddAppPage shows the secret for an authenticator app, and asks for its first code.
type AddAppPage struct {
	Layout
	Pending string // the secret, sealed
	Secret  string // the secret, for typing
	QRSize  int    // modules on each side
	QRPath  string // path data of the black modules
	Error   string // about the code
}

// QRPixels returns the width and height of the QR code.
func (p AddAppPage) QRPixels() int { return 4 * p.QRSize }

// RecoveryCodesPage shows new recovery codes, once.
type RecoveryCodesPage struct {
	Layout
	Codes    []string
	AppAdded bool // together with the authenticator app
}

func (LoginCodePage) template() string     { return "login-code" }
func (WaysPage) template() string          { return "ways" }
func (AddPasskeyPage) template() string    { return "add-passkey" }
func (AddAppPage) template() string        { return "add-app" }
func (RecoveryCodesPage) template() string { return "recovery-codes" }
