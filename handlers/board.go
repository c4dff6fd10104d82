package handlers

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"rollcall/live"
	"rollcall/ui"
)

// board answers GET / with the board, or with the part of it that the query string selects.
func (s *Server) board(c echo.Context) error {
	q, err := parseQuery(c.QueryParams())
	if err != nil {
		return err
	}
	viewer := signedIn(c).user
	p, err := s.live.Load(c.Request().Context(), q, viewer.Person)
	if err != nil {
		return notRead(fmt.Errorf("load board: %w", err))
	}
	if first := q; q.Before != "" && p.Empty { // nobody is left before the cursor: go to the first page
		first.Before = ""
		return s.redirect(c, s.site.path("/")+"?"+queryValues(first).Encode())
	}
	page := s.linked(p.Links)
	page.Layout, page.List, page.Counts, page.Announce = s.layout(c, ""), s.list(&p.Listing), countsView(p.Counts), viewer.Announce
	page.Viewer.Me = s.me(p.Own)
	page.Warming, page.Lost, page.Arrived = p.Warming, p.Lost, arrivalsView(p.Arrived)
	socket := queryValues(q)
	socket.Set("v", p.Version)
	page.Socket = s.site.path("/ws?") + socket.Encode()
	return s.page(c, http.StatusOK, page)
}

// linked returns a board page with its query and the links to the previous and next pages.
func (s *Server) linked(l live.Links) ui.BoardPage {
	page := ui.BoardPage{Query: queryView(l.Query), OnePage: l.Whole}
	back, on := l.Query, l.Query
	back.Before, back.After = l.Prev, ""
	on.After, on.Before = l.Next, ""
	if l.Prev != "" {
		page.Prev = s.site.path("/?") + queryValues(back).Encode()
	}
	if l.Next != "" {
		page.Next = s.site.path("/?") + queryValues(on).Encode()
	}
	return page
}
