package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"rollcall/accounts"
	"rollcall/live"
	"rollcall/presence"
)

// Limits of lists.
const (
	pageUsers    = 50  // people on a page unless the request says otherwise
	maxUsersGet  = 50  // people in one GET /presence
	maxUsersPost = 500 // people in one POST /presence/query
)

// personJSON is a person as the caller sees them now.
type personJSON struct {
	userJSON
	Stale bool `json:"stale,omitempty"` // the last known state, or offline because it isn't known yet
}

// usersJSON is a list of people.
type usersJSON struct {
	Users      []personJSON `json:"users"`
	Next       string       `json:"next,omitempty"`        // cursor of the next page
	Warming    bool         `json:"warming,omitempty"`     // the server has just started: people are still coming back
	StaleSince *time.Time   `json:"stale_since,omitempty"` // since when other replicas can't be reached
}

// personOf returns a row. While people are coming back, it isn't known who is offline.
func personOf(r live.Row, warming bool) personJSON {
	return personJSON{userOf(r), r.Stale || warming && r.State == presence.Offline}
}

// apiUsers lists people in board order, page by page.
func (s *Server) apiUsers(ctx context.Context, x *call) (reply, error) {
	v := x.URL.Query()
	limit, err := limitOf(v, pageUsers, accounts.MaxPage)
	if err != nil {
		return reply{}, err
	}
	q, err := live.Query{Search: v.Get("q"), Team: v.Get("team"), Show: live.Show(v.Get("state")), After: v.Get("cursor")}.Clean()
	if err != nil {
		return reply{}, wrongQuery(err)
	}
	p, err := s.live.Load(ctx, q, x.caller.user.Person)
	if errors.Is(err, accounts.ErrCursor) {
		return reply{}, badCursor(err)
	}
	if err != nil {
		return reply{}, notRead(fmt.Errorf("list people: %w", err))
	}
	list := usersJSON{Users: []personJSON{}, Warming: p.Warming, StaleSince: timeOf(p.Lost.Truncate(time.Second).UTC())}
	next := p.Links.Next
	for _, section := range p.Sections {
		for _, e := range section.Rows {
			if len(list.Users) == limit {
				next = cursorBehind(list.Users[limit-1])
				break
			}
			list.Users = append(list.Users, personOf(e.Row, p.Warming))
		}
	}
	r := ok(&list)
	if next != "" {
		list.Next = next
		v.Set("cursor", list.Next)
		r.header = s.nextLink("/users", v)
	}
	r.watch = []live.Want{{List: &q, Eyes: x.caller.user.Person}}
	return r, nil
}

// cursorBehind returns the cursor of the people after p.
func cursorBehind(p personJSON) string {
	return accounts.Person{ID: p.ID, DisplayName: p.Name, Team: p.Team}.Cursor()
}

// nextLink returns the header that leads to the next page of a list.
func (s *Server) nextLink(path string, v url.Values) http.Header {
	return http.Header{"Link": {"<" + s.site.path(apiPath+path) + "?" + v.Encode() + `>; rel="next"`}}
}

// limitOf returns the number of things on a page.
func limitOf(v url.Values, usual, most int) (int, error) {
	text := v.Get("limit")
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, &failure{Status: http.StatusBadRequest, Message: fmt.Sprintf("limit must be a number from 1 to %d.", most)}
	}
	return n, nil
}

// wrongQuery explains why a query string is invalid.
func wrongQuery(err error) error {
	switch {
	case errors.Is(err, live.ErrShow):
		return &failure{Status: http.StatusBadRequest, Message: "state must be here, online, away, dnd, or offline.", Err: err}
	case errors.Is(err, live.ErrCursor):
		return badCursor(err)
	}
	return &failure{Status: http.StatusBadRequest, Message: "q or team is too long.", Err: err}
}

func badCursor(err error) error {
	return &failure{Status: http.StatusBadRequest, Message: "This isn't a cursor. Take it from next, or start without one.", Err: err}
}

// apiUser answers with one person.
func (s *Server) apiUser(ctx context.Context, x *call) (reply, error) {
	eyes := x.caller.user.Person
	user, err := s.personByName(ctx, eyes, x.params["name"])
	if err != nil {
		return reply{}, err
	}
	rows, warming, err := s.live.People(ctx, []accounts.Person{user.Person}, eyes)
	switch {
	case err != nil:
		return reply{}, notRead(fmt.Errorf("person: %w", err))
	case len(rows) == 0:
		return reply{}, noPerson(nil)
	}
	r := ok(personOf(rows[0].Row, warming))
	r.watch = []live.Want{personWant(user.Person, eyes)}
	return r, nil
}

// personWant is what to watch for changes of one person.
func personWant(p, eyes accounts.Person) live.Want {
	return live.Want{List: &live.Query{Person: p.ID}, Eyes: eyes}
}

// apiPresence answers with the people whom the query string names.
func (s *Server) apiPresence(ctx context.Context, x *call) (reply, error) {
	names := x.URL.Query()["user"]
	switch {
	case len(names) == 0:
		return reply{}, &failure{Status: http.StatusBadRequest, Message: "Name somebody: ?user=NAME."}
	case len(names) > maxUsersGet:
		return reply{}, &failure{Status: http.StatusBadRequest,
			Message: fmt.Sprintf("Name up to %d people, or use POST %s/presence/query.", maxUsersGet, apiPath)}
	}
	return s.presenceOf(ctx, x, names, true)
}

// presenceQuery names people.
type presenceQuery struct {
	Users []string `json:"users"`
}

// apiQueryPresence answers with the people whom the body names.
func (s *Server) apiQueryPresence(ctx context.Context, x *call) (reply, error) {
	in, err := decode[presenceQuery](x.Request)
	switch {
	case err != nil:
		return reply{}, err
	case len(in.Users) > maxUsersPost:
		return reply{}, &accounts.FieldError{Field: "users", Code: accounts.TooMany, Limit: maxUsersPost}
	}
	return s.presenceOf(ctx, x, in.Users, false)
}

// presenceOf answers with those of the named people whom the caller sees, in board order. It leaves out others without
// a word, so that nobody learns who exists in a hidden team.
func (s *Server) presenceOf(ctx context.Context, x *call, names []string, waits bool) (reply, error) {
	if err := s.live.CatchUp(ctx); err != nil {
		return reply{}, notRead(fmt.Errorf("presence: %w", err))
	}
	people, err := s.cfg.Accounts.PeopleByName(ctx, names)
	if err != nil {
		return reply{}, notRead(fmt.Errorf("presence: %w", err))
	}
	eyes := x.caller.user.Person
	rows, warming, err := s.live.People(ctx, people, eyes)
	if err != nil {
		return reply{}, notRead(fmt.Errorf("presence: %w", err))
	}
	list := usersJSON{Users: []personJSON{}, Warming: warming}
	for _, e := range rows {
		list.Users = append(list.Users, personOf(e.Row, warming))
	}
	r := ok(list)
	for _, p := range people {
		if waits {
			r.watch = append(r.watch, personWant(p, eyes))
		}
	}
	return r, nil
}

// statsJSON is how many people are in each state.
type statsJSON struct {
	People  int  `json:"people"`
	Here    int  `json:"here"`
	Online  int  `json:"online"`
	Away    int  `json:"away"`
	DND     int  `json:"dnd"`
	Offline int  `json:"offline"`
	Warming bool `json:"warming,omitempty"` // people are still coming back, so it isn't known who is offline
}

// apiStats counts the people whom the caller sees, or those in one team.
func (s *Server) apiStats(ctx context.Context, x *call) (reply, error) {
	q, err := live.Query{Team: x.URL.Query().Get("team")}.Clean()
	if err != nil {
		return reply{}, wrongQuery(err)
	}
	p, err := s.live.Load(ctx, q, x.caller.user.Person)
	if err != nil {
		return reply{}, notRead(fmt.Errorf("count people: %w", err))
	}
	n := p.Counts
	r := ok(statsJSON{People: n.People, Here: n.Here(), Online: n.Online, Away: n.Away, DND: n.DND, Offline: n.People - n.Here(),
		Warming: n.Unsure})
	r.watch = []live.Want{{List: &q, Eyes: x.caller.user.Person}}
	return r, nil
}
