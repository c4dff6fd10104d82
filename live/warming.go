package live

import "crypto/rand"

// warmed returns a channel that is readable when warming is to end; nil while the board isn't warming.
func (b *Board) warmed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.roster.warming {
		return nil
	}
	return b.presence.Warmed()
}

// WarmAgain puts the board in the state that it has after a start: people are coming back, and nobody who isn't here is
// shown as gone before they have had the time to. It's for when everybody was disconnected without having left. Call it
// again to put off the end.
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
	b.flushes.want() // the loop has to learn that it waits for the end
}

// endWarming tells everybody everything, unless warming has begun again meanwhile.
func (b *Board) endWarming() {
	b.look(b.feed.Take())
	b.update(func() {
		if !b.roster.unsure() {
			b.tellAll()
		}
	})
}

// tellAll ends warming. The lock is held.
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

// newBoot returns the beginning of versions that nobody has seen yet. A page from before warming began isn't current, and
// isn't taken for one that lists only those who are here.
func newBoot() string { return rand.Text()[:8] }
