package live

import (
	"context"
	"time"

	"rollcall/accounts"
)

// Few is what an audience may know of some people now.
type Few struct {
	Rows    []*Entry
	Warming bool      // people are still coming back, so those who are offline may be among them
	Lost    time.Time // since when other replicas can't be reached; zero if they can
}

// Few returns the rows of those of people whom eyes may see. They were read a moment ago.
func (b *Board) Few(ctx context.Context, people []accounts.Person, eyes accounts.Person, to Audience) (Few, error) {
	if err := b.CatchUp(ctx); err != nil {
		return Few{}, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	few, teams := Few{Warming: b.roster.warming, Lost: b.roster.lost}, b.visible.of(eyes)
	for _, p := range people {
		if b.presence.View(p.ID).Listed && teams.shows(p) {
			few.Rows = append(few.Rows, b.entryOf(p, to))
		}
	}
	return few, nil
}
