package live

import (
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// Change is news for watchers: about a list, about their own state, or about all replicas. A part that is nil or empty
// hasn't changed. A Change is immutable, so all who get it can share its encoding.
type Change struct {
	List    *Listing    // the whole list, including its rows
	Rows    []*Entry    // people whose row changed
	Brief   bool        // of Rows, the names and teams haven't changed
	Removed []string    // IDs of people who are no longer on the list
	Added   []Added     // people who weren't on the list before
	Teams   []TeamCount // of teams on the list, if List is nil
	Links   *Links      // to other pages
	Filter  *Counts     // for a new filter bar, because Links.Whole changed
	Counts  *CountsNews
	Arrived *Arrivals
	Title   *Counts          // the only part that a paused watcher gets
	Warming *bool            // whether people are still coming back
	Lost    *time.Time       // since when other replicas can't be reached; zero if they can
	Own     *OwnNews         // for one person only; never shared
	Told    []accounts.Alert // what that person wanted to be told; never shared

	encoded encoded
}

// Encoded returns the result of encode, which it caches. Don't change the bytes.
func (c *Change) Encoded(f Format, encode func(*Change) []byte) []byte {
	return c.encoded.get(f, func() []byte { return encode(c) })
}

func (c *Change) empty() bool {
	return c.List == nil && len(c.Rows)+len(c.Removed)+len(c.Added)+len(c.Teams) == 0 && c.Links == nil &&
		c.Counts == nil && c.Arrived == nil && c.Title == nil && c.Warming == nil && c.Lost == nil && c.Own == nil &&
		len(c.Told) == 0
}

// Added holds rows to insert into a list next to each other.
type Added struct {
	Rows   []*Entry
	Before string // insert them before the row of this person's ID, which was on the list already; "" for the end
}

// Listing is a list of people. A page of people who are here has one section for all teams, or for the only team of a
// short list. Other pages have a section for each team.
type Listing struct {
	Query    Query
	Flat     bool      // one section for all teams
	Sections []Section // in board order
	Index    *Index    // nil if the list has none
	Warming  bool      // the list has only people who are here
}

// Index lists all teams, or the first of them. Teams with someone here come first. It's immutable. A list keeps its
// Index until something in it changes, so that each is encoded once.
type Index struct {
	Teams   []IndexedTeam
	encoded encoded
}

// IndexedTeam is a team in an Index.
type IndexedTeam struct {
	TeamCount
	Name string // "" for people without a team
}

// Encoded returns the result of encode, which it caches. Don't change the bytes.
func (x *Index) Encoded(f Format, encode func([]IndexedTeam) []byte) []byte {
	return x.encoded.get(f, func() []byte { return encode(x.Teams) })
}

// Section is one team on a list. The counts are for the whole team.
type Section struct {
	TeamCount
	Name string // "" for people without a team
	Rows []*Entry
}

// TeamCount is how many people of a team are here, and how many there are.
type TeamCount struct {
	Key          string // identifies the team
	Here, People int
	Absent       int  // people of the team who are offline, if the list folds them
	Found        bool // the numbers count only people who match the search

	Faces *Faces // the team is in an index, which shows these people; else nil
}

// Links lead from a list to its other pages.
type Links struct {
	Query       Query
	Prev, Next  string // cursors; "" if there's no such page
	Page, Pages int    // number of this page, and of all pages; 0 if not known
	Whole       bool   // the list has everyone in its team or search, whatever their state
}

// Counts is how many people are in each state: in one team, in the results of a search, or in total.
type Counts struct {
	Team, Search              string // as in the Query; both "" for everyone
	Teams                     int    // how many teams these people are in
	More                      bool   // the search found more people than are counted
	Limited                   bool   // the watcher doesn't see every team, so there may be other people
	People, Online, Away, DND int
	Unsure                    bool // people are still coming back, so it isn't known who is offline
}

// Here returns how many people are present.
func (c Counts) Here() int { return c.Online + c.Away + c.DND }

// CountsNews holds counts that changed. If All is set, the watcher may show other counts than Was.
type CountsNews struct {
	Was, Now Counts
	All      bool
}

// Arrivals counts people who came and are on another page of the list. While Since stays the same, N only grows.
type Arrivals struct {
	Query Query
	Since string
	N     int
}

// Own is what people see of themselves.
type Own struct {
	presence.Self
	Entry *Entry // the row that the audience Full sees
}

// OwnNews is a change of Own. Was is zero the first time.
type OwnNews struct{ Was, Now Own }
