package ui

import (
	"bytes"
	"fmt"
	"time"
)

// WallPage is a board for a screen on a wall, behind a share link. Nobody is signed in there.
type WallPage struct {
	Counts     Counts
	OnlyCounts bool
	List       []byte // made by UI.WallList
	Socket     string // path of the live connection
	Warming    bool
	Lost       time.Time // since when live updates from other servers have been missing; zero if none are
}

func (WallPage) template() string { return "wall" }
func (WallPage) root() string     { return "bare" }

// WallList renders the content of the list of a wall board: the sections with people.
func (u *UI) WallList(l List) ([]byte, error) {
	v := wallView{Headings: !l.Flat && len(l.Sections) > 1}
	for _, s := range l.Sections {
		if len(s.Rows) > 0 {
			v.Sections = append(v.Sections, sectionView{ID: TeamID(s.Key), Name: s.Name, Heading: teamHeading(s.Name),
				Count: teamCount(s.Here, s.People), Rows: bytes.Join(s.Rows, nil)})
		}
	}
	v.Flat, v.Warming = l.Flat, l.Warming
	var b bytes.Buffer
	b.Grow(l.size())
	err := u.part(&b, "wall-list", v)
	return b.Bytes(), err
}

// wallView is the data of the list of a wall board.
type wallView struct {
	Sections      []sectionView
	Headings      bool // the sections have headings
	Flat, Warming bool
}

func teamHeading(name string) string {
	if name == "" {
		return "No team"
	}
	return name
}

// WallRow renders one person for wall boards: without a link and a username, because readers have no account.
func (u *UI) WallRow(r Row) ([]byte, error) {
	r.Username = ""
	v, err := viewOf(r)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.Grow(512)
	if err := u.part(&b, "wall-row", v); err != nil {
		return nil, fmt.Errorf("ui: render wall row of %s: %w", r.UID, err)
	}
	return b.Bytes(), nil
}
