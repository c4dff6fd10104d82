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
	followEvery  = 500 * time.Millisecond // between looks for commits of other processes
	sweepEvery   = time.Minute            // between looks for sessions that have run out
	freshenEvery = time.Hour              // between looks whether "today" has become "this week"
)

// run is the one loop that moves news to pages: from presence and accounts in, frames out. It returns after ctx.
func (b *board) run(ctx context.Context) error {
	var others sync.WaitGroup
	others.Go(func() { b.keepSeen(ctx) })
	others.Go(func() { b.keepRinging(ctx) })
	defer others.Wait()

	flush := time.NewTimer(time.Hour)
	flush.Stop()
	follow, title := time.NewTicker(followEvery), time.NewTicker(titleEvery)
	sweep, freshen := time.NewTicker(sweepEvery), time.NewTicker(freshenEvery)
	for _, t := range []*time.Ticker{follow, title, sweep, freshen} {
		defer t.Stop()
	}
	warmed := b.presence.Warmed()
	var nudged <-chan struct{}
	if b.bell != nil {
		nudged = b.bell.Nudged()
	}
	b.followOrLog(ctx)
	var last time.Time // of the last flush
	var due bool       // flush is set
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.feed.Ready():
			b.look(ctx, b.feed.Take())
		case <-b.accounts.Committed():
			b.followOrLog(ctx)
			signal(b.ring)
		case <-nudged:
			b.followOrLog(ctx)
		case <-follow.C:
			b.followOrLog(ctx)
			b.checkReplicas(time.Now())
		case <-warmed:
			warmed = nil
			b.endWarming(ctx)
		case <-flush.C:
			due = false
			b.flush(ctx)
			last = time.Now()
		case <-title.C:
			b.titles()
		case <-sweep.C:
			b.sweep(time.Now())
		case <-freshen.C:
			b.freshen()
		case <-b.flushWanted:
		}
		if !due && b.wantsFlush() {
			due = true
			flush.Reset(max(0, flushEvery-time.Since(last)))
		}
	}
}

// wantFlush notes that there is something to send, and wakes the loop. It may be called with b.mu held.
func (b *board) wantFlush() {
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

func (b *board) wantsFlush() bool { return b.unsent.Load() }

// look takes in what presence says now of users, whom it named as possibly changed.
func (b *board) look(ctx context.Context, users []string) {
	b.mu.Lock()
	var unknown []string
	for _, u := range users {
		if c := b.cards[u]; c != nil {
			b.lookLocked(c)
			b.forgetLocked(c)
		} else if here(b.presence.View(u)) {
			unknown = append(unknown, u)
		}
		if len(b.byUser[u]) > 0 {
			b.meDirty[u] = struct{}{}
			b.wantFlush()
		}
	}
	b.mu.Unlock()
	b.meet(ctx, unknown)
}

// meet gets to know people who are here and were on no page yet. When the accounts cannot say who they are, it is
// asked again with the next look for commits.
func (b *board) meet(ctx context.Context, users []string) {
	if len(users) == 0 {
		return
	}
	people, err := b.accounts.PeopleByID(ctx, users)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		if ctx.Err() == nil {
			b.log.Error("people who arrived cannot be read", "err", err)
			b.strangers = append(b.strangers, users...)
		}
		return
	}
	for _, p := range people {
		c := b.cardLocked(p)
		if c.present {
			b.filteredLocked(presence.Offline, c.view.State)
		}
		b.forgetLocked(c)
	}
	b.wantFlush()
}

// filteredLocked marks the pages whose filter by state somebody has passed into or out of.
func (b *board) filteredLocked(from, to presence.State) {
	if from == to {
		return
	}
	for _, p := range b.pages {
		if s := presence.State(p.query.state); s != "" && (s == from || s == to) {
			b.staleLocked(p)
		}
	}
}

// flush reads anew the lists that may have changed, and sends every page what it has not been sent.
func (b *board) flush(ctx context.Context) {
	b.unsent.Store(false)
	b.refreshTally(ctx)
	for _, q := range b.staleQueries() {
		if _, err := b.reload(ctx, q); err != nil && ctx.Err() == nil {
			b.log.Error("a page cannot be read anew", "err", err)
			break // the next commit or change asks again
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	counts := b.countsLocked()
	for _, p := range b.pages {
		b.flushPageLocked(p, counts)
	}
	for user := range b.meDirty {
		b.tellSelfLocked(user)
	}
	clear(b.meDirty)
}

// staleQueries lists the watched pages whose list may have changed. The others are read when somebody asks.
func (b *board) staleQueries() []boardQuery {
	b.mu.Lock()
	defer b.mu.Unlock()
	var stale []boardQuery
	for _, p := range b.pages {
		if p.stale() && len(p.watchers)+len(p.hidden) > 0 {
			stale = append(stale, p.query)
		}
	}
	return stale
}

// flushPageLocked puts all that changed on p into one frame and gives it to every tab that can be seen.
func (b *board) flushPageLocked(p *page, counts ui.Counts) {
	if b.warming {
		b.flushWarmingLocked(p)
		return
	}
	f := b.ui.NewFrame()
	switch {
	case p.relist || len(p.dirty) > len(p.cards)/2 && len(p.dirty) > 1:
		f.List(b.listLocked(p, false))
		b.teamsLocked(p, func(string, int, int) {}) // their numbers are in the list
	default:
		for c := range p.dirty {
			f.Row(c.person.ID, b.renderLocked(c))
		}
		b.teamsLocked(p, f.Team)
	}
	if p.allCounts || counts != p.counts {
		f.Counts(p.counts, counts, p.allCounts)
	}
	p.counts, p.allCounts, p.relist = counts, false, false
	clear(p.dirty)
	if f.Empty() {
		return
	}
	b.renewLocked(p)
	frame := f.Bytes()
	for s := range p.watchers {
		s.write(frame)
	}
}

// flushWarmingLocked tells who has come back, and nothing of the others: that somebody is not here is not known yet.
// Pages from before the start keep their other rows; pages loaded meanwhile list the people who are here.
func (b *board) flushWarmingLocked(p *page) {
	rows, list := b.ui.NewFrame(), b.ui.NewFrame()
	for c := range p.dirty {
		if c.present {
			rows.Row(c.person.ID, b.renderLocked(c))
		}
	}
	if p.relist || !rows.Empty() {
		list.List(b.listLocked(p, true))
	}
	clear(p.dirty)
	if list.Empty() {
		return
	}
	b.renewLocked(p)
	p.relist = false
	whole, some := list.Bytes(), rows.Bytes()
	for s := range p.watchers {
		if s.partial {
			s.write(whole)
		} else {
			s.write(some)
		}
	}
}

// endWarming tells everybody everything.
func (b *board) endWarming(ctx context.Context) {
	b.flush(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.warming = false
	for _, p := range b.pages {
		b.renewLocked(p)
		p.counts, p.allCounts, p.relist = b.countsLocked(), false, false
		b.teamsLocked(p, func(string, int, int) {})
		clear(p.dirty)
		for s := range p.watchers {
			s.partial = false
			s.write(b.snapshotLocked(p))
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
	counts := b.countsLocked()
	if b.warming {
		return
	}
	f := b.ui.NewFrame()
	f.Title(counts)
	frame := f.Bytes()
	for _, p := range b.pages {
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

// tellSelfLocked sends what only user may know to their own tabs.
func (b *board) tellSelfLocked(user string) {
	me := b.me(user)
	f := b.ui.NewFrame()
	f.Me(me)
	frame := f.Bytes()
	for _, s := range b.byUser[user] {
		if s.page != nil && !s.hidden && s.me != me {
			s.me = me
			s.write(frame)
		}
	}
}
