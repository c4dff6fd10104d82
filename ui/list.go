package ui

import (
	"encoding/hex"
	"hash/fnv"
)

// List is the list on a page of the board.
type List struct {
	Query    Query
	Sections []Section // the teams in order; if Flat is set, a single section with people of all teams
	Flat     bool
	Index    []byte // made by UI.Index; empty if there's none
	Warming  bool   // people are reconnecting after a start, so people who aren't listed may still be here
}

// Section is one team on the page, with those of its rows that are shown.
type Section struct {
	Key  string // identifies the team
	Name string // the name to show; "" for people without a team
	// Here and People count the whole team, not only this page. Absent is how many of Rows are of people who are
	// offline.
	Here, People, Absent int
	Rows                 [][]byte // made by UI.Row, in board order
	Faces                []Face   // some of the people who are here, for an index
}

// Face is a person in the index of teams.
type Face struct{ UID, Name string }

// TeamID returns the ID of the element that counts a team. It's a short hash, because keys hold text that people typed.
func TeamID(key string) string {
	h := fnv.New64a()
	h.Write([]byte(key))
	return "t-" + hex.EncodeToString(h.Sum(nil))
}

// sectionView is a Section for the templates.
type sectionView struct {
	ID, Name, Heading, Count, Href, Folded string
	Faces                                  []Face
	Found                                  bool // Count is how many people a search found
	Alone                                  bool // nobody else has an account
}

// indexView is the index of teams for the templates.
type indexView struct {
	Busy  int // how many teams have someone here; the page's script keeps it current
	Teams []sectionView
}

// emptyView is the message in place of an empty list.
type emptyView struct {
	Heading tense
	Message string
	All     bool // show a link to everyone
}

func (l *List) section(s Section) sectionView {
	v := sectionView{
		ID: TeamID(s.Key), Name: s.Name, Heading: s.Name,
		Count: teamCount(s.Here, s.People), Folded: folded(s.Absent),
		Alone: s.People == 1 && len(l.Sections) == 1 && l.Query.Q+l.Query.Team == "",
	}
	if l.Query.Q != "" {
		v.Count, v.Found = matchCount(s.People), true
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

func index(teams []Section) indexView {
	v := indexView{Teams: make([]sectionView, len(teams))}
	for i, s := range teams {
		if s.Here > 0 {
			v.Busy++
		}
		v.Teams[i] = sectionView{ID: TeamID(s.Key), Name: s.Name, Heading: s.Name, Count: teamCount(s.Here, s.People),
			Faces: s.Faces}
		if s.Name != "" {
			v.Teams[i].Href = Query{Team: s.Name}.href()
		} else {
			v.Teams[i].Heading = "No team"
		}
	}
	return v
}

func (l *List) size() int {
	n := 512 + len(l.Index)
	for _, s := range l.Sections {
		n += 640
		for _, row := range s.Rows {
			n += len(row)
		}
	}
	return n
}

// nobody returns the message for an empty list.
func nobody(q Query, warming bool) emptyView {
	switch {
	case q.Q != "":
		const message = "Search matches the beginnings of names and usernames. Check the spelling, or type fewer letters."
		return emptyView{Heading: always("Nobody matches “" + q.Q + "”"), Message: message, All: true}
	case warming && q.Show != "" && q.Show != Everyone && q.Show != Offline:
		return emptyView{Heading: showNobody(q.Show), Message: "People are coming back…", All: true}
	case q.Show != Everyone && q.Show != "":
		return emptyView{Heading: showNobody(q.Show), Message: "They'll appear here as soon as that changes.", All: true}
	case q.Team != "":
		return emptyView{Heading: always("Nobody is in this team"), All: true,
			Message: "It may have been renamed, or everyone has left it."}
	case q.After != "" || q.Before != "":
		return emptyView{Heading: always("This page is empty"), Message: "The people who were listed here are gone.", All: true}
	case warming:
		return emptyView{Heading: always(comingBack), Message: "Rollcall has just started. This takes a few seconds."}
	}
	return emptyView{Heading: always("Nobody has an account yet"), Message: "People appear here as soon as they sign up."}
}

// showNobody returns the heading for a filter without matches.
func showNobody(show string) tense {
	switch show {
	case Here:
		return tense{"Nobody is here right now", "Nobody was here"}
	case Online:
		return tense{"Nobody is online right now", "Nobody was online"}
	case Away:
		return tense{"Nobody is away right now", "Nobody was away"}
	case DND:
		return tense{"Nobody is on Do not disturb", "Nobody was on Do not disturb"}
	case Offline:
		return tense{"Nobody is offline right now", "Nobody was offline"}
	}
	return always("There is no such filter")
}

// Nobody returns the heading that the page shows if a filter in the browser has no matches.
func (f Filter) Nobody() tense { return showNobody(f.Show) }
