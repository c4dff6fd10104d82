package ui

import (
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

func (p WallPage) rendered() [][]byte { return [][]byte{p.List} }
func (WallPage) root() string         { return "bare" }

// wallView is the data of the list of a wall board.
type wallView struct {
	Sections      []sectionView
	Headings      bool // the sections have headings
	Flat, Warming bool
}

// Empty returns the heading in place of an empty list.
func (v wallView) Empty() tense {
	if v.Warming {
		return always(comingBack)
	}
	return showNobody(Here)
}

func teamHeading(name string) string {
	if name == "" {
		return "No team"
	}
	return name
}
