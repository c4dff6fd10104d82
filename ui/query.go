package ui

import "net/url"

// The values of Query.Show besides the states.
const (
	Here     = "here"
	Everyone = "everyone"
)

// Query is the query string of the board: search words, team, whom to show and the keyset cursors. Each is as typed in the
// address, "" when not there.
type Query struct {
	Q, Team, Show, After, Before string
}

// href is a link to the board with this query, relative to the board itself. Cursors are left out: they belong to the list
// as it was filtered before.
func (q Query) href() string {
	v := url.Values{}
	for name, value := range map[string]string{"q": q.Q, "team": q.Team, "show": q.Show} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if len(v) == 0 {
		return "?"
	}
	return "?" + v.Encode()
}

// WithShow is a link to the same search and team that shows others.
func (q Query) WithShow(show string) string {
	q.Show = show
	return q.href()
}

// WithoutSearch is a link that drops the search words and keeps the rest.
func (q Query) WithoutSearch() string {
	q.Q = ""
	return q.href()
}

// WithoutTeam is a link that shows all teams and keeps the rest.
func (q Query) WithoutTeam() string {
	q.Team = ""
	return q.href()
}

// Filter is one choice of the bar that counts and filters.
type Filter struct {
	Show, Label, Short, ID, Count, Href string
	Chosen                              bool
}

// IsState reports whether the filter shows people in one state.
func (f Filter) IsState() bool { return Label(f.Show) != "" }

// Begins reports whether the filter is the first of those by state.
func (f Filter) Begins() bool { return f.Show == Online }

// Filters returns the six choices of the bar, in the order shown.
func (p BoardPage) Filters() []Filter {
	out := make([]Filter, 0, 6)
	for _, c := range p.Counts.each() {
		out = append(out, Filter{
			Show: c.show, Label: c.label, Short: c.short, ID: c.id, Count: c.text,
			Href: p.Query.WithShow(c.show), Chosen: p.Chosen == c.show,
		})
	}
	return out
}
