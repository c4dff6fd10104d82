package ui

import "net/url"

// Query.Show is one of these, or a state.
const (
	Here     = "here"
	Everyone = "everyone"
)

// Query is the query string of the board: search words, team, filter and keyset cursors. Each field is as typed in the
// URL, or "" if it's missing.
type Query struct {
	Q, Team, Show, After, Before string
}

// href returns the URL of the board with this query, relative to the board. It leaves out the cursors, because they
// belong to a list with a different filter.
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

// WithShow returns the URL for the same search and team with another filter.
func (q Query) WithShow(show string) string {
	q.Show = show
	return q.href()
}

// WithoutSearch returns the URL without the search words.
func (q Query) WithoutSearch() string {
	q.Q = ""
	return q.href()
}

// WithoutTeam returns the URL for all teams.
func (q Query) WithoutTeam() string {
	q.Team = ""
	return q.href()
}

// Filter is one choice in the filter bar.
type Filter struct {
	Show, Label, Short, ID, Count, Href string
	Chosen                              bool
}

// IsState reports whether the filter is for a single state.
func (f Filter) IsState() bool { return Label(f.Show) != "" }

// Begins reports whether the filter is the first one for a single state.
func (f Filter) Begins() bool { return f.Show == Online }

// Filters returns the choices of the filter bar in order.
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
