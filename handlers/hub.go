package handlers

import (
	"context"
	"sync"
	"time"

	"rollcall/presence"
	"rollcall/ui"
)

const (
	flushEvery   = 250 * time.Millisecond // between frames; a change after as long a quiet goes out at once
	titleEvery   = 5 * time.Second        // hidden tabs are told the title at most this often
	sweepEvery   = time.Minute            // between looks for sessions that have run out
	freshenEvery = time.Hour              // between looks whether "today" has become "this week"
)

// run is the loop that moves what presence knows onto pages. It never asks SQL, so nothing there delays a frame; what
// must be asked is left to keepReading. It returns after ctx.
func (b *board) run(ctx context.Context) error {
	var others sync.WaitGroup
	others.Go(func() { b.keepReading(ctx) })
	others.Go(func() { b.keepReadingCostly(ctx) })
	others.Go(func() { b.keepRinging(ctx) })
	others.Go(func() { b.keepSeen(ctx) })
	defer others.Wait()

	flush := time.NewTimer(time.Hour)
	flush.Stop()
	title, sweep, freshen := time.NewTicker(titleEvery), time.NewTicker(sweepEvery), time.NewTicker(freshenEvery)
	confirm := time.NewTicker(confirmEvery)
	for _, t := range []*time.Ticker{title, sweep, freshen, confirm} {
		defer t.Stop()
	}
	warmed := b.presence.Warmed()
	var last time.Time // when frames were last sent
	var due bool       // flush is set
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.feed.Ready():
			b.look(b.feed.Take())
		case <-warmed:
			warmed = nil
			b.endWarming()
		case <-flush.C:
			due = false
			b.look(b.feed.Take()) // what has just changed goes along
			if b.flush() {
				last = time.Now()
			}
		case <-title.C:
			b.titles()
		case <-sweep.C:
			b.sweep(time.Now())
		case <-freshen.C:
			b.freshen()
		case <-confirm.C:
			b.closeUnconfirmed(time.Now())
		case <-b.flushWanted:
		}
		if !due && b.unsent.Load() {
			due = true
			flush.Reset(max(0, flushEvery-time.Since(last)))
		}
	}
}

// wantFlush notes that there may be something to send, and wakes the loop. It may be called with b.mu held.
func (b *board) wantFlush() {
	if b.wanted.Load() == 0 {
		b.wanted.CompareAndSwap(0, int64(time.Since(b.begun)))
	}
	b.unsent.Store(true)
	signal(b.flushWanted)
}

// signal makes c, of capacity 1, readable.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// look takes in what presence says now of users, whom it named as possibly changed.
func (b *board) look(users []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, u := range users {
		if c := b.cards[u]; c != nil {
			b.lookLocked(c)
			b.forgetLocked(c)
		} else if isHere(b.presence.View(u)) {
			b.strangers[u] = b.strangers[u] || !b.warming
			signal(b.readWanted)
			b.wantFlush() // they count before they are known
		}
		for _, s := range b.byUser[u] {
			if !b.presence.View(u).Listed { // disabled, says another replica, and the accounts may be out of reach
				s.endLocked(endedDisabled)
			}
			b.tellSelfLocked(s)
		}
	}
}

// filteredLocked marks the pages whose filter by state c's person has passed into or out of.
func (b *board) filteredLocked(c *card, from, to presence.State) {
	if from == to {
		return
	}
	who := &candidate{Person: c.person}
	for _, p := range b.pages {
		if s := presence.State(p.query.state); s != "" && (s == from || s == to) && p.covers(who) {
			b.staleLocked(p)
		}
	}
}

// flush sends every page what it has not been sent, and reports whether there was anything.
func (b *board) flush() (sent bool) {
	b.unsent.Store(false)
	wanted, start := time.Duration(b.wanted.Swap(0)), time.Since(b.begun)
	if sent = b.flushPages(); sent && wanted > 0 {
		end := time.Since(b.begun)
		b.server.metrics.flushed(end-start, end-wanted)
	}
	return sent
}

func (b *board) flushPages() (sent bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.pages {
		counts := b.countsLocked(p)
		switch {
		case len(p.watchers) == 0:
			b.settleLocked(p, counts)
		case b.warming:
			sent = b.flushWarmingLocked(p, counts) || sent
		default:
			sent = b.flushPageLocked(p, counts) || sent
		}
	}
	return sent
}

// settleLocked does for a page that nobody can see what a flush would, without making the frame.
func (b *board) settleLocked(p *page, counts ui.Counts) {
	if b.unsentLocked(p, counts) {
		p.renew()
	}
	b.sentLocked(p, counts)
}

// sentLocked notes that every tab of p knows all there is to know.
func (b *board) sentLocked(p *page, counts ui.Counts) {
	p.counts, p.teams = counts, b.teamsLocked(p)
	p.allCounts, p.relist, p.repage, p.one, p.announced = false, false, false, p.onePage(), p.arrived
	clear(p.dirty)
}

// flushPageLocked puts all that changed on p into one frame and gives it to every tab that can be seen.
func (b *board) flushPageLocked(p *page, counts ui.Counts) bool {
	sent := send(p.watchers, func(to sight) []byte { return b.changesLocked(p, counts, to) })
	if sent || len(p.dirty) > 0 { // last seen alone may be news to tabs that are hidden, and to none that can be seen
		p.renew()
	}
	b.sentLocked(p, counts)
	return sent
}

// changesLocked is the frame of all that changed on p, as far as a sight may know; empty for nothing.
func (b *board) changesLocked(p *page, counts ui.Counts, to sight) []byte {
	f, news := b.ui.NewFrame(), p.news(to)
	if p.relist || len(news) > len(p.cards)/2 && len(news) > 1 {
		f.List(b.listLocked(p, to)) // the teams' numbers are in it
	} else {
		for _, c := range news {
			f.Row(c.person.ID, b.renderLocked(c, to))
		}
		for key, n := range b.teamsLocked(p) {
			if p.allCounts || p.teams[key] != n {
				f.Team(key, n.here, n.people)
			}
		}
	}
	if p.repage {
		b.repagedLocked(f, p)
	}
	if p.allCounts || counts != p.counts {
		f.Counts(p.counts, counts, p.allCounts)
	}
	if p.arrived != p.announced {
		f.Arrived(b.arrivals(p))
	}
	return f.Bytes()
}

// flushWarmingLocked sends what changed on p while people come back after a start: all of it, to the pages that list
// only the people who are here. A page from before the start keeps what it shows, since nobody knows what that is: rows
// that change alone would contradict its numbers.
func (b *board) flushWarmingLocked(p *page, counts ui.Counts) (sent bool) {
	if !b.unsentLocked(p, counts) {
		return false
	}
	p.renew()
	b.sentLocked(p, counts)
	for s := range p.watchers {
		if s.partial {
			s.write(b.snapshotLocked(p, s.sight))
			sent = true
		}
	}
	return sent
}

// endWarming tells everybody everything.
func (b *board) endWarming() {
	b.look(b.feed.Take())
	b.mu.Lock()
	defer b.mu.Unlock()
	b.warming = false
	for _, p := range b.pages {
		p.renew()
		b.sentLocked(p, b.countsLocked(p))
		for s := range p.watchers {
			s.partial = false
			s.write(b.snapshotLocked(p, s.sight))
		}
		for s := range p.hidden {
			s.partial = false
		}
	}
}

// titles tells hidden tabs how many people are here.
func (b *board) titles() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.warming {
		return
	}
	for _, p := range b.pages {
		if len(p.hidden) == 0 {
			continue
		}
		counts := b.countsLocked(p)
		f := b.ui.NewFrame()
		f.Title(counts)
		frame := f.Bytes()
		for s := range p.hidden {
			if s.titled != counts.Here() {
				s.titled = counts.Here()
				s.write(frame)
			}
		}
	}
}

// freshen draws absent people anew whose last seen has become another word.
func (b *board) freshen() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.cards {
		if !c.present {
			b.redrawLocked(c)
		}
	}
}
