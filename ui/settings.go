package ui

import (
	"fmt"
	"slices"
	"time"
)

// The sections of the settings. Each has a form, or several, of its own.
const (
	ProfileSection  = "profile"
	PresenceSection = "presence"
	LookSection     = "look"
	PasswordSection = "password"
	DevicesSection  = "devices"
	DataSection     = "data"
)

// SettingsPage is what people choose for themselves. It holds what the account
// has, but for the section Failed, which holds what was typed. Passwords are
// never put back.
type SettingsPage struct {
	Layout
	// Saved is the section that was saved just now, Failed the one whose form
	// was refused; "": none.
	Saved, Failed string
	// Message says why the form was refused when it is not about one field;
	// Errors says it by field.
	Message string
	Errors  map[string]string

	Username, DisplayName, Team string
	// Teams are some that exist. TeamRule says what may be done with them: open
	// (choose or name a new one), existing (choose), fixed (nothing).
	Teams    []string
	TeamRule string

	// Idle is default, minutes or never; IdleMinutes how many, as typed, and
	// UsualIdle the default of this Rollcall.
	Idle, IdleMinutes string
	UsualIdle         time.Duration
	// LastSeen is approximate, exact or nobody.
	LastSeen string
	// TimeZone is an IANA name, or "". Zones are some to choose from.
	TimeZone string
	Zones    []string

	// Theme is system, light or dark.
	Theme    string
	Announce bool

	Devices []Device
	// SignedOut is how many other devices were signed out just now.
	SignedOut int

	// ConfirmUsername is what was typed to delete the account.
	ConfirmUsername string
}

// Device is one sign-in.
type Device struct {
	ID string
	// Name is browser and system in words.
	Name, Address  string
	SignedIn, Used time.Time
	// This is the one that the page is shown in; Open: a page of it is open.
	This, Open bool
}

// Since is when the device signed in.
func (d Device) Since() moment { return momentOf(d.SignedIn, stampLayout) }

// Last is when it was used last.
func (d Device) Last() moment { return momentOf(d.Used, stampLayout) }

func (SettingsPage) template() string { return "settings" }

// fieldsOf are the fields of each section in the order of the page.
var fieldsOf = map[string][]string{
	ProfileSection:  {"display_name", "team"},
	PresenceSection: {"idle_after", "last_seen", "time_zone"},
	LookSection:     {"theme"},
	PasswordSection: {"old_password", "password"},
	DataSection:     {"confirm_username", "confirm_password"},
}

// focus names the field the cursor starts in: the first that is wrong, or the
// first of a form that was refused as a whole; "" when nothing was.
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

// setting is one field and what is wrong with it.
type setting struct {
	ID, Value, Error string
	Focus            bool
}

// Field returns what the template needs for one field. Passwords have no value.
func (p SettingsPage) Field(id string) setting {
	f := setting{ID: id, Error: p.Errors[id], Focus: p.focus() == id}
	switch id {
	case "display_name":
		f.Value = p.DisplayName
	case "team":
		f.Value = p.Team
	case "idle_after":
		f.Value = p.IdleMinutes
	case "time_zone":
		f.Value = p.TimeZone
	case "confirm_username":
		f.Value = p.ConfirmUsername
	}
	return f
}

// section is the end of a form: the button, and what became of it.
type section struct {
	Name, Message string
	Saved         string
}

// savedWords are shown in a section after it was saved.
var savedWords = map[string]string{
	ProfileSection:  "Saved.",
	PresenceSection: "Saved.",
	LookSection:     "Saved.",
	PasswordSection: "Saved. All other devices are signed out.",
}

// Section returns what has become of a section.
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

// signedOut says how many other devices were signed out.
func signedOut(n int) string {
	switch n {
	case 0:
		return "No other device was signed in."
	case 1:
		return "Signed out 1 other device."
	}
	return fmt.Sprintf("Signed out %d other devices.", n)
}

// option is one of several to choose from.
type option struct {
	Name, Value, Label, Hint string
	Chosen, Focus            bool
}

// options marks the one whose value is chosen, and the one the cursor starts in.
func (p SettingsPage) options(field, chosen string, all ...option) []option {
	wrong := p.focus() == field
	at := max(0, slices.IndexFunc(all, func(o option) bool { return o.Value == chosen }))
	for i := range all {
		all[i].Name, all[i].Chosen, all[i].Focus = field, all[i].Value == chosen, wrong && i == at
	}
	return all
}

// LastSeenOptions are the ways to let others know when one was here.
func (p SettingsPage) LastSeenOptions() []option {
	return p.options("last_seen", p.LastSeen,
		option{Value: "approximate", Label: "Roughly", Hint: "today, this week, this month, long ago"},
		option{Value: "exact", Label: "Exactly", Hint: "to the minute"},
		option{Value: "nobody", Label: "Nobody", Hint: "and you are not told it of anybody"})
}

// ThemeOptions are the colour schemes.
func (p SettingsPage) ThemeOptions() []option {
	return p.options("theme", p.Theme,
		option{Value: "system", Label: "Match system"}, option{Value: "light", Label: "Light"}, option{Value: "dark", Label: "Dark"})
}

// IdleOption is the way of being away that has this value.
func (p SettingsPage) IdleOption(value string) option {
	return option{Name: "idle", Value: value, Chosen: p.Idle == value}
}

// UsualIdleWords is UsualIdle for people.
func (p SettingsPage) UsualIdleWords() string { return idleWords(p.UsualIdle) }

// OtherDevices reports whether there is more than this one.
func (p SettingsPage) OtherDevices() bool {
	return slices.ContainsFunc(p.Devices, func(d Device) bool { return !d.This })
}

// ConfirmOpen reports whether the form that deletes the account is open.
func (p SettingsPage) ConfirmOpen() bool { return p.Failed == DataSection }
