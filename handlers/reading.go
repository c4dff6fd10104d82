package handlers

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

const (
	followEvery = 500 * time.Millisecond // between looks for commits of other processes
	rereadEvery = 250 * time.Millisecond // between readings of one page
	readWait    = 5 * time.Second        // for one reading
	cheapRead   = 10 * time.Millisecond  // a page that takes longer to read is costly
)

// keepReading is the loop that asks the accounts: for what was committed, for people who arrived and are not known yet,
// for totals, and for pages whose list may have changed, unless they are costly. It rests as long as it reads pages, so
// that however many are watched, half the time is left for others.
func (b *board) keepReading(ctx context.Context) {
	failing := false
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
		case <-b.nudged:
		case <-follow.C:
			b.checkReplicas(time.Now())
			b.checkDatabase()
			b.askSeen(time.Now())
		case <-b.readWanted:
		case <-again.C:
		}
		err := cmp.Or(b.within(ctx, b.catchUp), b.within(ctx, b.meet))
		if committed {
			signal(b.ring)
		}
		left, rereadErr := b.reread(ctx)
		err = cmp.Or(err, b.within(ctx, b.refreshTally)) // last: its frame would make the list wait for the next
		b.readingFailed(&failing, cmp.Or(err, rereadErr))
		if left > 0 {
			again.Reset(rereadEvery)
		}
	}
}

// within runs f with the time that one reading may take.
func (b *board) within(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	return f(ctx)
}

// readingFailed logs that the accounts cannot be read, once until they can be again; failing is the loop's own. What was
// to be read is still marked, and is asked again with the next look for commits.
func (b *board) readingFailed(failing *bool, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	if failed := err != nil; failed != *failing {
		if *failing = failed; failed {
			b.log.Error("accounts cannot be read; the board goes on with what it knows", "err", err)
		} else {
			b.log.Info("accounts can be read again")
		}
	}
}

// meetAtOnce is how many strangers one reading gets to know: 20 ms or so.
const meetAtOnce = 1000

// meet gets to know people who are here and were on no page yet, or of whom there is something new to know: some at a
// time, resting as long as it took. When a replica starts they are many, and nobody waits for them but the numbers of
// teams and pages of present people.
func (b *board) meet(ctx context.Context) error {
	b.mu.Lock()
	applied := b.applied
	users := make([]string, 0, min(len(b.strangers), meetAtOnce))
	for u := range b.strangers {
		if len(users) == meetAtOnce {
			signal(b.readWanted)
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
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.applied != applied {
		signal(b.readWanted) // a change overtook the reading: read again
		return nil
	}
	b.meetLocked(people)
	for _, u := range users {
		delete(b.strangers, u)
	}
	return nil
}

// keepReadingCostly reads the costly ones among the watched pages that may have changed, one after the other, and rests
// as long as it reads. It is a loop of its own so that nothing else waits for them.
func (b *board) keepReadingCostly(ctx context.Context) {
	failing := false
	again := time.NewTicker(rereadEvery)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.costlyWanted:
		case <-again.C:
		}
		if stale, _ := b.stalePages(true); len(stale) > 0 {
			b.readingFailed(&failing, b.rereadPage(ctx, stale[0]))
			signal(b.costlyWanted) // maybe there are more
		}
	}
}

// reread reads the lists of watched pages that may have changed and are cheap to read, and returns how many are left for
// later.
func (b *board) reread(ctx context.Context) (left int, err error) {
	stale, left := b.stalePages(false)
	for began := time.Now(); len(stale) > 0 && time.Since(began) < rereadEvery; stale = stale[1:] {
		one := b.rereadPage(ctx, stale[0])
		if one == nil {
			left--
		}
		err = cmp.Or(err, one)
	}
	return left, err
}

// stalePages are the pages, costly or cheap, that are to be read again now, the most urgent first, and how many there are
// with those that were read just before. A page that nobody can see waits until somebody can.
func (b *board) stalePages(costly bool) (stale []*page, all int) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.pages {
		if !p.stale() || len(p.watchers) == 0 || p.costly() != costly {
			continue
		}
		if all++; now.Sub(p.reread) >= rereadEvery {
			stale = append(stale, p)
		}
	}
	slices.SortFunc(stale, byUrgency(now))
	return stale, all
}

// rereadPage reads the list of p and rests as long as that took.
func (b *board) rereadPage(ctx context.Context, p *page) error {
	start := time.Now()
	err := b.within(ctx, func(ctx context.Context) error {
		_, err := b.reload(ctx, p.query)
		return err
	})
	end := time.Now()
	b.mu.Lock()
	if p.reread = end; p.stale() && err == nil { // a change overtook the reading
		p.staleSince = end
		b.wantReadLocked(p)
	}
	b.mu.Unlock()
	rest(ctx, end.Sub(start))
	return err
}

func rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// countLocked has everybody counted anew: people came, went or moved between teams.
func (b *board) countLocked() {
	b.generation++
	b.tally.staleAt = b.generation
	signal(b.readWanted)
}

// refreshTally counts everybody anew where that is needed.
func (b *board) refreshTally(ctx context.Context) error {
	if stale, _ := b.staleTally(); !stale {
		return nil
	}
	return b.tallying.do(ctx, b.readTally)
}

// staleTally reports whether everybody has to be counted anew, and the generation that a count from now on is of.
func (b *board) staleTally() (stale bool, generation uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.tally.staleAt > b.tally.readAt, b.generation
}

func (b *board) readTally(ctx context.Context) error {
	stale, generation := b.staleTally()
	if !stale { // the run before this one was enough
		return nil
	}
	teams, err := b.accounts.Tally(ctx)
	if err != nil {
		return err
	}
	total, people := 0, make(map[string]int, len(teams))
	for _, t := range teams {
		total += t.People
		people[t.Key] = t.People
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tally.total, b.tally.people, b.tally.readAt = total, people, generation
	b.wantFlush()
	return nil
}
