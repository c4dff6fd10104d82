package live

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/presence"
)

const (
	FlushEvery   = 250 * time.Millisecond // between flushes; a change after as long a quiet goes out at once
	titleEvery   = 5 * time.Second        // paused watchers learn the title at most this often
	freshenEvery = time.Hour              // between looks whether "today" has become "this week"
	rereadEvery  = 250 * time.Millisecond // between readings of one list
	readWait     = 5 * time.Second        // for one reading
	meetAtOnce   = 1000                   // people that one reading gets to know: 20 ms or so

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
	return flusher{unsent: new(atomic.Bool), wanted: new(atomic.Int64), begun: time.Now(), wake: make(chan struct{}, 1), flushed: flushed}
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
	others.Go(func() { b.keepReading(ctx) })
	others.Go(func() { b.follower.keepRinging(ctx) })
	others.Go(func() { b.seen.run(ctx) })
	defer others.Wait()

	flush := time.NewTimer(time.Hour)
	flush.Stop()
	title, freshen := time.NewTicker(titleEvery), time.NewTicker(freshenEvery)
	defer title.Stop()
	defer freshen.Stop()
	warmed := b.presence.Warmed()
	var last time.Time // when changes were last sent
	var due bool       // flush is set
	for {
		select {
		case <-ctx.Done():
			return
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
				signal(b.toRead)
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

// endWarming tells everybody everything.
func (b *Board) endWarming() {
	b.look(b.feed.Take())
	b.update(func() {
		b.roster.warming = false
		for _, l := range b.lists.all {
			l.renew()
			b.roster.settle(l, b.roster.counts(l))
			for w := range l.watchers.active {
				w.partial = false
				b.send(w, b.roster.snapshot(l, w.audience))
			}
			for w := range l.watchers.paused {
				w.partial = false
			}
		}
	})
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

// keepReading asks the accounts for what was committed, for people who arrived and aren't known yet, for totals, and for
// lists that may have changed. It rests as long as it reads, so that half the time is left for others, however many
// costly lists are watched.
func (b *Board) keepReading(ctx context.Context) {
	follow := time.NewTicker(followEvery)
	defer follow.Stop()
	again := time.NewTimer(0) // and at once
	defer again.Stop()
	for {
		committed := false
		select {
		case <-ctx.Done():
			return
		case <-b.accounts.Committed():
			committed = true
		case <-b.follower.nudged():
		case <-follow.C:
			b.checkReplicas(time.Now())
			b.askSeen(time.Now())
		case <-b.toRead:
		case <-again.C:
		}
		err := cmp.Or(within(ctx, b.CatchUp), within(ctx, b.meet))
		if committed {
			signal(b.follower.ring)
		}
		left, rereadErr := b.reread(ctx)
		err = cmp.Or(err, within(ctx, b.refreshTotals)) // last: its change would make the list wait for the next flush
		b.readingFailed(cmp.Or(err, rereadErr))
		if left > 0 {
			again.Reset(rereadEvery)
		}
	}
}

// meet gets to know people who are here and were on no list yet, or of whom there is something new to know: some at a
// time, resting as long as it took. When a replica starts they are many, and nobody waits for them but the numbers of
// teams and lists of present people.
func (b *Board) meet(ctx context.Context) error {
	b.mu.Lock()
	applied := b.roster.applied
	users := make([]string, 0, min(len(b.roster.unmet), meetAtOnce))
	for u := range b.roster.unmet {
		if len(users) == meetAtOnce {
			signal(b.toRead)
			break
		}
		users = append(users, u)
	}
	b.mu.Unlock()
	if len(users) == 0 {
		return nil
	}
	start := time.Now()
	people, err := b.accounts.PeopleByID(ctx, users)
	if err != nil {
		return err
	}
	if len(users) == meetAtOnce {
		defer func() { rest(ctx, time.Since(start)) }()
	}
	b.update(func() {
		if b.roster.applied != applied {
			signal(b.toRead) // a change overtook the reading: read again
			return
		}
		b.roster.meetAll(people)
		for _, u := range users {
			delete(b.roster.unmet, u)
		}
	})
	return nil
}

// reread reads the watched lists that may have changed, the most urgent first, and returns how many are left for later.
// A list that nobody can see waits until somebody can.
func (b *Board) reread(ctx context.Context) (left int, err error) {
	now := time.Now()
	b.mu.Lock()
	var stale []*list
	for _, l := range b.lists.all {
		if !l.isStale() || len(l.watchers.active) == 0 {
			continue
		}
		if left++; now.Sub(l.reread) >= rereadEvery {
			stale = append(stale, l)
		}
	}
	slices.SortFunc(stale, byUrgency(now))
	b.mu.Unlock()
	for began := now; len(stale) > 0 && time.Since(began) < rereadEvery; stale = stale[1:] {
		start := time.Now()
		l := stale[0]
		one := within(ctx, func(ctx context.Context) error { return b.reload(ctx, l.filter.Query) })
		b.mu.Lock()
		l.reread = time.Now()
		if !l.isStale() {
			left--
		} else if one == nil { // a change overtook the reading
			l.staleSince = l.reread
		}
		b.mu.Unlock()
		err = cmp.Or(err, one)
		rest(ctx, time.Since(start))
	}
	return left, err
}

func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
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
	lost := b.presence.Status().Lost
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
