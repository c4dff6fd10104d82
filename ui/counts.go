package ui

import (
	"fmt"
	"strconv"
)

// Counts holds the numbers on a page of the board.
type Counts struct {
	Team, Search string // the numbers are for this team or search; for everyone if both are ""
	More         bool   // the search found more people than are counted
	Teams        int    // how many teams these people are in
	Limited      bool   // the viewer doesn't see every team, so there may be other people
	Wall         bool   // for readers without an account

	People, Online, Away, DND int

	// Unsure is set while people reconnect after a start. It isn't known yet who is offline, so that number isn't
	// shown.
	Unsure bool
}

// Here returns how many people aren't offline.
func (c Counts) Here() int { return c.Online + c.Away + c.DND }

// Offline returns how many people are offline.
func (c Counts) Offline() int { return max(0, c.People-c.Here()) }

// count is one choice in the filter bar: the value of its filter, its labels, and the ID and text of its number.
type count struct {
	show, label, short, id, text string
}

// each returns the six numbers in the order shown.
func (c Counts) each() [6]count {
	offline := strconv.Itoa(c.Offline())
	if c.Unsure {
		offline = "…"
	}
	return [6]count{
		{Here, "Here", "Here", "n-here", strconv.Itoa(c.Here())},
		{Everyone, "Everyone", "All", "n-all", strconv.Itoa(c.People)},
		{Online, Label(Online), Label(Online), "n-online", strconv.Itoa(c.Online)},
		{Away, Label(Away), Label(Away), "n-away", strconv.Itoa(c.Away)},
		{DND, Label(DND), "Busy", "n-dnd", strconv.Itoa(c.DND)},
		{Offline, Label(Offline), Label(Offline), "n-offline", offline},
	}
}

// Tally returns the numbers of people who are here, by state.
func (c Counts) Tally() []Filter {
	var out []Filter
	for _, n := range c.each() {
		if f := (Filter{Show: n.show, Label: n.label, ID: n.id, Count: n.text}); f.IsState() && f.Show != Offline {
			out = append(out, f)
		}
	}
	return out
}

// tense is a text for a live page, and its version in the past tense for a page that isn't live.
type tense struct{ Is, Was string }

// always returns a text that doesn't depend on whether the page is live.
func always(text string) tense { return tense{text, text} }

// headline is the heading of the board, in both tenses.
type headline struct {
	Is, Was string
	Alone   bool // nobody else has an account
}

// alone reports whether only the viewer has an account.
func (c Counts) alone() bool {
	return c.People == 1 && !c.Wall && c.Team == "" && c.Search == "" && !c.Unsure && !c.Limited
}

func (c Counts) headline() headline {
	n := c.Here()
	switch {
	case c.Search != "":
		return c.found()
	case c.alone():
		return headline{Is: "Only you so far", Was: "Only you so far", Alone: true}
	case c.Unsure && n == 0:
		return headline{Is: "Nobody is back yet", Was: "Nobody was back yet"}
	case n == 0:
		return headline{Is: "Nobody is here", Was: "Nobody was here"}
	}
	h := headline{Is: plural(n, "person is here", "people are here"),
		Was: plural(n, "person was here", "people were here")}
	if c.Unsure {
		h.Is += " so far"
	}
	return h
}

// found returns the headline for a search.
func (c Counts) found() headline {
	what := " “" + c.Search + "”"
	switch {
	case c.More:
		all := "More than " + strconv.Itoa(c.People) + " people match" + what
		return headline{Is: all, Was: all}
	case c.People == 0:
		return headline{Is: "Nobody matches" + what, Was: "Nobody matches" + what}
	}
	all := plural(c.People, "person matches", "people match") + what
	return headline{Is: all, Was: all}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.Itoa(n) + " " + many
}

// summary returns the line below the headline.
func summary(c Counts) tense {
	if c.Search != "" {
		return foundHere(c)
	}
	return always(outOf(c))
}

// foundHere says how many of those whom a search found are here.
func foundHere(c Counts) tense {
	n := c.Here()
	switch {
	case c.People == 0 || c.More:
		return tense{}
	case n == 0:
		return tense{"None of them is here", "None of them was here"}
	case n == c.People:
		return tense{"All of them are here", "All of them were here"}
	}
	return tense{plural(n, "of them is here", "of them are here"), plural(n, "of them was here", "of them were here")}
}

// outOf says what the headline's number is out of.
func outOf(c Counts) string {
	switch {
	case c.Unsure:
		return "People are coming back…"
	case c.Wall && c.Team == "" && c.Teams > 1:
		return fmt.Sprintf("of %d in %d teams", c.People, c.Teams)
	case c.Wall && c.Team == "":
		return fmt.Sprintf("of %d", c.People)
	case c.People == 0 && !c.Limited:
		return "Nobody has an account yet."
	case c.Team != "":
		return fmt.Sprintf("of %d in %s", c.People, c.Team)
	case c.Limited && c.Teams > 1:
		return fmt.Sprintf("of %d people you can see, in %d teams", c.People, c.Teams)
	case c.Limited:
		return "of " + plural(c.People, "person", "people") + " you can see"
	case c.People == 1:
		return "People appear here the moment they sign in."
	case c.Teams > 1:
		return fmt.Sprintf("of %d in %d teams", c.People, c.Teams)
	}
	return fmt.Sprintf("of %d", c.People)
}

// title returns the title of the browser tab.
func title(c Counts, board string) string {
	switch {
	case c.Search != "":
		return "“" + c.Search + "” · " + board
	case c.Team != "":
		return strconv.Itoa(c.Here()) + " here · " + c.Team + " · " + board
	}
	return strconv.Itoa(c.Here()) + " here · " + board
}

// teamCount returns the number beside the name of a team. The template continues with "here" or "here earlier".
func teamCount(here, people int) string { return strconv.Itoa(here) + " of " + strconv.Itoa(people) }

// TeamCards is how many people the section with the viewer's own team shows; the viewer may be one more. The style
// sheet counts them.
const TeamCards = 12

// showAll returns the text of the link from that section to everyone of the team who is here, or "" if they're all
// shown.
func showAll(here int) string {
	if here <= TeamCards {
		return ""
	}
	return "Show all " + strconv.Itoa(here)
}

// matchCount returns the text beside the name of a team on the page of a search.
func matchCount(people int) string { return plural(people, "match", "matches") }

// fewAbsent is how many absent people of a team are shown. The rest are folded, unless there is only one more.
const fewAbsent = 3

// folded returns the label of the control that shows the folded people of a team, or "" if none are folded.
func folded(absent int) string {
	if absent <= fewAbsent+1 {
		return ""
	}
	return "+ " + strconv.Itoa(absent-fewAbsent) + " more"
}
