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
	meetAtOnce  = 5000                   // people that meet reads at once, which takes about 50 ms
)

// reader reads from the accounts what the board lacks: who is on lists, who the people are who arrived, and how many
// people there are. It runs separately, so that it doesn't delay changes of presence.
type reader struct {
	board    *Board
	accounts *accounts.Store
	presence *presence.Tracker
	log      *slog.Logger
	totals   *coalesced    // counts everyone
	many     int           // manyPeople; tests change it
	wanted   chan struct{} // capacity 1; there's something to read
	costly   chan struct{} // capacity 1; there's a costly list to read again
	database databaseFile  // used only by run
}

func newReader(b *Board) *reader {
	return &reader{
		board: b, accounts: b.accounts, presence: b.presence, log: b.log, totals: newCoalesced(), many: manyPeople,
		wanted: make(chan struct{}, 1), costly: make(chan struct{}, 1),
	}
}

// want wakes the reading loop.
func (r *reader) want() { signal(r.wanted) }

// wantList wakes the loop that reads l again, if l has active watchers. The caller holds the board's lock.
func (r *reader) wantList(l *list) {
	switch {
	case len(l.watchers.active) == 0:
	case l.costly():
		signal(r.costly)
	default:
		signal(r.wanted)
	}
}

// costly reports whether reading l takes so long that nothing else should wait for it.
func (r *reading) costly() bool { return r.cost > CheapRead }

// run reads committed changes, people who arrived and aren't known yet, totals, and cheap lists that may have changed.
// It pauses for as long as it read lists, so that at least half of the time is left for others, however many lists are
// watched.
func (r *reader) run(ctx context.Context) {
	b, failing := r.board, false
	follow := time.NewTicker(followEvery)
	defer follow.Stop()
	again := time.NewTimer(0) // fires at once the first time
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
		err := cmp.Or(within(ctx, b.CatchUp), within(ctx, r.meet), within(ctx, r.tellAlerts))
		if committed {
			signal(b.follower.ring)
		}
		left, rereadErr := r.reread(ctx)
		err = cmp.Or(err, within(ctx, r.refreshTotals)) // last, because a flush with only the totals would delay the lists
		r.failed(&failing, cmp.Or(err, rereadErr))
		if left > 0 {
			again.Reset(RereadEvery)
		}
	}
}

// runCostly reads the costly lists that are watched and may have changed, one after another, and pauses for as long as
// it reads. It also counts everyone on a large board. It's a separate loop so that nothing else waits for that.
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
		if r.totalsDue() {
			r.failed(&failing, within(ctx, func(ctx context.Context) error { return r.totals.do(ctx, r.readTotals) }))
		}
		if stale, _ := r.stale(true); len(stale) > 0 {
			r.failed(&failing, r.rereadList(ctx, stale[0]))
			signal(r.costly) // there may be more
		}
	}
}

// failed logs when the accounts can't be read anymore, and when they can be read again. failing belongs to the calling
// loop. What couldn't be read stays marked and is read later.
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

// load makes the list of q as current as the accounts are now. The list stays in memory while it's watched or was used
// recently.
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

// rereads limits how often reload reads a list if changes of the accounts overtake the reading. After that, it uses the
// last reading, and the list stays marked as stale.
const rereads = 3

// reload reads the list of q.
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

// refreshTotals counts everyone again if needed. On a large board, it leaves that to runCostly.
func (r *reader) refreshTotals(ctx context.Context) error {
	r.board.mu.Lock()
	t := &r.board.roster.tally
	stale, waits := t.isStale(), t.waits(r.many)
	r.board.mu.Unlock()
	switch {
	case !stale:
		return nil
	case !waits:
		signal(r.costly)
		return nil
	}
	return r.totals.do(ctx, r.readTotals)
}

// totalsDue reports whether to count everyone on a large board again now.
func (r *reader) totalsDue() bool {
	r.board.mu.Lock()
	defer r.board.mu.Unlock()
	t := &r.board.roster.tally
	return t.isStale() && !t.waits(r.many) && time.Since(t.readUntil) >= tallyRest*t.cost
}

func (r *reader) readTotals(ctx context.Context) error {
	r.board.mu.Lock()
	stale, generation := r.board.roster.tally.isStale(), r.board.lists.generation
	r.board.mu.Unlock()
	if !stale { // the previous run has counted
		return nil
	}
	began := time.Now()
	teams, err := r.accounts.Tally(ctx)
	if err != nil {
		return err
	}
	t := newTally(teams)
	t.readUntil = time.Now()
	t.cost = t.readUntil.Sub(began)
	r.board.mu.Lock()
	defer r.board.mu.Unlock()
	t.readAt, t.staleAt = generation, r.board.roster.tally.staleAt
	r.board.roster.tally = t
	r.board.roster.reindex()
	r.board.visible.trim(t.people, r.board.lists.all)
	r.board.flushes.want()
	return nil
}

// meet reads people who are here but aren't known yet, or who may have a new last seen. It reads a limited number at a
// time and then pauses for a quarter of what that took. When a replica starts, there are many of them, but only team
// counts and lists of present people wait for them.
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
		defer func() { rest(ctx, time.Since(start)/4) }()
	}
	r.board.update(func() {
		if r.board.roster.applied != applied {
			r.want() // a change overtook the reading, so read again
			return
		}
		r.board.roster.meetAll(people)
		for _, u := range users {
			delete(r.board.roster.unmet, u)
		}
	})
	return nil
}

// reread reads the cheap lists that are watched and may have changed. It returns how many are left for later.
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

// stale returns the costly or the cheap lists that have to be read again now, the most urgent first. all also counts
// lists that were just read and have to wait. A list without active watchers waits until it has one.
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

// rereadList reads l and pauses for as long as that took.
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

// within runs f with the time limit of one reading.
func within(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readWait)
	defer cancel()
	return f(ctx)
}
