package live

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

const (
	readWait    = 5 * time.Second        // for one reading
	CheapRead   = 10 * time.Millisecond  // a list that takes longer to read is costly
	RereadEvery = 250 * time.Millisecond // between readings of one list
	meetAtOnce  = 1000                   // people that one reading gets to know: 20 ms or so
)

// reader asks the accounts for what the board lacks: who is on lists, who the people are who arrived, and how many there
// are. Nothing that a watcher waits for waits for it.
type reader struct {
	board    *Board
	accounts *accounts.Store
	presence *presence.Tracker
	log      *slog.Logger
	totals   *shared       // counts everybody
	wanted   chan struct{} // capacity 1: something is to be read
	costly   chan struct{} // capacity 1: a costly list is to be read again
	database databaseFile  // used by run alone
}

func newReader(b *Board) *reader {
	return &reader{
		board: b, accounts: b.accounts, presence: b.presence, log: b.log, totals: newShared(),
		wanted: make(chan struct{}, 1), costly: make(chan struct{}, 1),
	}
}

// want wakes the loop that reads.
func (r *reader) want() { signal(r.wanted) }

// wantList wakes the loop that reads l again, if somebody can see l. The board's lock is held.
func (r *reader) wantList(l *list) {
	switch {
	case len(l.watchers.active) == 0:
	case l.costly():
		signal(r.costly)
	default:
		signal(r.wanted)
	}
}

// costly reports whether l takes so long to read that nothing else should wait for it.
func (l *list) costly() bool { return l.cost > CheapRead }

// run asks for what was committed, for people who arrived and aren't known yet, for totals, and for lists that may have
// changed, unless they are costly. It rests as long as it reads lists, so that half the time is left for others, however
// many are watched.
func (r *reader) run(ctx context.Context) {
	b, failing := r.board, false
	follow := time.NewTicker(followEvery)
	defer follow.Stop()
	again := time.NewTimer(0) // and at once
	defer again.Stop()
	for {
		committed := false
		select {
		case <-ctx.Done():
			return
		case <-r.accounts.Committed():
			committed = true
		case <-b.follower.nudged():
		case <-follow.C:
			b.checkReplicas(time.Now())
			r.checkDatabase()
			b.askSeen(time.Now())
		case <-r.wanted:
		case <-again.C:
		}
		err := cmp.Or(within(ctx, b.CatchUp), within(ctx, r.meet))
		if committed {
			signal(b.follower.ring)
		}
		left, rereadErr := r.reread(ctx)
		err = cmp.Or(err, within(ctx, r.refreshTotals)) // last: its change would make the list wait for the next flush
		r.failed(&failing, cmp.Or(err, rereadErr))
		if left > 0 {
			again.Reset(RereadEvery)
		}
	}
}

// runCostly reads the costly ones among the watched lists that may have changed, one after another, and rests as long as
// it reads. It's a loop of its own so that nothing else waits for them.
func (r *reader) runCostly(ctx context.Context) {
	failing := false
	again := time.NewTicker(RereadEvery)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.costly:
		case <-again.C:
		}
		if stale, _ := r.stale(true); len(stale) > 0 {
			r.failed(&failing, r.rereadList(ctx, stale[0]))
			signal(r.costly) // maybe there are more
		}
	}
}

// failed logs that the accounts can't be read, once until they can be again; failing belongs to the calling loop. What was
// to be read is still marked, and is asked for again with the next look.
func (r *reader) failed(failing *bool, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	if failed := err != nil; failed != *failing {
		if *failing = failed; failed {
			r.log.Error("accounts cannot be read; the board goes on with what it knows", "err", err)
		} else {
			r.log.Info("accounts can be read again")
		}
	}
}

// load returns the list of q as new as the accounts are now. It is kept while somebody watches it or it was used lately.
func (r *reader) load(ctx context.Context, q Query) error {
	if err := r.board.CatchUp(ctx); err != nil {
		return err
	}
	if err := r.refreshTotals(ctx); err != nil {
		return err
	}
	r.board.mu.Lock()
	l := r.board.lists.all[q]
	fresh := l != nil && !l.isStale()
	if fresh {
		l.used = time.Now()
	}
	r.board.mu.Unlock()
	if fresh {
		return nil
	}
	return r.reload(ctx, q)
}

// rereads is how often a reading that a change of the accounts overtook is repeated at once. After that it is taken as it
// is, and stays marked as stale.
const rereads = 3

// reload reads who is on the list of q.
func (r *reader) reload(ctx context.Context, q Query) error {
	f, err := newFilter(q)
	if err != nil {
		return err
	}
	if f.fromRoster() {
		r.board.update(func() {
			_, err = r.board.roster.install(q, r.board.roster.presentWindow(&f), r.board.lists.generation)
		})
		return err
	}
	for try := 1; ; try++ {
		r.board.mu.Lock()
		generation, applied := r.board.lists.generation, r.board.roster.applied
		r.board.mu.Unlock()
		start := time.Now()
		people, err := r.readWindow(ctx, q)
		if err != nil {
			return err
		}
		took := time.Since(start)
		again := false
		r.board.update(func() {
			overtaken := r.board.roster.applied != applied
			if again = overtaken && try < rereads; again {
				return
			}
			var l *list
			if l, err = r.board.roster.install(q, people, generation); err != nil {
				return
			}
			if l.cost = took; overtaken {
				r.board.lists.stale(l)
			}
		})
		if !again {
			return err
		}
	}
}

// refreshTotals counts everybody anew where that is needed.
func (r *reader) refreshTotals(ctx context.Context) error {
	if stale, _ := r.totalsStale(); !stale {
		return nil
	}
	return r.totals.do(ctx, r.readTotals)
}

// totalsStale reports whether everybody has to be counted anew, and the generation that a count from now on is of.
func (r *reader) totalsStale() (stale bool, generation uint64) {
	r.board.mu.Lock()
	defer r.board.mu.Unlock()
	return r.board.roster.tally.staleAt > r.board.roster.tally.readAt, r.board.lists.generation
}

func (r *reader) readTotals(ctx context.Context) error {
	stale, generation := r.totalsStale()
	if !stale { // the run before this one was enough
		return nil
	}
	teams, err := r.accounts.Tally(ctx)
	if err != nil {
		return err
	}
	t := tally{teams: teams, people: make(map[string]int, len(teams))}
	for _, team := range teams {
		t.total += team.People
		t.people[team.Key] = team.People
		if team.Name != "" {
			t.named++
		}
	}
	r.board.mu.Lock()
	defer r.board.mu.Unlock()
	t.readAt, t.staleAt = generation, r.board.roster.tally.staleAt
	r.board.roster.tally = t
	r.board.roster.reindex()
	r.board.flushes.want()
	return nil
}

// meet gets to know people who are here and were on no list yet, or of whom there is something new to know: some at a
// time, resting as long as it took. When a replica starts they are many, and nobody waits for them but the numbers of
// teams and lists of present people.
func (r *reader) meet(ctx context.Context) error {
	r.board.mu.Lock()
	applied := r.board.roster.applied
	users := make([]string, 0, min(len(r.board.roster.unmet), meetAtOnce))
	for u := range r.board.roster.unmet {
		if len(users) == meetAtOnce {
			r.want()
			break
		}
		users = append(users, u)
	}
	r.board.mu.Unlock()
	if len(users) == 0 {
		return nil
	}
	start := time.Now()
	people, err := r.accounts.PeopleByID(ctx, users)
	if err != nil {
		return err
	}
	if len(users) == meetAtOnce {
		defer func() { rest(ctx, time.Since(start)) }()
	}
	r.board.update(func() {
		if r.board.roster.applied != applied {
			r.want() // a change overtook the reading: read again
			return
		}
		r.board.roster.meetAll(people)
		for _, u := range users {
			delete(r.board.roster.unmet, u)
		}
	})
	return nil
}

// reread reads the watched lists that may have changed and are cheap to read, and returns how many are left for later.
func (r *reader) reread(ctx context.Context) (left int, err error) {
	stale, left := r.stale(false)
	for began := time.Now(); len(stale) > 0 && time.Since(began) < RereadEvery; stale = stale[1:] {
		one := r.rereadList(ctx, stale[0])
		if one == nil {
			left--
		}
		err = cmp.Or(err, one)
	}
	return left, err
}

// stale are the lists, costly or cheap, that are to be read again now, the most urgent first, and how many there are with
// those that were read just before. A list that nobody can see waits until somebody can.
func (r *reader) stale(costly bool) (stale []*list, all int) {
	now := time.Now()
	r.board.mu.Lock()
	defer r.board.mu.Unlock()
	for _, l := range r.board.lists.all {
		if !l.isStale() || len(l.watchers.active) == 0 || l.costly() != costly {
			continue
		}
		if all++; now.Sub(l.reread) >= RereadEvery {
			stale = append(stale, l)
		}
	}
	slices.SortFunc(stale, byUrgency(now))
	return stale, all
}

// rereadList reads l and rests as long as that took.
func (r *reader) rereadList(ctx context.Context, l *list) error {
	start := time.Now()
	err := within(ctx, func(ctx context.Context) error { return r.reload(ctx, l.filter.Query) })
	end := time.Now()
	r.board.mu.Lock()
	if l.reread = end; l.isStale() && err == nil { // a change overtook the reading
		l.staleSince = end
		r.wantList(l)
	}
	r.board.mu.Unlock()
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

// within runs f with the time that one reading may take.
func within(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	return f(ctx)
}
