package ui

import (
	"bytes"
	"encoding/hex"
	"hash/fnv"
	"slices"
)

// Section is one team on the page with the rows of it that are shown.
type Section struct {
	// Key tells teams apart; Name is what is shown, "" for people in no team.
	Key, Name string
	// Here and People are about the whole team, not about this page.
	Here, People int
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
	ID, Name, Heading, Count, Href string
	Rows                           []byte
}

// emptyView is a list without rows.
type emptyView struct {
	Heading, Message string
	All              bool // offer a link to everybody
}

// List renders the inside of #list: the sections in the order given, those
// without rows left out, or the reason why there is nobody to show.
func (u *UI) List(sections []Section, q Query, warming bool) ([]byte, error) {
	sections = slices.DeleteFunc(slices.Clone(sections), func(s Section) bool { return len(s.Rows) == 0 })
	var b bytes.Buffer
	b.Grow(listSize(sections))
	for _, s := range sections {
		v := sectionView{ID: TeamID(s.Key), Name: s.Name, Heading: s.Name, Count: teamCount(s.Here, s.People), Rows: bytes.Join(s.Rows, nil)}
		switch {
		case q.Team != "": // the page has the name as its heading
			v.Heading = "People"
		case s.Name != "":
			v.Href = Query{Q: q.Q, State: q.State, Team: s.Name}.href()
		case len(sections) == 1:
			v.Heading = "People"
		default:
			v.Heading = "No team"
		}
		if err := u.part(&b, "section", v); err != nil {
			return nil, err
		}
	}
	if b.Len() == 0 {
		if err := u.part(&b, "empty", nobody(q, warming)); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

func listSize(sections []Section) int {
	n := 512
	for _, s := range sections {
		n += 512
		for _, row := range s.Rows {
			n += len(row)
		}
	}
	return n
}

// nobody says why a list is empty.
func nobody(q Query, warming bool) emptyView {
	switch {
	case warming && (q.State != "" && q.State != Offline):
		return emptyView{Heading: stateNobody(q.State), Message: "People are coming back…", All: true}
	case q.Q != "":
		return emptyView{Heading: "Nobody matches “" + q.Q + "”", Message: "Search matches the beginnings of names and usernames.", All: true}
	case q.State != "":
		return emptyView{Heading: stateNobody(q.State), Message: "They'll appear here as soon as that changes.", All: true}
	case q.Team != "":
		return emptyView{Heading: "Nobody is in this team", Message: "It may have been renamed.", All: true}
	case q.After != "" || q.Before != "":
		return emptyView{Heading: "This page is empty", Message: "The people who were listed here are gone.", All: true}
	case warming:
		return emptyView{Heading: "People are coming back…", Message: "Rollcall has just started. This takes a few seconds."}
	}
	return emptyView{Heading: "Nobody is here yet", Message: "People appear here as soon as they sign up."}
}

// stateNobody is the sentence for a filter that finds nobody.
func stateNobody(state string) string {
	switch state {
	case Online:
		return "Nobody is online right now"
	case Away:
		return "Nobody is away right now"
	case DND:
		return "Nobody asks not to be disturbed right now"
	case Offline:
		return "Nobody is offline right now"
	}
	return "There is no such state"
}

// Nobody is the sentence the page holds ready for a filter that works in the
// browser alone.
func (f Filter) Nobody() string { return stateNobody(f.State) }
