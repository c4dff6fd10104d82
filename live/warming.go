package live

import "crypto/rand"

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
		b.roster.warming, b.roster.boot = true, newBoot()
		on := true
		for _, l := range b.lists.all {
			l.renew()
			for w := range l.watchers.active {
				b.send(w, &Change{Warming: &on})
			}
		}
	})
	b.flushes.want() // wakes the loop, which then waits for the end of warming
}

// endWarming ends warming, unless it has begun again in the meantime.
func (b *Board) endWarming() {
	b.look(b.feed.Take())
	b.update(func() {
		if !b.roster.unsure() {
			b.tellAll()
		}
	})
}

// tellAll ends warming and sends everyone the whole list. The caller holds the lock.
func (b *Board) tellAll() {
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
}

// newBoot returns a new prefix for versions. With it, a page from before warming began doesn't count as current, and
// isn't mistaken for one that lists only the people who are here.
func newBoot() string { return rand.Text()[:8] }
