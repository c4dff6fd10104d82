package live

import (
	"context"
	"crypto/rand"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/presence"
)

const (
	titleEvery   = 5 * time.Second // paused watchers get the title at most this often
	freshenEvery = time.Hour       // between checks whether "today" has become "this week"

	// LostShown is how long other replicas can be unreachable before watchers see it. It counts from the last
	// successful contact, which is up to 3 s before the connection is lost. So an outage of up to 7 s is never shown.
	LostShown = presence.LeaseTTL
)

// flusher knows whether there's something to flush, and since when.
type flusher struct {
	unsent  *atomic.Bool
	wanted  *atomic.Int64 // since when, as time after begun; 0 if nothing waits
	begun   time.Time
	wake    chan struct{} // capacity 1
	flushed func(took, waited time.Duration)
	pace    pace // only for the loop
}

func newFlusher(flushed func(took, waited time.Duration)) flusher {
	if flushed == nil {
		flushed = func(time.Duration, time.Duration) {}
	}
	return flusher{
		unsent: new(atomic.Bool), wanted: new(atomic.Int64), begun: time.Now(),
		wake: make(chan struct{}, 1), flushed: flushed,
	}
}

// want records that there may be something to send, and wakes the loop. The caller may hold the lock.
func (f *flusher) want() {
	if f.wanted.Load() == 0 {
		f.wanted.CompareAndSwap(0, int64(time.Since(f.begun)))
	}
	f.unsent.Store(true)
	signal(f.wake)
}

// Run applies changes of presence to lists and sends them to watchers, until ctx ends. It never waits for SQL, which
// would delay changes. Other goroutines read what is needed, and Run waits for them at the end.
func (b *Board) Run(ctx context.Context) {
	var others sync.WaitGroup
	others.Go(func() { b.reader.run(ctx) })
	others.Go(func() { b.reader.runCostly(ctx) })
	others.Go(func() { b.follower.keepRinging(ctx) })
	others.Go(func() { b.seen.run(ctx) })
	defer others.Wait()

	flush := time.NewTimer(time.Hour)
	flush.Stop()
	title, freshen := time.NewTicker(titleEvery), time.NewTicker(freshenEvery)
	defer title.Stop()
	defer freshen.Stop()
	var due bool // the flush timer is set
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.feed.Ready():
			b.applyViews(b.feed.Take())
		case <-b.warmed():
			b.endWarming()
		case <-flush.C:
			due = false
			b.applyViews(b.feed.Take()) // includes the latest changes
			b.flush()
		case <-title.C:
			b.sendTitles()
			b.update(func() { b.journals.sweep(time.Now()) })
		case <-freshen.C:
			b.freshen()
		case <-b.flushes.wake:
		}
		if !due && b.flushes.unsent.Load() {
			due = true
			flush.Reset(b.flushes.pace.wait(time.Now()))
		}
	}
}

// applyViews applies the current views of users who may have changed.
func (b *Board) applyViews(users []string) {
	b.update(func() {
		for _, u := range users {
			if m := b.roster.members[u]; m != nil {
				b.roster.applyView(m)
				b.roster.forget(m)
			} else if isHere(b.presence.View(u)) {
				b.roster.unmet[u] = b.roster.unmet[u] || !b.roster.warming
				b.reader.want()
				b.flushes.want() // they count even before they're known
			} else {
				b.lists.doubt()
			}
			for _, w := range b.watching.byPerson[u] {
				w.tellOwn()
			}
			b.alerts.checkAbout(u)
		}
	})
}

// flush sends the watchers of every list what they haven't been sent yet, and reports whether there was anything.
func (b *Board) flush() (sent bool) {
	f := &b.flushes
	f.unsent.Store(false)
	wanted, start, people := time.Duration(f.wanted.Swap(0)), time.Since(f.begun), 0
	b.update(func() {
		for _, l := range b.lists.all {
			sent = b.roster.flush(l) || sent
		}
		sent = b.journals.flush() || sent
		people = b.roster.takeChanged()
	})
	if !sent {
		return false
	}
	end := time.Since(f.begun)
	f.pace.flushed(f.begun.Add(end), end-start, people) // the watchers that it woke have sent what they could
	if wanted > 0 {
		f.flushed(end-start, end-wanted)
	}
	return true
}

// sendTitles tells paused watchers how many people are here.
func (b *Board) sendTitles() {
	b.update(func() {
		if b.roster.warming {
			return
		}
		for _, l := range b.lists.all {
			if len(l.watchers.paused) == 0 || l.filter.Person != "" || l.filter.own {
				continue
			}
			counts := b.roster.counts(l)
			title := &Change{Title: &counts}
			for w := range l.watchers.paused {
				if w.titled != counts.Here() {
					w.titled = counts.Here()
					w.send(title)
				}
			}
		}
	})
}

// freshen updates the rows of absent people whose last seen is worded differently by now.
func (b *Board) freshen() {
	b.update(func() {
		for _, m := range b.roster.members {
			if !m.present {
				b.roster.redraw(m)
			}
		}
	})
}

// askSeen requests the last seen of people who left some time ago and may have been connected to other replicas. Those
// replicas have stored it by then.
func (b *Board) askSeen(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for user, at := range b.roster.left {
		if now.Sub(at) > 2*seenEvery {
			delete(b.roster.left, user)
			if _, asked := b.roster.unmet[user]; !asked && b.roster.members[user] != nil {
				b.roster.unmet[user] = false
			}
		}
	}
}

// checkReplicas tells watchers when other replicas can't be reached, and when they can be reached again. In between,
// rows of people on those replicas stay as they were and are marked as stale.
func (b *Board) checkReplicas(now time.Time) {
	lost := b.presence.Peers().Lost
	if !lost.IsZero() && now.Sub(lost) < LostShown {
		return // too short to show
	}
	b.update(func() {
		if b.roster.lost.Equal(lost) {
			return
		}
		b.roster.lost = lost
		c := &Change{Lost: &lost}
		for w := range b.watching.all {
			w.send(c)
		}
		for _, m := range b.roster.present {
			if m.view.Elsewhere {
				b.roster.redraw(m)
			}
		}
		for _, l := range b.lists.all {
			l.renew() // so that pages with the previous state don't count as current
		}
		b.journals.wakeAll()
	})
}

// warmed returns a channel that is readable when warming has to end, or nil if the board isn't warming.
func (b *Board) warmed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.roster.warming {
		return nil
	}
	return b.presence.Warmed()
}

// WarmAgain puts the board back in the state that it has after a start: people are coming back, and nobody is shown as
// gone before they have had the time to. It's for when everyone was disconnected but hasn't left. Call it again to
// extend the time.
func (b *Board) WarmAgain() {
	b.update(func() {
		b.presence.WarmAgain()
		if b.roster.warming || !b.roster.unsure() {
			return
		}
		b.roster.warming, b.roster.warmingSince, b.roster.boot = true, time.Now(), newBoot()
		b.journals.wakeAll()
		on := true
		for _, l := range b.lists.all {
			l.renew()
			for w := range l.watchers.active {
				w.send(&Change{Warming: &on})
			}
		}
	})
	b.flushes.want() // wakes the loop, which then waits for the end of warming
}

// endWarming ends warming, unless it has begun again in the meantime.
func (b *Board) endWarming() {
	b.applyViews(b.feed.Take())
	b.update(func() {
		if !b.roster.unsure() {
			b.tellAll()
		}
	})
}

// tellAll ends warming and sends everyone the whole list. The caller holds the lock.
func (b *Board) tellAll() {
	b.roster.warming = false
	b.journals.flush()
	b.journals.wakeAll()
	for _, l := range b.lists.all {
		l.renew()
		b.roster.settle(l, b.roster.counts(l))
		for w := range l.watchers.active {
			w.partial = false
			w.send(b.roster.snapshot(l, w.audience))
		}
		for w := range l.watchers.paused {
			w.partial = false
		}
	}
}

// newBoot returns a new prefix for versions. With it, a page from before warming began doesn't count as current, and
// isn't mistaken for one that lists only the people who are here.
func newBoot() string { return rand.Text()[:8] }
