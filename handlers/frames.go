package handlers

import (
	"rollcall/accounts"
	"rollcall/live"
	"rollcall/ui"
)

// encode returns the bytes of a change in a format.
func (s *Server) encode(f live.Format, c *live.Change) []byte {
	if f == live.HTML {
		return s.frame(c)
	}
	return s.wallFrame(c, f)
}

// frame encodes a change for the browser.
func (s *Server) frame(c *live.Change) []byte {
	f := s.cfg.UI.NewFrame()
	if c.Warming != nil {
		f.Warming(*c.Warming)
	}
	if c.List != nil {
		f.List(s.list(c.List))
	}
	for _, e := range c.Rows {
		f.Row(e.Row.ID, s.row(e))
	}
	for _, id := range c.Removed {
		f.Removed(id)
	}
	for _, a := range c.Added {
		rows := make([][]byte, len(a.Rows))
		for i, e := range a.Rows {
			rows[i] = s.row(e)
		}
		f.Added(a.Before, rows...)
	}
	for _, t := range c.Teams {
		f.Team(t.Key, t.Here, t.People, t.Absent, t.Found)
	}
	if c.Links != nil {
		s.frameLinks(f, c)
	}
	if c.Counts != nil {
		f.Counts(countsView(c.Counts.Was), countsView(c.Counts.Now), c.Counts.All)
	}
	if c.Arrived != nil {
		f.Arrived(arrivalsView(*c.Arrived))
	}
	if c.Lost != nil {
		f.Lost(*c.Lost)
	}
	if c.Title != nil {
		f.Title(countsView(*c.Title))
	}
	if c.Own != nil {
		s.frameOwn(f, c.Own)
	}
	for _, a := range c.Told {
		told := ui.Told{UID: a.PersonID, Username: a.Username, Name: a.Name, Kind: a.Kind, At: a.ToldAt}
		if err := f.Told(told); err != nil {
			s.log.Error("render an alert", "err", err)
		}
	}
	return f.Bytes()
}

func (s *Server) frameLinks(f *ui.Frame, c *live.Change) {
	page := s.linked(*c.Links)
	page.Chosen = page.Query.Show
	if err := f.Pager(page); err != nil {
		s.log.Error("render links to pages", "err", err)
	}
	if c.Filter == nil {
		return
	}
	page.Counts = countsView(*c.Filter)
	if err := f.Filter(page); err != nil {
		s.log.Error("render the filter", "err", err)
	}
}

func (s *Server) frameOwn(f *ui.Frame, own *live.OwnNews) {
	var was ui.Me
	if own.Was.Entry != nil {
		was = s.me(own.Was)
	}
	f.Me(was, s.me(own.Now))
}

// row returns e as HTML. It's encoded once for everybody.
func (s *Server) row(e *live.Entry) []byte {
	return e.Encoded(live.HTML, s.renderRow)
}

func (s *Server) renderRow(r live.Row) []byte {
	row, err := s.cfg.UI.Row(rowView(r))
	if err != nil { // a bug in the template; only this row is missing
		s.log.Error("render row", "err", err, "user", r.ID)
	}
	return row
}

// rowView returns r in the terms of pages.
func rowView(r live.Row) ui.Row {
	return ui.Row{
		UID: r.ID, Username: r.Username, Name: r.Name, Team: r.Team, TeamKey: accounts.TeamKey(r.Team), Zone: r.Zone,
		State: string(r.State), Since: r.Since,
		Text: r.Text, Emoji: r.Emoji, Until: r.Until, Seen: r.Seen, SeenAt: r.SeenAt, Stale: r.Stale,
	}
}

// list returns l as HTML.
func (s *Server) list(l *live.Listing) []byte {
	list, err := s.cfg.UI.List(ui.List{
		Query: queryView(l.Query), Sections: s.sections(l.Sections), Flat: l.Flat, Index: s.sections(l.Index),
		Warming: l.Warming,
	})
	if err != nil {
		s.log.Error("render list", "err", err)
	}
	return list
}

func (s *Server) sections(teams []live.Section) []ui.Section {
	sections := make([]ui.Section, len(teams))
	for i, x := range teams {
		sections[i] = ui.Section{
			Key: x.Key, Name: x.Name, Here: x.Here, People: x.People, Absent: x.Absent, Rows: make([][]byte, len(x.Rows)),
		}
		for j, e := range x.Rows {
			sections[i].Rows[j] = s.row(e)
		}
	}
	return sections
}

func countsView(c live.Counts) ui.Counts {
	return ui.Counts{
		Team: c.Team, Search: c.Search, More: c.More, Teams: c.Teams, Limited: c.Limited,
		People: c.People, Online: c.Online, Away: c.Away, DND: c.DND, Unsure: c.Unsure,
	}
}

func arrivalsView(a live.Arrivals) ui.Arrivals {
	return ui.Arrivals{Since: a.Since, N: a.N, Show: queryView(a.Query)}
}
