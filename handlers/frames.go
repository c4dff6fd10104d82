package handlers

import (
	"rollcall/accounts"
	"rollcall/live"
	"rollcall/ui"
)

// encode returns the bytes of a change in a format.
func (s *Server) encode(f live.Format, c *live.Change) []byte {
	switch f {
	case live.HTML, live.Brief:
		return s.frame(c, f)
	case live.Team:
		return s.teamFrame(c)
	}
	return s.wallFrame(c, f)
}

// frame encodes a change for the browser, with whole rows, or with brief ones where they say all that has changed.
func (s *Server) frame(c *live.Change, rows live.Format) []byte {
	f := s.cfg.UI.NewFrame()
	if !c.Brief {
		rows = live.HTML
	}
	if c.Warming != nil {
		f.Warming(*c.Warming)
	}
	if c.List != nil {
		f.List(s.list(c.List))
	}
	for _, e := range c.Rows {
		f.Row(e.Row.ID, s.rowIn(e, rows))
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
		if t.Faces != nil {
			f.Indexed(t.Key, t.Here, t.People, facesView(t.Faces))
		} else {
			f.Team(t.Key, t.Here, t.People, t.Absent, t.Found)
		}
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
func (s *Server) row(e *live.Entry) []byte { return s.rowIn(e, live.HTML) }

// rowIn returns e in one of the formats of rows in HTML.
func (s *Server) rowIn(e *live.Entry, format live.Format) []byte {
	return e.Encoded(format, func(r live.Row) []byte {
		view := rowView(r)
		view.OwnTeam = format == live.Team || format == live.TeamBrief
		view.Brief = format == live.Brief || format == live.TeamBrief
		row, err := s.cfg.UI.Row(view)
		if err != nil { // a bug in the template; only this row is missing
			s.log.Error("render row", "err", err, "user", r.ID)
		}
		return row
	})
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
	list, err := s.cfg.UI.List(s.listView(l))
	if err != nil {
		s.log.Error("render list", "err", err)
	}
	return list
}

// listView returns l in the terms of pages.
func (s *Server) listView(l *live.Listing) ui.List {
	var index []byte
	if l.Index != nil {
		index = l.Index.Encoded(live.HTML, s.index)
	}
	return ui.List{
		Query: queryView(l.Query), Sections: s.sections(l.Sections), Flat: l.Flat, Index: index, Warming: l.Warming,
	}
}

// index returns the index of teams as HTML.
func (s *Server) index(teams []live.IndexedTeam) []byte {
	sections := make([]ui.Section, len(teams))
	for i, t := range teams {
		sections[i] = ui.Section{Key: t.Key, Name: t.Name, Here: t.Here, People: t.People, Faces: facesView(t.Faces)}
	}
	index, err := s.cfg.UI.Index(sections)
	if err != nil {
		s.log.Error("render list", "err", err)
	}
	return index
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

func facesView(all *live.Faces) (faces []ui.Face) {
	if all == nil {
		return nil
	}
	for _, f := range all {
		if f.ID != "" {
			faces = append(faces, ui.Face{UID: f.ID, Name: f.Name})
		}
	}
	return faces
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
