package live

import (
	"errors"
	"strings"
	"unicode/utf8"

	"rollcall/accounts"
	"rollcall/presence"
)

// Query says which part of the board a list shows. The zero Query is the first page of everyone. Equal queries share
// one list.
type Query struct {
	Person string // ID: only this person, on a list without counts and headings; then no other field is set
	Search string // words; each must be the beginning of a word of the name or username
	Team   string // in any spelling that folds to the team's name; "" for all teams
	Show   Show
	After  string // cursor: only people after it
	Before string // cursor: only people before it; not together with After

	own   bool     // the short list of OwnTeam, which has nobody without a Team
	teams *teamSet // only people in these teams; Board sets it for whoever asks
}

// OwnTeam returns the query of a short list: the first people of p's team who are here. Its watchers follow p to
// another team.
func OwnTeam(p accounts.Person) Query { return Query{Team: p.Team, Show: Here, own: true} }

// Show selects people by their state.
type Show string

// The values of Show.
const (
	Everyone Show = ""
	Here     Show = "here" // in any state except offline
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
	maxPerson = 64   // bytes
)

// The errors of Clean.
var (
	ErrShow   = errors.New("live: no such filter")
	ErrCursor = errors.New("live: not a cursor")
	ErrLong   = errors.New("live: search or team too long")
)

// Clean returns q in a normal form, so that equivalent queries are equal, or one of ErrShow, ErrCursor and ErrLong.
func (q Query) Clean() (Query, error) {
	q.Search = strings.Join(strings.Fields(q.Search), " ")
	q.Team = strings.TrimSpace(q.Team)
	if q.Person != "" && (len(q.Person) > maxPerson || q != Query{Person: q.Person}) {
		return q, ErrLong
	}
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

// filter is a Query with values that are derived from it once, because folding and parsing are too costly to repeat for
// every person.
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

// inTeam reports whether p's team matches the filter, and may be seen.
func (f *filter) inTeam(p accounts.Person) bool {
	return (f.Team == "" && !f.own || f.Team != "" && f.teamKey == p.TeamKey()) && f.teams.shows(p)
}

// covers reports whether who matches the team and the search and is on the right side of the cursor, whatever their
// state.
func (f *filter) covers(who *candidate) bool {
	switch {
	case f.Person != "" && f.Person != who.ID,
		!f.inTeam(who.Person),
		f.After != "" && accounts.ComparePeople(who.Person, f.from) <= 0,
		f.Before != "" && accounts.ComparePeople(who.Person, f.from) >= 0:
		return false
	}
	return f.Search == "" || who.foundBy(f.search)
}

// candidate is a person who may belong on lists. The words of their names are computed once for all searches.
type candidate struct {
	accounts.Person
	here  bool
	words []string // nil if not computed yet
}

func (c *candidate) foundBy(s accounts.Search) bool {
	if c.words == nil {
		c.words = c.Words()
	}
	return s.Finds(c.words)
}

func (f *filter) people(limit int) accounts.PeopleQuery {
	q := accounts.PeopleQuery{Search: f.Search, After: f.After, Before: f.Before, Limit: limit}
	switch {
	case f.Team != "" && f.teams.has(f.teamKey):
		q.Team = &f.Team
	case f.Team != "": // as if nobody were in it
		q.Teams = []string{}
	case f.teams != nil:
		q.Teams = f.teams.keys
	}
	return q
}
