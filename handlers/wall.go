package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"rollcall/accounts"
	"rollcall/live"
	"rollcall/ui"
)

// wallPage shows a wall board to anyone who has its link.
func (s *Server) wallPage(c echo.Context) error {
	x, owner, err := s.shared(c, accounts.WallShare)
	if err != nil {
		return noShare(err)
	}
	ctx := c.Request().Context()
	q, err := s.wallQuery(ctx, x, owner)
	if err != nil {
		return err
	}
	p, err := s.live.Load(ctx, q, owner.Person)
	if err != nil {
		return notRead(fmt.Errorf("load wall board: %w", err))
	}
	page := ui.WallPage{Counts: wallCounts(p.Counts), OnlyCounts: x.Counts, Warming: p.Warming, Lost: p.Lost,
		Socket: s.site.path("/w/") + c.Param("token") + "/ws?v=" + p.Version}
	if !x.Counts {
		page.List = s.wallList(&p.Listing, wallFormat(x))
	}
	return s.page(c, http.StatusOK, page)
}

// wallFormat returns the format of what a wall board shows.
func wallFormat(x accounts.Share) live.Format {
	switch {
	case x.Counts:
		return live.WallCounts
	case x.Texts:
		return live.Wall
	}
	return live.WallPlain
}

// wallQuery returns the list that a wall board shows: everyone, or on larger boards the people who are here.
func (s *Server) wallQuery(ctx context.Context, x accounts.Share, owner accounts.User) (live.Query, error) {
	q, err := live.Query{Team: x.Team}.Clean()
	if err != nil {
		return q, queryFailure(err)
	}
	if q, err = s.live.Resolve(ctx, q, false, owner.Person); err != nil {
		return q, notRead(fmt.Errorf("load wall board: %w", err))
	}
	return q, nil
}

// noShare answers links that don't exist and links that don't work any more alike.
func noShare(err error) error {
	if !errors.Is(err, accounts.ErrNoShare) {
		return err
	}
	return &failure{Status: http.StatusNotFound, Heading: "Nothing here", Err: err,
		Message: "This link doesn't work. It may have ended or been revoked. Ask the person who gave it to you for a new one."}
}

// wallSocket is the live connection of a wall board. It watches with the eyes of the link's owner, but it isn't one of
// their connections, so it makes nobody present.
func (s *Server) wallSocket(c echo.Context) error {
	r := c.Request()
	if err := s.refuseUpgrade(r, c.Response().Header()); err != nil {
		return err
	}
	a := admission{address: s.addresses.prefix(r), asked: s.asks(c)}
	x, owner, err := s.shared(c, accounts.WallShare)
	switch {
	case errors.Is(err, accounts.ErrNoShare): // the page loads again and then says so
		return s.openSocket(c, a)
	case err != nil:
		return err
	}
	a.share, a.expires, a.format = x.ID, x.ExpiresAt, wallFormat(x)
	q, err := s.wallQuery(r.Context(), x, owner)
	if err != nil {
		return err
	}
	a.watch, err = s.live.Watch(r.Context(), live.Want{List: &q, Eyes: owner.Person, Shown: c.QueryParam("v")})
	if err != nil {
		return notRead(fmt.Errorf("load wall board: %w", err))
	}
	if err := s.openSocket(c, a); err != nil {
		return err
	}
	s.confirmShare(r.Context(), x.ID, c.Param("token"))
	return nil
}

// confirmShare ends the sockets of a share that ended after its token was looked up and before its socket could be
// found.
func (s *Server) confirmShare(ctx context.Context, id, token string) {
	_, _, err := s.cfg.Accounts.ShareByToken(context.WithoutCancel(ctx), token)
	if err == nil {
		return
	}
	if !errors.Is(err, accounts.ErrNoShare) {
		s.log.Warn("a share link can't be confirmed", "err", err)
	}
	s.sockets.mu.Lock()
	defer s.sockets.mu.Unlock()
	s.sockets.endShareLocked(id)
}

// wallFrame encodes a change for wall boards of a format. They have no filter, no links to pages, and nothing of their
// own.
func (s *Server) wallFrame(c *live.Change, format live.Format) []byte {
	f := s.cfg.UI.NewFrame()
	if c.Warming != nil {
		f.Warming(*c.Warming)
	}
	if format != live.WallCounts {
		s.wallRows(f, c, format)
	}
	if c.Counts != nil {
		f.Counts(wallCounts(c.Counts.Was), wallCounts(c.Counts.Now), c.Counts.All)
	}
	if c.Lost != nil {
		f.Lost(*c.Lost)
	}
	return f.Bytes()
}

// wallRows adds the people of a change.
func (s *Server) wallRows(f *ui.Frame, c *live.Change, format live.Format) {
	if c.List != nil {
		f.List(s.wallList(c.List, format))
	}
	for _, e := range c.Rows {
		f.Row(e.Row.ID, s.wallRow(e, format))
	}
	for _, id := range c.Removed {
		f.Removed(id)
	}
	for _, a := range c.Added {
		rows := make([][]byte, len(a.Rows))
		for i, e := range a.Rows {
			rows[i] = s.wallRow(e, format)
		}
		f.Added(a.Before, rows...)
	}
	for _, t := range c.Teams {
		f.Team(t.Key, t.Here, t.People, 0, false)
	}
}

func (s *Server) wallList(l *live.Listing, format live.Format) []byte {
	view := ui.List{Flat: l.Flat, Warming: l.Warming}
	for _, x := range l.Sections {
		section := ui.Section{Key: x.Key, Name: x.Name, Here: x.Here, People: x.People}
		for _, e := range x.Rows {
			section.Rows = append(section.Rows, s.wallRow(e, format))
		}
		view.Sections = append(view.Sections, section)
	}
	list, err := s.cfg.UI.WallList(view)
	if err != nil {
		s.log.Error("render wall list", "err", err)
	}
	return list
}

// wallRow returns e as HTML for wall boards of a format. It's encoded once for all of them.
func (s *Server) wallRow(e *live.Entry, format live.Format) []byte {
	return e.Encoded(format, func(r live.Row) []byte {
		if format == live.WallPlain && r.Text+r.Emoji != "" {
			r.Text, r.Emoji, r.Until = "", "", time.Time{} // Until is the end of the text
		}
		row, err := s.cfg.UI.WallRow(rowView(r))
		if err != nil { // a bug in the template; only this row is missing
			s.log.Error("render wall row", "err", err, "user", r.ID)
		}
		return row
	})
}

func wallCounts(c live.Counts) ui.Counts {
	view := countsView(c)
	view.Wall, view.Limited = true, false
	return view
}
