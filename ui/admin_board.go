package ui

import (
	"net/url"
	"slices"
	"strconv"
	"time"
)

// AdminTeamsPage lists teams.
type AdminTeamsPage struct {
	Admin
	AdminTeamPairs
	All []AdminTeam
}

func (AdminTeamsPage) template() string { return "admin-teams" }

// AdminTeam is a team on a list for administrators.
type AdminTeam struct {
	Name   string // "" for people without a team
	People int
}

// Count returns the number of enabled people.
func (t AdminTeam) Count() string { return plural(t.People, "person", "people") }

// PeopleHref returns the URL of the team's list of people.
func (t AdminTeam) PeopleHref() string {
	if t.Name == "" {
		return AdminQuery{Show: "no-team"}.href()
	}
	return AdminQuery{Team: t.Name}.href()
}

// Href returns the URL of the team's page.
func (t AdminTeam) Href() string { return "team?" + url.Values{"name": {t.Name}}.Encode() }

// AdminTeamPage has the forms that change one team.
type AdminTeamPage struct {
	Admin
	Team     AdminTeam
	To, Into string // as typed
	Others   []string
}

func (AdminTeamPage) template() string { return "admin-team" }

// AdminInvitationsPage lists invitations that can be used.
type AdminInvitationsPage struct {
	Admin
	Link                    OnceLink
	All                     []AdminInvitation
	Uses, Days, Team, Label string // as typed
	Email                   string // as typed
	MaxUses, MaxDays        int
	TeamNames               []string
	Closed                  bool // people need an invitation to join
	Domains                 bool // or an email address at a domain
}

func (AdminInvitationsPage) template() string { return "admin-invitations" }

// AdminInvitation is an invitation on the list.
type AdminInvitation struct {
	ID, Label, Team, By string
	Uses, Left          int
	Expires             time.Time
}

// Until returns when the invitation ends.
func (i AdminInvitation) Until() moment { return momentOf(i.Expires, endLayout) }

// Used says how often the invitation was used.
func (i AdminInvitation) Used() string {
	return "used " + strconv.Itoa(i.Uses) + " of " + plural(i.Uses+i.Left, "time", "times")
}

// Name returns the label, or words in its place.
func (i AdminInvitation) Name() string {
	if i.Label == "" {
		return "Invitation"
	}
	return i.Label
}

// AdminSettingsPage has the settings of the board.
type AdminSettingsPage struct {
	Admin
	Was                                                Was
	BoardName, SignUp, TeamRule, Visibility, Invisible string
	Domains                                            string            // separated by spaces
	Fixed                                              map[string]string // flag by setting, for settings that flags fix
}

func (AdminSettingsPage) template() string { return "admin-settings" }

func picked(name, chosen string, all ...option) []option {
	for i := range all {
		all[i].Name, all[i].Chosen = name, all[i].Value == chosen
	}
	return all
}

// boardSetting is a setting with options.
type boardSetting struct {
	Name, Title, Flag, Error string
	Because                  string // why there's no choice, if no flag is the reason
	Options                  []option
}

// Choices returns the settings with options.
func (p AdminSettingsPage) Choices() []boardSetting {
	all := []boardSetting{
		{Name: "signup", Title: "Who can join", Options: picked("signup", p.SignUp,
			option{Value: "open", Label: "Anyone who can open this page"},
			option{Value: "invite", Label: "People with an invitation"},
			option{Value: "approve", Label: "Anyone, once an administrator approves", Hint: "You find them under People. Up to 100 people can wait."},
			option{Value: "domains", Label: "People with an email address at a domain",
				Hint: "They get a link to create their account. Invitations work, too."},
			option{Value: "off", Label: "Nobody", Hint: "No page says how to join. Invitations still work."})},
		{Name: "teams", Title: "Who chooses teams", Options: picked("teams", p.TeamRule,
			option{Value: "open", Label: "Everyone", Hint: "People choose a team or name a new one."},
			option{Value: "existing", Label: "Everyone, from existing teams"},
			option{Value: "fixed", Label: "Only administrators"})},
		{Name: "visibility", Title: "Whom people see", Options: picked("visibility", p.Visibility,
			option{Value: "everyone", Label: "Everyone"},
			option{Value: "teams", Label: "Only their own team", Hint: "And teams that you pair it with, under Teams. " +
				"People without a team see each other. Administrators see everyone. Only administrators choose teams then."})},
		{Name: "invisible", Title: "Being invisible", Options: picked("invisible", p.Invisible,
			option{Value: "on", Label: "Allowed", Hint: "People can appear offline while they use the board."},
			option{Value: "off", Label: "Not allowed"})},
	}
	if !p.Mails {
		cannot := func(o option) bool { return o.Value == "domains" && !o.Chosen }
		all[0].Options = slices.DeleteFunc(all[0].Options, cannot)
	}
	for i := range all {
		all[i].Flag, all[i].Error = p.Fixed[all[i].Name], p.Errors[all[i].Name]
		if p.Focus() == all[i].Name {
			at := max(0, slices.IndexFunc(all[i].Options, func(o option) bool { return o.Chosen }))
			all[i].Options[at].Focus = true
		}
		if all[i].Name == "teams" && p.Visibility == "teams" {
			all[i].Flag, all[i].Because = "", "Administrators choose, because people see only their own team."
		}
	}
	return all
}

// AllFixed reports whether there is nothing to save.
func (p AdminSettingsPage) AllFixed() bool {
	shown := 5
	if p.Mails || p.Fixed["signup_domains"] != "" {
		shown++
	}
	return len(p.Fixed) == shown
}

// AdminLogPage is the audit log.
type AdminLogPage struct {
	Admin
	Show, Person string // the filter, and the username that it's about
	Days         []LogDay
	Before       string // cursor of this page
	Older        string // cursor of the next page
}

func (AdminLogPage) template() string { return "admin-log" }

// LogDay is what was done on one day.
type LogDay struct {
	Title string
	Lines []LogLine
}

// LogLine is one line of the audit log, as a sentence.
type LogLine struct {
	At    time.Time
	Day   string // shown in place of a time, such as for what people did to their own account; "": the time
	Parts []LogPart
	Via   string
}

// LogPart is a part of a sentence.
type LogPart struct {
	Text string
	Bold bool // who did it
	Name bool // a name
}

// Time returns when it was done, unless only the day is shown.
func (l LogLine) Time() moment {
	if l.Day != "" {
		return moment{}
	}
	return momentOf(l.At, "15:04 UTC")
}

func (p AdminLogPage) href(show, before string) string {
	v := url.Values{}
	for name, value := range map[string]string{"show": show, "person": p.Person, "before": before} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if len(v) == 0 {
		return "log"
	}
	return "log?" + v.Encode()
}

// Filters returns the links of the filter bar.
func (p AdminLogPage) Filters() []adminFilter {
	var all []adminFilter
	for _, f := range []struct{ show, label string }{{"", "All"}, {"people", "People"}, {"board", "Board"}} {
		alone := AdminLogPage{}
		all = append(all, adminFilter{Label: f.label, Href: alone.href(f.show, ""), Chosen: p.Show == f.show && p.Person == ""})
	}
	return all
}

// OlderHref returns the URL of the next page, or "".
func (p AdminLogPage) OlderHref() string {
	if p.Older == "" {
		return ""
	}
	return p.href(p.Show, p.Older)
}

// NewestHref returns the URL of the first page, or "" if this is it.
func (p AdminLogPage) NewestHref() string {
	if p.Before == "" {
		return ""
	}
	return p.href(p.Show, "")
}
