package handlers

import (
	"maps"

	"rollcall/presence"
	"rollcall/ui"
)

// teamNumbers are how many of a team are here, of how many.
type teamNumbers struct{ here, people int }

// whole reports whether p lists everybody whom it counts. Its numbers are those of its list then, so that they always
// agree with it.
func (p *page) whole() bool { return p.onePage() && p.query.search == "" }

// teamsLocked are the numbers of the teams on p.
func (b *board) teamsLocked(p *page) map[string]teamNumbers {
	teams := make(map[string]teamNumbers, len(p.teams))
	for _, c := range p.cards {
		key := c.person.TeamKey()
		if !p.whole() {
			teams[key] = teamNumbers{b.here[key].Here(), b.tally.people[key]}
			continue
		}
		n := teams[key]
		if n.people++; c.present {
			n.here++
		}
		teams[key] = n
	}
	return teams
}

// countsLocked are the numbers that p shows: those of its team, or of everybody.
func (b *board) countsLocked(p *page) ui.Counts {
	var c presence.Counts
	var people int
	switch {
	case p.whole():
		people = len(p.cards)
		for _, card := range p.cards {
			c.Add(card.counted, +1)
		}
	case p.query.team != "":
		c, people = b.here[p.query.teamKey], b.tally.people[p.query.teamKey]
	default:
		c, people = b.presence.Counts(), b.tally.total
	}
	return ui.Counts{Team: p.query.team, People: people, Online: c.Online, Away: c.Away, DND: c.DND, Unsure: b.warming}
}

// shownLocked notes that somebody is shown p as it is now, which may be newer than what was sent last. Numbers that
// were shown early are sent to all with the next flush, or one that went back meanwhile would stay wrong.
func (b *board) shownLocked(p *page) {
	early := b.countsLocked(p) != p.counts || !maps.Equal(b.teamsLocked(p), p.teams)
	if early && !p.allCounts {
		p.allCounts = true
		b.wantFlush()
	}
}

// unsentLocked reports whether anything changed on p since the last flush.
func (b *board) unsentLocked(p *page, counts ui.Counts) bool {
	return len(p.dirty) > 0 || p.relist || p.repage || p.allCounts || p.counts != counts || p.arrived != p.announced ||
		!maps.Equal(p.teams, b.teamsLocked(p))
}
