package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"rollcall/accounts"
	"rollcall/ui"
)

// boardQuery is what a board page and its socket show, as the URL says it. Its zero value is the first page of everybody.
type boardQuery struct {
	search  string // words of which each begins a word of the name or username
	team    string
	teamKey string // of team
	state   string // "", online, away, dnd or offline
	after   string // cursor: only people behind it
	before  string // cursor: only people ahead of it; not together with after
}

const (
	maxSearch = 100  // runes
	maxTeam   = 64   // runes
	maxCursor = 4096 // bytes
)

// parseBoardQuery reads the query string of GET / and GET /ws. Values it cannot use are an error for the visitor.
func parseBoardQuery(v url.Values) (boardQuery, error) {
	q := boardQuery{
		search: strings.Join(strings.Fields(v.Get("q")), " "),
		team:   strings.TrimSpace(v.Get("team")),
		state:  v.Get("state"), after: v.Get("after"), before: v.Get("before"),
	}
	switch q.state {
	case "", "online", "away", "dnd", "offline":
	default:
		return q, &failure{Status: http.StatusBadRequest, Message: "There is no such filter."}
	}
	if q.after != "" && q.before != "" || len(q.after) > maxCursor || len(q.before) > maxCursor {
		return q, &failure{Status: http.StatusBadRequest, Message: "This link to a part of the board does not work."}
	}
	if utf8.RuneCountInString(q.search) > maxSearch || utf8.RuneCountInString(q.team) > maxTeam || !utf8.ValidString(q.search+q.team) {
		return q, &failure{Status: http.StatusBadRequest, Message: "That is too long to search for."}
	}
	if q.team != "" {
		q.teamKey = accounts.TeamKey(q.team) // folding is dear, and asked of many people
	}
	return q, nil
}

// encode is the query string of q, canonical: equal queries give equal strings.
func (q boardQuery) encode() string { return q.values().Encode() }

func (q boardQuery) values() url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set("q", q.search)
	set("state", q.state)
	set("after", q.after)
	set("before", q.before)
	set("team", q.team)
	return v
}

func (q boardQuery) people(limit int) accounts.PeopleQuery {
	p := accounts.PeopleQuery{Search: q.search, After: q.after, Before: q.before, Limit: limit}
	if q.team != "" {
		p.Team = &q.team
	}
	return p
}

func (q boardQuery) view() ui.Query {
	return ui.Query{Q: q.search, Team: q.team, State: q.state, After: q.after, Before: q.before}
}
