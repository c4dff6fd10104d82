package handlers

import (
	"errors"
	"net/http"
	"net/url"

	"rollcall/live"
	"rollcall/presence"
	"rollcall/ui"
)

// parseQuery reads the query string of GET / and GET /ws. Invalid values are an error for the visitor.
func parseQuery(v url.Values) (live.Query, error) {
	q, err := live.Query{
		Search: v.Get("q"), Team: v.Get("team"), State: presence.State(v.Get("state")),
		After: v.Get("after"), Before: v.Get("before"),
	}.Clean()
	switch {
	case errors.Is(err, live.ErrState):
		return q, &failure{Status: http.StatusBadRequest, Message: "There is no such filter."}
	case errors.Is(err, live.ErrCursor):
		return q, &failure{Status: http.StatusBadRequest, Message: "This link to a page of the board doesn't work."}
	case err != nil:
		return q, &failure{Status: http.StatusBadRequest, Message: "This search is too long."}
	}
	return q, nil
}

// queryValues returns q as a query string. Equal queries give equal strings.
func queryValues(q live.Query) url.Values {
	v := url.Values{}
	for name, value := range map[string]string{
		"q": q.Search, "team": q.Team, "state": string(q.State), "after": q.After, "before": q.Before,
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v
}

// queryView converts q for pages.
func queryView(q live.Query) ui.Query {
	return ui.Query{Q: q.Search, Team: q.Team, State: string(q.State), After: q.After, Before: q.Before}
}
