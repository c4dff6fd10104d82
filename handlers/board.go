package handlers

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"rollcall/live"
	"rollcall/ui"
)

// board answers GET / with the board, or with the part of it that the query string selects.
func (s *Server) board(c echo.Context) error {
	q, asked, err := parseQuery(c.QueryParams())
	if err != nil {
		return err
	}
	if n := c.QueryParam("page"); n != "" {
		return s.toPage(c, q, n)
	}
	ctx, viewer := c.Request().Context(), signedIn(c).user
	wanted := q
	if q, err = s.live.Resolve(ctx, q, asked, viewer.Person); err != nil {
		return notRead(fmt.Errorf("load board: %w", err))
	}
	p, err := s.live.Load(ctx, q, viewer.Person)
	if err != nil {
		return notRead(fmt.Errorf("load board: %w", err))
	}
	if first := q; q.Before != "" && p.Empty { // nobody is left before the cursor: go to the first page
		first.Before = ""
		return s.redirect(c, s.site.path("/")+"?"+queryValues(first).Encode())
	}
	page := s.linked(p.Links)
	if asked { // the page marks the requested filter, even when the list of everyone answers it
		q, page.Query.Show = wanted, showValue(wanted.Show)
	} else {
		page.Query.Show = ""
	}
	page.Chosen = showValue(q.Show)
	list := pageBuffers.Get().(*bytes.Buffer)
	defer pageBuffers.Put(list)
	list.Reset()
	if err := s.cfg.UI.WriteList(list, s.listView(&p.Listing)); err != nil {
		return err
	}
	page.Layout, page.List, page.Counts, page.Announce = s.layout(c, ""), list.Bytes(), countsView(p.Counts), viewer.Announce
	page.Viewer.Me = s.me(p.Own)
	page.Warming, page.Lost, page.Arrived = p.Warming, p.Lost, arrivalsView(p.Arrived)
	page.First = s.first(c.Request(), p.Counts)
	socket := queryValues(p.Query)
	socket.Set("v", p.Version)
	socket.Set(rowsParam, briefRows)
	if page.Large() && q.After+q.Before == "" {
		team, version, err := s.ownTeam(ctx, viewer.Person)
		if err != nil {
			return err
		}
		page.Team, page.Others = s.teamSection(&team), max(0, page.Counts.Here()-team.Sections[0].Here)
		socket.Set(teamVersion, version)
	}
	page.Socket = s.site.path("/ws?") + socket.Encode()
	return s.page(c, http.StatusOK, page)
}

// linked returns a board page with its query and the links to the previous and next pages.
func (s *Server) linked(l live.Links) ui.BoardPage {
	page := ui.BoardPage{Query: queryView(l.Query), OnePage: l.Whole, Pages: s.pageLinks(l)}
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

// nearby is how many pages before and after the current one have numbered links, in addition to the first and the last.
const nearby = 2

// pageLinks returns numbered links to pages, or none if the number of pages isn't known.
func (s *Server) pageLinks(l live.Links) (links []ui.PageLink) {
	at := queryValues(live.Query{Search: l.Query.Search, Team: l.Query.Team, Show: l.Query.Show})
	for n := 1; n <= l.Pages; n++ {
		if n > 1 && n < l.Pages && (n < l.Page-nearby || n > l.Page+nearby) {
			if !links[len(links)-1].Gap {
				links = append(links, ui.PageLink{Gap: true})
			}
			continue
		}
		at.Set("page", strconv.Itoa(n))
		links = append(links, ui.PageLink{N: n, Href: s.site.path("/?") + at.Encode(), Current: n == l.Page})
	}
	return links
}

// toPage redirects from a page number to the cursor where that page begins now. URLs of pages have a cursor, so that
// people who come and go don't move others to another page.
func (s *Server) toPage(c echo.Context, q live.Query, number string) error {
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 {
		return &failure{Status: http.StatusBadRequest, Message: "There is no such page."}
	}
	q.Before = ""
	if q.After, err = s.live.PageStart(c.Request().Context(), q, n, signedIn(c).user.Person); err != nil {
		return notRead(fmt.Errorf("find page: %w", err))
	}
	return s.redirect(c, s.site.path("/?")+queryValues(q).Encode())
}
