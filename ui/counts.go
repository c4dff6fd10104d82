package ui

import (
	"fmt"
	"strconv"
)

// Counts are the numbers of the bar. People is everybody on the board.
type Counts struct {
	// Team is whose numbers they are; "": of everybody.
	Team                      string
	People, Online, Away, DND int
	// Unsure is set while people come back after a start: who is offline is not
	// known then, so no number is shown for it.
	Unsure bool
}

// Here is how many people are not offline.
func (c Counts) Here() int { return c.Online + c.Away + c.DND }

// Offline is how many people are offline.
func (c Counts) Offline() int { return max(0, c.People-c.Here()) }

// count is one number of the bar: the id of its element and what stands there.
type count struct {
	state, label, id, text string
}

// each returns the five numbers in the order shown.
func (c Counts) each() [5]count {
	offline := strconv.Itoa(c.Offline())
	if c.Unsure {
		offline = "–"
	}
	return [5]count{
		{"", "Everyone", "n-all", strconv.Itoa(c.People)},
		{Online, Label(Online), "n-online", strconv.Itoa(c.Online)},
		{Away, Label(Away), "n-away", strconv.Itoa(c.Away)},
		{DND, Label(DND), "n-dnd", strconv.Itoa(c.DND)},
		{Offline, Label(Offline), "n-offline", offline},
	}
}

// summary is the sentence under the heading.
func summary(c Counts) string {
	here := c.Here()
	switch {
	case c.Unsure:
		return fmt.Sprintf("%d of %d people are back so far", here, c.People)
	case c.People == 0:
		return "Nobody to show"
	case here == 0:
		return "Nobody is around right now"
	case c.People == 1:
		return "1 person is around right now"
	case here == 1:
		return fmt.Sprintf("1 of %d people is around right now", c.People)
	}
	return fmt.Sprintf("%d of %d people are around right now", here, c.People)
}

// title is what stands in the browser's tab while the board is open.
func (c Counts) title() string {
	here := "(" + strconv.Itoa(c.Here()) + ") "
	if c.Team != "" {
		return here + c.Team + " · Rollcall"
	}
	return here + "Rollcall"
}

// Heading is the title of the tab.
func (p BoardPage) Heading() string { return p.Counts.title() }

// teamCount is what stands beside the name of a team.
func teamCount(here, people int) string {
	return strconv.Itoa(here) + " of " + strconv.Itoa(people) + " here"
}
