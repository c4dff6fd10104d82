package ui

import "net/url"

// Query is the query string of the board: search words, team, state and the
// keyset cursors. Each is as typed in the address, "" when not there.
type Query struct {
	Q, Team, State, After, Before string
}

// href is a link to the board with this query, relative to the board itself.
// Cursors are left out: they belong to the list as it was filtered before.
func (q Query) href() string {
	v := url.Values{}
	for name, value := range map[string]string{"q": q.Q, "team": q.Team, "state": q.State} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if len(v) == 0 {
		return "?"
	}
	return "?" + v.Encode()
}

// WithState is a link to the same search and team with another state.
func (q Query) WithState(state string) string {
	q.State = state
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
	State, Label, ID, Count, Href string
	Chosen                        bool
}

// Filters returns the five choices of the bar, in the order shown.
func (p BoardPage) Filters() []Filter {
	out := make([]Filter, 0, 5)
	for _, c := range p.Counts.each() {
		out = append(out, Filter{
			State:  c.state,
			Label:  c.label,
			ID:     c.id,
			Count:  c.text,
			Href:   p.Query.WithState(c.state),
			Chosen: p.Query.State == c.state,
		})
	}
	return out
}
