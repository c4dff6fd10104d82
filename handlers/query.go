package handlers

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"

	"rollcall/live"
	"rollcall/ui"
)

// showEveryone is live.Everyone in URLs. Without a value there, the board chooses the filter.
const showEveryone = "everyone"

// parseQuery reads the query string of GET / and GET /ws. asked reports whether it has a filter. Invalid values are an
// error for the visitor.
func parseQuery(v url.Values) (q live.Query, asked bool, err error) {
	show := v.Get("show")
	asked = show != ""
	if show == showEveryone {
		show = string(live.Everyone)
	}
	q, err = live.Query{
		Search: v.Get("q"), Team: v.Get("team"), Show: live.Show(show), After: v.Get("after"), Before: v.Get("before"),
	}.Clean()
	return q, asked, queryFailure(err)
}

// queryFailure explains to visitors why a query is invalid.
func queryFailure(err error) error {
	switch {
	case errors.Is(err, live.ErrShow):
		return &failure{Status: http.StatusBadRequest, Message: "There is no such filter."}
	case errors.Is(err, live.ErrCursor):
		return &failure{Status: http.StatusBadRequest, Message: "This link to a page of the board doesn't work."}
	case err != nil:
		return &failure{Status: http.StatusBadRequest, Message: "This search is too long."}
	}
	return nil
}

// queryValues returns q as the values of a query string. Equal queries give equal strings.
func queryValues(q live.Query) url.Values {
	v := url.Values{}
	for name, value := range map[string]string{
		"q": q.Search, "team": q.Team, "show": showValue(q.Show), "after": q.After, "before": q.Before,
	} {
		if value != "" {
			v.Set(name, value)
		}
	}
	return v
}

// queryView converts q for pages.
func queryView(q live.Query) ui.Query {
	return ui.Query{Q: q.Search, Team: q.Team, Show: showValue(q.Show), After: q.After, Before: q.Before}
}

func showValue(s live.Show) string { return cmp.Or(string(s), showEveryone) }
