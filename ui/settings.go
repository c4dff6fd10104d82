package ui

import (
	"fmt"
	"slices"
	"time"
)

// The sections of the settings page. Each has its own forms.
const (
	ProfileSection  = "profile"
	DetailsSection  = "details"
	PresenceSection = "presence"
	LookSection     = "look"
	PasswordSection = "password"
	DevicesSection  = "devices"
	LinkedSection   = "linked"
	DataSection     = "data"
)

// SettingsPage is the settings page. It holds the current settings, except that the section Failed holds what was
// typed. It never holds passwords.
type SettingsPage struct {
	Layout
	Saved   string            // the section that has just been saved, or ""
	Failed  string            // the section whose form was refused, or ""
	Message string            // why the form was refused, if that isn't about one field
	Errors  map[string]string // messages by field
	Was     Was

	Username, DisplayName, Team string
	Teams                       []string // some existing teams
	TeamRule                    string   // open (any team), existing (only existing teams) or fixed (no choice)

	Pronouns, Contacts     string // Contacts: one per line
	ShareTime, AllowAlerts bool
	Public                 bool // embeds on public web pages may show the person

	Idle        string        // default, minutes or never
	IdleMinutes string        // as typed
	UsualIdle   time.Duration // the server's default
	LastSeen    string        // approximate, exact or nobody
	TimeZone    string        // an IANA name, or ""
	Zones       []string      // some time zones to choose from

	Theme    string // system, light or dark
	Announce bool

	Linked []Linked // providers, and the proxy; nil: there are none

	Email EmailSettings

	Devices   []Device
	SignedOut int // how many other devices have just been signed out

	NoPassword bool // the person signs in by other means

	CodesLeft int  // recovery codes
	FewCodes  bool // so few that the person should make new ones

	ConfirmUsername string // what was typed to delete the account
}

// Device is one session.
type Device struct {
	ID             string
	Name           string // the browser and the operating system
	Address        string
	SignedIn, Used time.Time
	This           bool // the session of this page
	Open           bool // it has a page open
}

// Since returns when the device signed in.
func (d Device) Since() moment { return momentOf(d.SignedIn, stampLayout) }

// Last returns when the device was last used.
func (d Device) Last() moment { return momentOf(d.Used, stampLayout) }

func (SettingsPage) template() string { return "settings" }

// fieldsOf holds the fields of each section, in the order on the page.
var fieldsOf = map[string][]string{
	ProfileSection:  {"display_name", "team"},
	DetailsSection:  {"pronouns", "contacts"},
	PresenceSection: {"idle_after", "last_seen", "time_zone"},
	LookSection:     {"theme"},
	EmailSection:    {"email"},
	PasswordSection: {"old_password", "password"},
	DataSection:     {"confirm_username", "confirm_password"},
}

// focus returns the field to put the cursor in: the first with an error, or the first of a form that was refused as a
// whole. It returns "" if nothing was refused.
func (p SettingsPage) focus() string {
	fields := fieldsOf[p.Failed]
	for _, id := range fields {
		if p.Errors[id] != "" {
			return id
		}
	}
	if p.Message == "" || len(fields) == 0 {
		return ""
	}
	if p.Failed == DataSection {
		return "confirm_password"
	}
	return fields[0]
}

// setting is one field of a form.
type setting struct {
	ID, Value, Error string
	Focus            bool
}

// Field returns what the template needs for one field. It has no value for passwords.
func (p SettingsPage) Field(id string) setting {
	f := setting{ID: id, Error: p.Errors[id], Focus: p.focus() == id}
	switch id {
	case "display_name":
		f.Value = p.DisplayName
	case "team":
		f.Value = p.Team
	case "idle_after":
		f.Value = p.IdleMinutes
	case "pronouns":
		f.Value = p.Pronouns
	case "contacts":
		f.Value = p.Contacts
	case "time_zone":
		f.Value = p.TimeZone
	case "email":
		f.Value = p.Email.Typed
	case "confirm_username":
		f.Value = p.ConfirmUsername
	}
	return f
}

// section is the result of a section's form.
type section struct {
	Name, Message string
	Saved         string
}

// savedWords holds the messages in a section that has been saved.
var savedWords = map[string]string{
	ProfileSection:  "Saved.",
	DetailsSection:  "Saved.",
	PresenceSection: "Saved.",
	LookSection:     "Saved.",
	PasswordSection: "Saved. All other devices are signed out, and your access tokens are revoked.",
	LinkedSection:   "Saved.",
}

// Section returns the result of a section's form.
func (p SettingsPage) Section(name string) section {
	s := section{Name: name}
	if p.Failed == name {
		s.Message = p.Message
	}
	if p.Saved == name {
		s.Saved = savedWords[name]
		if name == DevicesSection {
			s.Saved = signedOut(p.SignedOut)
		}
	}
	return s
}

// signedOut returns the message after n other devices were signed out.
func signedOut(n int) string {
	switch n {
	case 0:
		return "No other device was signed in."
	case 1:
		return "Signed out 1 other device."
	}
	return fmt.Sprintf("Signed out %d other devices.", n)
}

// option is one radio button.
type option struct {
	Name, Value, Label, Hint string
	Chosen, Focus            bool
}

// options completes the radio buttons of a field: it marks the chosen one, and the one to put the cursor in.
func (p SettingsPage) options(field, chosen string, all ...option) []option {
	wrong := p.focus() == field
	at := max(0, slices.IndexFunc(all, func(o option) bool { return o.Value == chosen }))
	for i := range all {
		all[i].Name, all[i].Chosen, all[i].Focus = field, all[i].Value == chosen, wrong && i == at
	}
	return all
}

// LastSeenOptions returns the choices of who can see when a person was last online.
func (p SettingsPage) LastSeenOptions() []option {
	return p.options("last_seen", p.LastSeen,
		option{Value: "approximate", Label: "Roughly", Hint: "today, this week, this month, long ago"},
		option{Value: "exact", Label: "Exactly", Hint: "to the minute"},
		option{Value: "nobody", Label: "Nobody", Hint: "you won't see theirs either"})
}

// ThemeOptions returns the color schemes.
func (p SettingsPage) ThemeOptions() []option {
	return p.options("theme", p.Theme,
		option{Value: "system", Label: "Match system"},
		option{Value: "light", Label: "Light"},
		option{Value: "dark", Label: "Dark"})
}

// IdleOption returns the choice of the idle time that has this value.
func (p SettingsPage) IdleOption(value string) option {
	return option{Name: "idle", Value: value, Chosen: p.Idle == value}
}

// UsualIdleWords returns UsualIdle for display.
func (p SettingsPage) UsualIdleWords() string { return idleWords(p.UsualIdle) }

// OtherDevices reports whether there are other devices than this one.
func (p SettingsPage) OtherDevices() bool {
	return slices.ContainsFunc(p.Devices, func(d Device) bool { return !d.This })
}

// ConfirmOpen reports whether to show the form that deletes the account.
func (p SettingsPage) ConfirmOpen() bool { return p.Failed == DataSection }

// Box returns what a form says about a box that it showed.
func Box(checked bool) string {
	if checked {
		return "on"
	}
	return ""
}
