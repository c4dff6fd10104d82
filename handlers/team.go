package handlers

import (
	"context"
	"fmt"

	"rollcall/accounts"
	"rollcall/live"
	"rollcall/ui"
)

// The first page of a board with several pages shows the viewer's own team in a section above the list, because it may
// be on another page of the list. The section is a second list with a watcher of its own (live.OwnTeam). Its rows and
// frames are encoded once for everybody who shows the same team.

// teamVersion names the parameter of the live connection that asks for the section, with the version that the page
// shows.
const teamVersion = "team_v"

// ownTeam returns the list of p's team, and its version for the live connection.
func (s *Server) ownTeam(ctx context.Context, p accounts.Person) (l live.Listing, version string, err error) {
	page, err := s.live.Load(ctx, live.OwnTeam(p), p)
	if err != nil {
		return l, "", notRead(fmt.Errorf("load team: %w", err))
	}
	return page.Listing, page.Version, nil
}

// teamSection returns l, which has one section, as HTML.
func (s *Server) teamSection(l *live.Listing) []byte {
	x := l.Sections[0]
	section, err := s.cfg.UI.Team(ui.Section{Key: x.Key, Name: x.Name, Here: x.Here, People: x.People,
		Rows: s.teamRows(x.Rows)})
	if err != nil {
		s.log.Error("render team", "err", err)
	}
	return section
}

// teamFrame encodes a change of such a list.
func (s *Server) teamFrame(c *live.Change) []byte {
	f, rows := s.cfg.UI.NewTeamFrame(), live.Team
	if c.Brief {
		rows = live.TeamBrief
	}
	if c.List != nil {
		f.List(s.teamSection(c.List))
	}
	for _, e := range c.Rows {
		f.Row(e.Row.ID, s.rowIn(e, rows))
	}
	for _, id := range c.Removed {
		f.Removed(id)
	}
	for _, a := range c.Added {
		f.Added(a.Before, s.teamRows(a.Rows)...)
	}
	if c.Counts != nil && c.List == nil {
		f.Counts(countsView(c.Counts.Now))
	}
	return f.Bytes()
}

func (s *Server) teamRows(entries []*live.Entry) [][]byte {
	rows := make([][]byte, len(entries))
	for i, e := range entries {
		rows[i] = s.rowIn(e, live.Team)
	}
	return rows
}
