package ui

import (
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Admin is what all pages of the administration have in common. These pages show accounts, never who is here.
type Admin struct {
	Layout
	Section                    string // people, teams, invitations, settings or log
	People, Teams, Invitations int
	Live                       bool              // the page loads itself again when accounts change
	Said                       string            // what was done
	Message                    string            // why a form was refused, if that isn't about one field
	Errors                     map[string]string // messages by field
}

// adminSection is a link to a section.
type adminSection struct {
	Name, Label, Count string
	Begins             string // the title of the group that begins with this section
	Current            bool
}

// Sections returns the links to all sections.
func (a Admin) Sections() []adminSection {
	all := []adminSection{
		{Name: "people", Label: "People", Count: number(a.People)},
		{Name: "teams", Label: "Teams", Count: number(a.Teams)},
		{Name: "invitations", Label: "Invitations", Count: number(a.Invitations)},
		{Name: "settings", Label: "Settings", Begins: "Board"},
		{Name: "log", Label: "Log"},
	}
	for i := range all {
		all[i].Current = all[i].Name == a.Section
	}
	return all
}

// number returns n as text with separators between thousands, or "" for 0.
func number(n int) string {
	if n == 0 {
		return ""
	}
	return grouped(n)
}

func grouped(n int) string {
	text := strconv.Itoa(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// fieldError is the message about one field of a form.
type fieldError struct{ ID, Text string }

// Wrong returns the message about a field.
func (a Admin) Wrong(field string) fieldError { return fieldError{field, a.Errors[field]} }

// fieldOrder holds the fields of all forms of the administration. Fields of one page are in the order of the page.
var fieldOrder = []string{
	"display_name", "uses", "days", "board_name", "signup", "teams", "visibility", "invisible", "signup_domains",
	"team", "into", "other", "label", "email", "confirm_username",
}

// Focus returns the first field with an error, where the cursor starts, or "".
func (a Admin) Focus() string {
	for _, name := range fieldOrder {
		if a.Errors[name] != "" {
			return name
		}
	}
	return ""
}

// Failed reports whether a form was refused.
func (a Admin) Failed() bool { return a.Message != "" || len(a.Errors) > 0 }

// Account is a person on a list for administrators.
type Account struct {
	ID, Username, Name, Team string
	Admin, Disabled, Waiting bool
	Own                      bool   // the viewer's own
	Picked                   bool   // selected on the list
	Note                     string // of somebody who waits
}

// Role returns what the account may do.
func (a Account) Role() string {
	if a.Admin {
		return "Administrator"
	}
	return "Member"
}

// Status returns why the person can't sign in, or "".
func (a Account) Status() string {
	switch {
	case a.Waiting:
		return "Waiting"
	case a.Disabled:
		return "Disabled"
	}
	return ""
}

// OnceLink is a link that is shown once.
type OnceLink struct {
	URL, Title, Text string
	Until            moment
}

// Expiring returns l with the time when it ends.
func (l OnceLink) Expiring(t time.Time) OnceLink {
	l.Until = momentOf(t, endLayout)
	return l
}

// AdminQuery is the query string of the list of people.
type AdminQuery struct{ Q, Show, Sort, Team, After string }

func (q AdminQuery) href() string {
	v := url.Values{}
	for name, value := range map[string]string{"q": q.Q, "show": q.Show, "sort": q.Sort, "team": q.Team, "after": q.After} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if len(v) == 0 {
		return "people"
	}
	return "people?" + v.Encode()
}

// AdminPeoplePage lists accounts.
type AdminPeoplePage struct {
	Admin
	Query                         AdminQuery
	All, Admins, Disabled, NoTeam int
	Waits                         []Account // people who wait for approval
	Accounts                      []Account
	Next                          string   // After of the next page
	TeamNames                     []string // some teams
	Here                          string   // path and query of this page, where forms lead back to
	BulkTeam                      string   // as typed
}

func (AdminPeoplePage) template() string { return "admin-people" }

// adminFilter is a link of the filter bar or of the order.
type adminFilter struct {
	Label, Href, Count string
	Chosen             bool
}

// Filters returns the links of the filter bar.
func (p AdminPeoplePage) Filters() []adminFilter {
	var all []adminFilter
	for _, f := range []struct {
		show, label string
		count       int
	}{{"", "All", p.All}, {"admins", "Administrators", p.Admins}, {"disabled", "Disabled", p.Disabled},
		{"no-team", "No team", p.NoTeam}} {
		all = append(all, adminFilter{f.label, AdminQuery{Q: p.Query.Q, Show: f.show}.href(), grouped(f.count),
			p.Query.Show == f.show && p.Query.Team == ""})
	}
	return all
}

// Orders returns the links of the order, or nil if the list has only one.
func (p AdminPeoplePage) Orders() []adminFilter {
	if p.Query.Show != "" || p.Query.Q != "" || p.Query.Team != "" {
		return nil
	}
	var all []adminFilter
	for _, o := range []struct{ sort, label string }{{"", "Name"}, {"username", "Username"}, {"newest", "Newest"}} {
		all = append(all, adminFilter{Label: o.label, Href: AdminQuery{Sort: o.sort}.href(), Chosen: p.Query.Sort == o.sort})
	}
	return all
}

// WaitsTitle says how many people wait for approval.
func (p AdminPeoplePage) WaitsTitle() string {
	if len(p.Waits) == 1 {
		return "1 person is waiting for approval"
	}
	return grouped(len(p.Waits)) + " people are waiting for approval"
}

// Summary says what the list shows.
func (p AdminPeoplePage) Summary() string {
	total := map[string]int{"": p.All, "admins": p.Admins, "disabled": p.Disabled, "no-team": p.NoTeam}[p.Query.Show]
	switch {
	case p.Query.Q != "" || p.Query.Team != "":
		return plural(len(p.Accounts), "account on this page.", "accounts on this page.")
	case p.Next == "" && p.Query.After == "":
		return plural(len(p.Accounts), "account.", "accounts.")
	}
	return grouped(len(p.Accounts)) + " of " + grouped(total) + " accounts."
}

// Empty says why the list is empty.
func (p AdminPeoplePage) Empty() string {
	if p.Query.Q != "" {
		return "Nobody matches “" + strings.TrimSpace(p.Query.Q) + "”. A search finds people who are enabled. To find others, choose Disabled."
	}
	return "Nobody is on this list."
}

// NextHref returns the URL of the next page, and FirstHref that of the first one. They return "" if this page is it.
func (p AdminPeoplePage) NextHref() string {
	if p.Next == "" {
		return ""
	}
	q := p.Query
	q.After = p.Next
	return q.href()
}

// FirstHref returns the URL of the first page.
func (p AdminPeoplePage) FirstHref() string {
	if p.Query.After == "" {
		return ""
	}
	q := p.Query
	q.After = ""
	return q.href()
}

// WithoutSearch returns the URL without the search words.
func (p AdminPeoplePage) WithoutSearch() string {
	q := p.Query
	q.Q, q.After = "", ""
	return q.href()
}

// AdminConfirmPage asks whether something should be done to the accounts on it.
type AdminConfirmPage struct {
	Admin
	Accounts         []Account
	Kept             []Kept // fields that are posted again
	Act, Words, Team string // team, sessions, disable or delete; the same in words; the team to move to
	Own              bool   // the viewer was selected, too, and is left out
	Back             string // path and query
}

func (AdminConfirmPage) template() string { return "admin-confirm" }

// Heading asks the question.
func (p AdminConfirmPage) Heading() string {
	if len(p.Accounts) == 0 {
		return "Only your own account is selected"
	}
	heading := p.Words + " " + plural(len(p.Accounts), "account", "accounts")
	switch {
	case p.Act != "team":
		return heading + "?"
	case p.Team == "":
		return heading + " out of their teams?"
	}
	return heading + " to the team " + p.Team + "?"
}

// Explains says what happens.
func (p AdminConfirmPage) Explains() string {
	switch {
	case len(p.Accounts) == 0:
		return ""
	case p.Act == "delete":
		return "Everything that is stored about them is deleted, and they disappear from every screen at once. This can't be undone."
	case p.Act == "disable":
		return "They disappear from the board at once and can't sign in. Nothing is deleted."
	case p.Act == "sessions":
		return "They're signed out on every device."
	}
	return "Every page follows at once."
}

// Button is the text of the button that does it.
func (p AdminConfirmPage) Button() string {
	return map[string]string{
		"delete": "Delete permanently", "disable": "Disable", "sessions": "End sessions", "team": "Set team",
	}[p.Act]
}

// AdminPersonPage is about one account.
type AdminPersonPage struct {
	Admin
	Was             Was
	Account         Account
	Joined          string // a month
	DisplayName     string // as typed
	Team            string
	TeamNames       []string
	Linked          []Linked // accounts elsewhere with which the person signs in
	Link            OnceLink
	Lines           []LogLine
	More            bool // there are older lines
	ConfirmUsername string
	Email           string // as typed
}

func (AdminPersonPage) template() string { return "admin-person" }

// DeleteOpen reports whether to show the form that deletes the account.
func (p AdminPersonPage) DeleteOpen() bool { return p.Errors["confirm_username"] != "" }
