package handlers

import "rollcall/accounts"

// sight is which of the two renderings of rows somebody gets. Who hides when they were last seen is not told it of
// others: their rows lack it, and are the same bytes otherwise.
type sight uint8

const (
	full     sight = iota
	reticent       // without last seen
	sights         // how many there are
)

func sightOf(p accounts.Person) sight {
	if p.Precision == accounts.Nobody {
		return reticent
	}
	return full
}

// mark ends the version of a page, so that one that was loaded with another sight is not taken for current.
func (to sight) mark() string {
	if to == reticent {
		return "-r"
	}
	return ""
}

// news are the cards of p whose rows have become others for a sight.
func (p *page) news(to sight) []*card {
	cards := make([]*card, 0, len(p.dirty))
	for c, onlySeen := range p.dirty {
		if to == full || !onlySeen {
			cards = append(cards, c)
		}
	}
	return cards
}

// send gives every watcher what frame makes for their sight, made once each, and reports whether there was anything.
func send(watchers map[*socket]struct{}, frame func(sight) []byte) (sent bool) {
	var made [sights]bool
	var frames [sights][]byte
	for s := range watchers {
		if !made[s.sight] {
			made[s.sight], frames[s.sight] = true, frame(s.sight)
		}
		sent = sent || len(frames[s.sight]) > 0
		s.write(frames[s.sight])
	}
	return sent
}

// sightLocked shows p's own tabs what goes with how p lets others see them now.
func (b *board) sightLocked(p accounts.Person) {
	to := sightOf(p)
	for _, s := range b.byUser[p.ID] {
		s.person = p
		b.tellSelfLocked(s)
		if s.sight == to {
			continue
		}
		s.sight, s.seen = to, 0
		if !s.hidden && !b.warming { // others get all of it later
			s.write(b.snapshotLocked(s.page, to))
		}
	}
}
