package live

import (
	"time"

	"rollcall/presence"
)

// Change is news for watchers: of a list, of their own state, or of all replicas. Parts that are nil or empty are no
// news. It never changes, so its encoding can be shared by all who get it.
type Change struct {
	List    *Listing    // the whole list anew; Rows are in it
	Rows    []*Entry    // people whose row changed
	Removed []string    // ids of people who are no longer on the list
	Added   []Added     // people who are on it now
	Teams   []TeamCount // of teams on the list, if it wasn't sent as a whole
	Links   *Links      // to other pages
	Filter  *Counts     // Links.Whole changed: the list is filtered in another way from now on, with these numbers
	Counts  *CountsNews
	Arrived *Arrivals
	Title   *Counts    // all that a paused watcher learns
	Warming *bool      // people are coming back, or no longer are
	Lost    *time.Time // since when other replicas can't be reached; zero: they can
	Own     *OwnNews   // for one person alone, and never shared

	encoded encoded
}

// Encoded returns what encode makes of the change, cached. Nobody may change the bytes.
func (c *Change) Encoded(f Format, encode func(*Change) []byte) []byte {
	return c.encoded.get(f, func() []byte { return encode(c) })
}

func (c *Change) empty() bool {
	return c.List == nil && len(c.Rows)+len(c.Removed)+len(c.Added) == 0 && len(c.Teams) == 0 && c.Links == nil && c.Counts == nil && c.Arrived == nil &&
		c.Title == nil && c.Warming == nil && c.Lost == nil && c.Own == nil
}

// Added are people who have come onto a list and stand side by side there.
type Added struct {
	Rows   []*Entry
	Before string // id of the person before whom they stand, who was on the list already; "": at the end
}

// Listing is a list of people. A page of those who are here is one section of all teams; any other is divided by team.
type Listing struct {
	Query    Query
	Flat     bool      // one section, of all teams
	Sections []Section // in board order
	Index    []Section // all teams, without rows; those with somebody here first
	Warming  bool      // only people who are here are on it
}

// Section is one team on a list. Numbers are of the whole team.
type Section struct {
	TeamCount
	Name string // "": people without a team
	Rows []*Entry
}

// TeamCount is how many of a team are here, of how many.
type TeamCount struct {
	Key          string // tells teams apart
	Here, People int
	Absent       int  // people on the list who are offline
	Found        bool // the numbers are of a search's people
}

// Links lead from a list to its other pages.
type Links struct {
	Query       Query
	Prev, Next  string // cursors; "": there is no such page
	Page, Pages int    // number of this page, and how many there are; 0: not known
	Whole       bool   // the list holds everybody under its search and team, whatever their state
}

// Counts are how many people are in which state: in one team, among those whom a search found, or altogether.
type Counts struct {
	Team, Search              string // as the Query says; "": everybody
	Teams                     int    // with a name, that these people are in
	More                      bool   // the search found more people than are counted
	People, Online, Away, DND int
	Unsure                    bool // people still come back: who is offline isn't known
}

// Here is how many people are present.
func (c Counts) Here() int { return c.Online + c.Away + c.DND }

// CountsNews are counts that changed. With All, the watcher may have been shown others than Was.
type CountsNews struct {
	Was, Now Counts
	All      bool
}

// Arrivals are people who came and stand on another page of the list. N only grows while Since stays the same.
type Arrivals struct {
	Query Query
	Since string
	N     int
}

// Own is what a person is told of themself.
type Own struct {
	presence.Self
	Entry *Entry // the row that everybody with Full sees
}

// OwnNews is a change of Own; the zero Was: nothing was told before.
type OwnNews struct{ Was, Now Own }
