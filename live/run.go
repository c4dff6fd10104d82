package live

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/presence"
)

const (
	FlushEvery   = 250 * time.Millisecond // between flushes; a change after as long a quiet goes out at once
	titleEvery   = 5 * time.Second        // paused watchers learn the title at most this often
	freshenEvery = time.Hour              // between looks whether "today" has become "this week"

	// LostShown is how long other replicas may be silent before it shows. It counts from when they were last heard, which in
	// order is up to 3 s before they can be heard no more: being cut off for 7 s shows nothing.
	LostShown = presence.LeaseTTL
)

// flusher knows whether there is something to flush, and since when.
type flusher struct {
	unsent  *atomic.Bool
	wanted  *atomic.Int64 // since when, after begun; 0: not
	begun   time.Time
	wake    chan struct{} // capacity 1
	flushed func(took, waited time.Duration)
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

// want notes that there may be something to send, and wakes the loop. It may be called with the lock held.
func (f *flusher) want() {
	if f.wanted.Load() == 0 {
		f.wanted.CompareAndSwap(0, int64(time.Since(f.begun)))
	}
	f.unsent.Store(true)
	signal(f.wake)
}

// Run moves what presence knows onto lists and to watchers, until ctx ends. It never asks SQL, so nothing there delays a
// change; what must be read is left to goroutines beside it, which it waits for.
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
	var last time.Time // when changes were last sent
	var due bool       // flush is set
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.feed.Ready():
			b.look(b.feed.Take())
		case <-b.warmed():
			b.endWarming()
		case <-flush.C:
			due = false
			b.look(b.feed.Take()) // what has just changed goes along
			if b.flush() {
				last = time.Now()
			}
		case <-title.C:
			b.sendTitles()
		case <-freshen.C:
			b.freshen()
		case <-b.flushes.wake:
		}
		if !due && b.flushes.unsent.Load() {
			due = true
			flush.Reset(max(0, FlushEvery-time.Since(last)))
		}
	}
}

// look takes in what presence says now of users, whom it named as possibly changed.
func (b *Board) look(users []string) {
	b.update(func() {
		for _, u := range users {
			if m := b.roster.members[u]; m != nil {
				b.roster.look(m)
				b.roster.forget(m)
			} else if isHere(b.presence.View(u)) {
				b.roster.unmet[u] = b.roster.unmet[u] || !b.roster.warming
				b.reader.want()
				b.flushes.want() // they count before they are known
			}
			for _, w := range b.watching.byPerson[u] {
				b.tellOwn(w)
			}
		}
	})
}

// flush sends every list's watchers what they have not been sent, and reports whether there was anything.
func (b *Board) flush() (sent bool) {
	f := &b.flushes
	f.unsent.Store(false)
	wanted, start := time.Duration(f.wanted.Swap(0)), time.Since(f.begun)
	b.update(func() {
		for _, l := range b.lists.all {
			sent = b.roster.flush(l, b.send) || sent
		}
	})
	if sent && wanted > 0 {
		end := time.Since(f.begun)
		f.flushed(end-start, end-wanted)
	}
	return sent
}

// sendTitles tells paused watchers how many people are here.
func (b *Board) sendTitles() {
	b.update(func() {
		if b.roster.warming {
			return
		}
		for _, l := range b.lists.all {
			if len(l.watchers.paused) == 0 {
				continue
			}
			counts := b.roster.counts(l)
			title := &Change{Title: &counts}
			for w := range l.watchers.paused {
				if w.titled != counts.Here() {
					w.titled = counts.Here()
					b.send(w, title)
				}
			}
		}
	})
}

// freshen redraws absent people whose last seen has become another word.
func (b *Board) freshen() {
	b.update(func() {
		for _, m := range b.roster.members {
			if !m.present {
				b.roster.redraw(m)
			}
		}
	})
}

// askSeen has the accounts asked when people were last seen who left, maybe from other replicas: only those know, and
// have stored it by then.
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

// checkReplicas shows, and takes back, that other replicas can't be reached: what is known of their people stays, marked as
// stale, with since when.
func (b *Board) checkReplicas(now time.Time) {
	lost := b.presence.Peers().Lost
	if !lost.IsZero() && now.Sub(lost) < LostShown {
		return // not yet, or still what was shown
	}
	b.update(func() {
		if b.roster.lost.Equal(lost) {
			return
		}
		b.roster.lost = lost
		c := &Change{Lost: &lost}
		for w := range b.watching.all {
			b.send(w, c)
		}
		for _, m := range b.roster.present {
			if m.view.Elsewhere {
				b.roster.redraw(m)
			}
		}
		for _, l := range b.lists.all {
			l.renew() // for pages that are loaded, or come back, with what was shown before
		}
	})
}
