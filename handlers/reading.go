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
)

// keepReading is the loop that asks the accounts: for what was committed, for people who arrived and are not known yet,
// for totals, and for pages whose list may have changed. It rests as long as it reads, so that however many costly
// pages are watched, half the time is left for others.
func (b *board) keepReading(ctx context.Context) {
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
		b.readingFailed(cmp.Or(err, rereadErr))
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

// readingFailed logs that the accounts cannot be read, once until they can be again. What was to be read is still
// marked, and is asked again with the next look for commits.
func (b *board) readingFailed(err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	if failed := err != nil; failed != b.failing {
		if b.failing = failed; failed {
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

// reread reads the lists of watched pages that may have changed, those first that have waited for longest, and returns
// how many are left for later. A page that nobody can see waits until somebody can.
func (b *board) reread(ctx context.Context) (left int, err error) {
	now := time.Now()
	b.mu.Lock()
	var stale []*page
	for _, p := range b.pages {
		if !p.stale() || len(p.watchers) == 0 {
			continue
		}
		if left++; now.Sub(p.reread) >= rereadEvery {
			stale = append(stale, p)
		}
	}
	slices.SortFunc(stale, func(a, b *page) int { return a.reread.Compare(b.reread) })
	b.mu.Unlock()
	for began := now; len(stale) > 0 && time.Since(began) < rereadEvery; stale = stale[1:] {
		start := time.Now()
		p := stale[0]
		one := b.within(ctx, func(ctx context.Context) error {
			_, err := b.reload(ctx, p.query)
			return err
		})
		b.mu.Lock()
		p.reread = time.Now()
		if !p.stale() {
			left--
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

// countLocked has everybody counted anew: people came, went or moved between teams.
func (b *board) countLocked() {
	b.generation++
	b.tally.staleAt = b.generation
	signal(b.readWanted)
}

// refreshTally counts everybody anew where that is needed.
func (b *board) refreshTally(ctx context.Context) error {
	b.mu.Lock()
	stale, generation := b.tally.staleAt > b.tally.readAt, b.generation
	b.mu.Unlock()
	if !stale {
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
	if b.tally.readAt < generation {
		b.tally.total, b.tally.people, b.tally.readAt = total, people, generation
		b.wantFlush()
	}
	return nil
}
