package ui

import (
	"bytes"
	"encoding/hex"
	"hash/fnv"
	"slices"
	"strconv"
)

// List is what a page of the board lists.
type List struct {
	Query Query
	// Sections are the teams in the order given; with Flat, there is one, of people of all teams.
	Sections []Section
	Flat     bool
	// Index are all teams, without rows.
	Index []Section
	// Warming: people are coming back after a start, so nobody who isn't listed is known to be gone.
	Warming bool
}

// Section is one team on the page with the rows of it that are shown.
type Section struct {
	// Key tells teams apart; Name is what is shown, "" for people in no team.
	Key, Name string
	// Here and People are about the whole team, not about this page. Absent is how many of the rows are of people who
	// are offline.
	Here, People, Absent int
	// Rows are what UI.Row made, in board order.
	Rows [][]byte
}

// TeamID is the id of the element that counts a team. Keys hold whatever people
// typed, so it is a short hash.
func TeamID(key string) string {
	h := fnv.New64a()
	h.Write([]byte(key))
	return "t-" + hex.EncodeToString(h.Sum(nil))
}

// sectionView is a Section with its rows joined.
type sectionView struct {
	ID, Name, Heading, Count, Href, Folded string
	Rows                                   []byte
}

// indexView is an index of teams.
type indexView struct {
	Busy  int // teams with somebody here
	Teams []sectionView
}

// emptyView is a list without rows.
type emptyView struct {
	Heading, Message string
	All              bool // offer a link to everybody
}

// List renders the inside of #list: the sections in the order given, those without rows left out, or the reason why there
// is nobody to show.
func (u *UI) List(l List) ([]byte, error) {
	l.Sections = slices.DeleteFunc(slices.Clone(l.Sections), func(s Section) bool { return len(s.Rows) == 0 })
	var b bytes.Buffer
	b.Grow(l.size())
	for _, s := range l.Sections {
		name := "section"
		if l.Flat {
			name = "flat"
		}
		if err := u.part(&b, name, l.section(s)); err != nil {
			return nil, err
		}
	}
	if b.Len() == 0 {
		if err := u.part(&b, "empty", nobody(l.Query, l.Warming)); err != nil {
			return nil, err
		}
	}
	if len(l.Index) > 0 {
		if err := u.part(&b, "index", l.index()); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

func (l *List) section(s Section) sectionView {
	v := sectionView{
		ID: TeamID(s.Key), Name: s.Name, Heading: s.Name, Count: l.count(s), Folded: folded(s.Absent), Rows: bytes.Join(s.Rows, nil),
	}
	switch {
	case l.Query.Team != "": // the page has the name as its heading
		v.Heading = "People"
	case s.Name != "":
		v.Href = Query{Q: l.Query.Q, Team: s.Name}.href()
	case len(l.Sections) == 1:
		v.Heading = "People"
	default:
		v.Heading = "No team"
	}
	return v
}

// count is what stands beside the name of a team.
func (l *List) count(s Section) string {
	if l.Query.Q != "" {
		return matchCount(s.People)
	}
	return teamCount(s.Here, s.People)
}

func (l *List) index() indexView {
	v := indexView{Teams: make([]sectionView, len(l.Index))}
	for i, s := range l.Index {
		if s.Here > 0 {
			v.Busy++
		}
		v.Teams[i] = sectionView{ID: TeamID(s.Key), Name: s.Name, Heading: s.Name, Count: teamCount(s.Here, s.People)}
		if s.Name != "" {
			v.Teams[i].Href = Query{Team: s.Name}.href()
		} else {
			v.Teams[i].Heading = "No team"
		}
	}
	return v
}

// Says is how many teams have somebody here.
func (v indexView) Says() string {
	n := strconv.Itoa(v.Busy) + " of " + strconv.Itoa(len(v.Teams))
	if v.Busy == 1 {
		return n + " has somebody here"
	}
	return n + " have somebody here"
}

func (l *List) size() int {
	n := 512 + 192*len(l.Index)
	for _, s := range l.Sections {
		n += 640
		for _, row := range s.Rows {
			n += len(row)
		}
	}
	return n
}

// nobody says why a list is empty.
func nobody(q Query, warming bool) emptyView {
	switch {
	case q.Q != "":
		return emptyView{Heading: "Nobody matches “" + q.Q + "”", Message: "Search matches the beginnings of names and usernames.", All: true}
	case warming && q.Show != "" && q.Show != Everyone && q.Show != Offline:
		return emptyView{Heading: showNobody(q.Show), Message: "People are coming back…", All: true}
	case q.Show != Everyone && q.Show != "":
		return emptyView{Heading: showNobody(q.Show), Message: "They'll appear here as soon as that changes.", All: true}
	case q.Team != "":
		return emptyView{Heading: "Nobody is in this team", Message: "It may have been renamed.", All: true}
	case q.After != "" || q.Before != "":
		return emptyView{Heading: "This page is empty", Message: "The people who were listed here are gone.", All: true}
	case warming:
		return emptyView{Heading: "People are coming back…", Message: "Rollcall has just started. This takes a few seconds."}
	}
	return emptyView{Heading: "Nobody has an account yet", Message: "People appear here as soon as they sign up."}
}

// showNobody is the sentence for a filter that finds nobody.
func showNobody(show string) string {
	switch show {
	case Here:
		return "Nobody is here right now"
	case Online:
		return "Nobody is online right now"
	case Away:
		return "Nobody is away right now"
	case DND:
		return "Nobody is on Do not disturb"
	case Offline:
		return "Nobody is offline right now"
	}
	return "There is no such filter"
}

// Nobody is the sentence the page holds ready for a filter that works in the
// browser alone.
func (f Filter) Nobody() string { return showNobody(f.Show) }
