package ui

import "time"

// AdminImportPage is the form for a list of people, and what is wrong with the list.
type AdminImportPage struct {
	Admin
	CSV       string
	Checked   bool // the list has been checked; without problems, it can be imported
	Problems  []ImportProblem
	MoreWrong int // problems that aren't listed
	Ready     int // people who can be added
	Linked    int // of these, people who get a link to choose a password
	First     []Account
	Ignored   []string // columns that aren't used
	Max       int
}

func (AdminImportPage) template() string { return "admin-import" }

// ImportProblem is something wrong with a line.
type ImportProblem struct {
	Line              int // 0: the whole list
	Username, Message string
}

// Most returns how many people a list can have.
func (p AdminImportPage) Most() string { return grouped(p.Max) }

// Heading says what the check found.
func (p AdminImportPage) Heading() string {
	if n := len(p.Problems) + p.MoreWrong; n > 0 {
		return plural(n, "problem", "problems") + " to fix"
	}
	return plural(p.Ready, "person", "people") + " can be added"
}

// Links says how many people get a link.
func (p AdminImportPage) Links() string {
	return plural(p.Linked, "of them has", "of them have") + " no password. They get a link to choose one, which you see on the next page."
}

// Rest says how many people aren't in First.
func (p AdminImportPage) Rest() string {
	if n := p.Ready - len(p.First); n > 0 {
		return "and " + grouped(n) + " more"
	}
	return ""
}

// Button is the text of the button that imports.
func (p AdminImportPage) Button() string { return "Add " + plural(p.Ready, "person", "people") }

// MoreProblems says how many problems aren't listed.
func (p AdminImportPage) MoreProblems() string {
	if p.MoreWrong == 0 {
		return ""
	}
	return "And " + plural(p.MoreWrong, "more problem.", "more problems.")
}

// AdminImportedPage says who was added.
type AdminImportedPage struct {
	Admin
	Count int
	Links []ImportedLink // shown once
	CSV   string         // of Links
	Until moment
}

func (AdminImportedPage) template() string { return "admin-imported" }

// Expiring returns p with the time when the links end.
func (p AdminImportedPage) Expiring(t time.Time) AdminImportedPage {
	p.Until = momentOf(t, endLayout)
	return p
}

// ImportedLink is a person who has to choose a password.
type ImportedLink struct{ Name, Username, URL string }

// Heading says how many people were added.
func (p AdminImportedPage) Heading() string { return "Added " + plural(p.Count, "person", "people") }
