package live

import (
	"errors"
	"strings"
	"unicode/utf8"

	"rollcall/accounts"
	"rollcall/presence"
)

// Query says which part of the board a list shows. The zero Query is the first page of everybody. Equal queries share
// one list.
type Query struct {
	Search string // words, each of which begins a word of the name or username
	Team   string // in any spelling that folds to the team's name; "": all teams
	Show   Show
	After  string // cursor: only people after it
	Before string // cursor: only people before it; not together with After
}

// Show says in which states people are whom a list shows.
type Show string

// The values of Show.
const (
	Everyone Show = ""
	Here     Show = "here" // in any state but offline
	Online        = Show(presence.Online)
	Away          = Show(presence.Away)
	DND           = Show(presence.DND)
	Offline       = Show(presence.Offline)
)

// includes reports whether people in a state are shown.
func (s Show) includes(state presence.State) bool {
	switch s {
	case Everyone:
		return true
	case Here:
		return state != presence.Offline
	}
	return presence.State(s) == state
}

// present reports whether only people who are here are shown.
func (s Show) present() bool { return s != Everyone && s != Offline }

// Limits of a Query.
const (
	MaxSearch = 100  // runes
	maxTeam   = 64   // runes
	maxCursor = 4096 // bytes
)

// Reasons to refuse a Query.
var (
	ErrShow   = errors.New("live: no such filter")
	ErrCursor = errors.New("live: not a cursor")
	ErrLong   = errors.New("live: search or team too long")
)

// Clean returns q in the form in which equal queries are equal, or one of ErrShow, ErrCursor and ErrLong.
func (q Query) Clean() (Query, error) {
	q.Search = strings.Join(strings.Fields(q.Search), " ")
	q.Team = strings.TrimSpace(q.Team)
	switch q.Show {
	case Everyone, Here, Online, Away, DND, Offline:
	default:
		return q, ErrShow
	}
	if q.After != "" && q.Before != "" || len(q.After) > maxCursor || len(q.Before) > maxCursor {
		return q, ErrCursor
	}
	if utf8.RuneCountInString(q.Search) > MaxSearch || utf8.RuneCountInString(q.Team) > maxTeam ||
		!utf8.ValidString(q.Search+q.Team) {
		return q, ErrLong
	}
	return q, nil
}

// filter is a Query with what is worked out from it once: folding and parsing are costly, and asked for many people.
type filter struct {
	Query
	teamKey string          // of Team
	from    accounts.Person // where After or Before points
	search  accounts.Search // of Search
}

func newFilter(q Query) (filter, error) {
	f := filter{Query: q}
	if q.Team != "" {
		f.teamKey = accounts.TeamKey(q.Team)
	}
	if q.Search != "" {
		f.search = accounts.NewSearch(q.Search)
	}
	var err error
	if start := q.After + q.Before; start != "" {
		f.from, err = accounts.ParseCursor(start)
	}
	return f, err
}

// inTeam reports whether the filter lets p's team through.
func (f *filter) inTeam(p accounts.Person) bool { return f.Team == "" || f.teamKey == p.TeamKey() }

// covers reports whether who is among the people whom lists with this filter are pages of, whatever their state and
// however many stand before them.
func (f *filter) covers(who *candidate) bool {
	switch {
	case !f.inTeam(who.Person),
		f.After != "" && accounts.ComparePeople(who.Person, f.from) <= 0,
		f.Before != "" && accounts.ComparePeople(who.Person, f.from) >= 0:
		return false
	}
	return f.Search == "" || who.foundBy(f.search)
}

// candidate is a person who may belong on lists. The words of their names are made once, however many searches are
// watched.
type candidate struct {
	accounts.Person
	here  bool
	words []string // nil: not made yet
}

func (c *candidate) foundBy(s accounts.Search) bool {
	if c.words == nil {
		c.words = c.Words()
	}
	return s.Finds(c.words)
}

func (f *filter) people(limit int) accounts.PeopleQuery {
	q := accounts.PeopleQuery{Search: f.Search, After: f.After, Before: f.Before, Limit: limit}
	if f.Team != "" {
		q.Team = &f.Team
	}
	return q
}
