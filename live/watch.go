package live

import (
	"context"
	"strings"
	"time"

	"rollcall/accounts"
)

// maxQueue is how many changes may wait for one watcher. One more ends it: its reader falls behind and has to start anew.
const maxQueue = 64

// Want says what a watcher wants to know.
type Want struct {
	List  *Query          // the list to watch, as Clean returned it; nil: none
	Eyes  accounts.Person // with whose eyes it watches, which decides the audience; zero: nobody's, as of a wall board
	Own   bool            // it also wants to know what only the owner of these eyes may know
	Shown string          // version of the list that it shows already; "": none
}

// Watcher gets changes. It starts with Start and ends with Stop.
type Watcher struct {
	board *Board
	want  *Want // nil since Start: most watchers live long, and need it no more
	wake  func()

	// Guarded by Board.mu.
	list     *list // nil: it watches none
	audience Audience
	eyes     accounts.Person // as the accounts have them now, from Watch on
	started  bool
	hearsOwn bool // Want.Own
	paused   bool
	seen     uint64 // the list's version when it paused
	partial  bool   // lists only people who are here: it has no page, or one that was loaded while warming
	titled   int    // people here by its title, while paused
	own      Own    // as last told
	queue    []*Change
	woken    bool      // in watching.woken
	renewed  time.Time // when Renew last sent a snapshot
	behind   bool      // the queue overflowed
}

// watchers of one list. Guarded by Board.mu.
type watchers struct {
	active map[*Watcher]struct{}
	paused map[*Watcher]struct{} // nobody can see them: no rows for these
}

func (s *watchers) none() bool { return len(s.active)+len(s.paused) == 0 }

// watching are all watchers that have started. Guarded by Board.mu.
type watching struct {
	all      map[*Watcher]struct{}
	byPerson map[string][]*Watcher // by id of their eyes; also those that are about to start
	woken    []*Watcher            // that have something in their queue since the lock was taken
}

// take returns the watchers to wake, once.
func (s *watching) take() []*Watcher {
	woken := s.woken
	s.woken = nil
	for _, w := range woken {
		w.woken = false
	}
	return woken
}

// Watch returns a Watcher that has what it needs to start at once. Stop it, whether it starts or not. The errors of Watch
// are those of reading the accounts.
func (b *Board) Watch(ctx context.Context, want Want) (*Watcher, error) {
	w := &Watcher{board: b, want: &want, eyes: want.Eyes, hearsOwn: want.Own}
	if id := want.Eyes.ID; id != "" { // already now: how they let others see them may change before Start
		b.update(func() { b.watching.byPerson[id] = append(b.watching.byPerson[id], w) })
	}
	if want.List == nil {
		return w, nil
	}
	if err := b.reader.load(ctx, *want.List); err != nil {
		w.Stop()
		return nil, err
	}
	return w, nil
}

// Start lets changes come. In one step it makes the watcher current (its queue holds what its page lacks) and has it hear
// of everything after that. wake is called whenever there may be something to Take: without any lock, from any goroutine,
// perhaps from several at once. It must not wait. Start reports false if the list was dropped since Watch; then watch again.
func (w *Watcher) Start(wake func()) (ok bool) {
	b := w.board
	b.update(func() { ok = b.start(w, wake) })
	return ok
}

func (b *Board) start(w *Watcher, wake func()) bool {
	if w.want.List != nil {
		if w.list = b.lists.all[*w.want.List]; w.list == nil {
			return false
		}
		b.flushMoves(w.list)
		w.list.watchers.active[w] = struct{}{}
	}
	w.wake, w.started, w.audience = wake, true, Reticent
	if id := w.eyes.ID; id != "" {
		if m := b.roster.members[id]; m != nil { // they may have changed before Watch
			w.eyes = m.person
		}
		w.audience = AudienceOf(w.eyes)
	}
	b.watching.all[w] = struct{}{}
	if w.list != nil {
		b.greet(w)
	}
	b.tellOwn(w)
	w.want = nil
	return true
}

// greet makes a new watcher current.
func (b *Board) greet(w *Watcher) {
	r, shown := &b.roster, w.want.Shown
	current := shown == r.version(w.list, w.audience)
	w.partial = r.warming && (shown == "" || strings.HasPrefix(shown, r.boot) && strings.HasSuffix(shown, partialMark))
	switch {
	case r.warming && !current:
		b.send(w, r.comingBack(w))
	case !current:
		b.send(w, r.snapshot(w.list, w.audience))
	}
}

// Pause says that nobody can see the watcher: it learns little until Resume.
func (w *Watcher) Pause() {
	b := w.board
	b.update(func() {
		if w.paused || !w.started {
			return
		}
		w.paused = true
		if l := w.list; l != nil {
			delete(l.watchers.active, w)
			l.watchers.paused[w] = struct{}{}
			w.seen, w.titled = l.version, l.told.counts.Here()
			l.thin()
		}
	})
}

// Resume brings a paused watcher up to date.
func (w *Watcher) Resume() {
	b := w.board
	b.update(func() {
		if !w.paused || !w.started {
			return
		}
		w.paused = false
		if l := w.list; l != nil {
			b.flushMoves(l)
			delete(l.watchers.paused, w)
			l.watchers.active[w] = struct{}{}
			if l.isStale() {
				b.reader.wantList(l) // nobody saw it until now
			}
			switch {
			case b.roster.warming:
				b.send(w, b.roster.comingBack(w))
			case w.seen != l.version:
				b.send(w, b.roster.snapshot(l, w.audience))
			}
		}
		b.tellOwn(w)
	})
}

// renewEvery is how often one watcher may be sent a snapshot that it asks for.
const renewEvery = 2 * time.Second

// Renew sends the whole list again to a watcher whose page can't apply what it was sent.
func (w *Watcher) Renew() {
	b := w.board
	b.update(func() {
		if l := w.list; l != nil && w.started && !w.paused && time.Since(w.renewed) >= renewEvery {
			w.renewed = time.Now()
			b.flushMoves(l)
			b.send(w, b.roster.snapshot(l, w.audience))
		}
	})
}

// Stop ends the watcher. It may be called more than once, and without Start.
func (w *Watcher) Stop() {
	b := w.board
	b.update(func() {
		if id := w.eyes.ID; id != "" {
			b.watching.remove(id, w)
		}
		if !w.started {
			return
		}
		w.started, w.queue = false, nil
		delete(b.watching.all, w)
		if l := w.list; l != nil {
			delete(l.watchers.active, w)
			delete(l.watchers.paused, w)
			l.used = time.Now()
			l.thin()
			b.roster.trim(nil)
		}
	})
}

func (s *watching) remove(id string, w *Watcher) {
	left := s.byPerson[id][:0]
	for _, o := range s.byPerson[id] {
		if o != w {
			left = append(left, o)
		}
	}
	if clear(s.byPerson[id][len(left):]); len(left) > 0 {
		s.byPerson[id] = left
	} else {
		delete(s.byPerson, id)
	}
}

// Take returns what has come since the last call, in order. ok is false when more came than is kept: the watcher has
// missed something, gets nothing more, and should be stopped.
func (w *Watcher) Take() (changes []*Change, ok bool) {
	w.board.mu.Lock()
	defer w.board.mu.Unlock()
	changes, w.queue = w.queue, nil
	return changes, !w.behind
}

// thin lets go of what only watchers that somebody can see need.
func (l *list) thin() {
	if len(l.watchers.active) == 0 {
		l.snapshots = [Audiences]*Change{}
	}
}

// send queues c for w.
func (b *Board) send(w *Watcher, c *Change) {
	if c == nil || c.empty() || w.behind {
		return
	}
	if len(w.queue) >= maxQueue {
		w.behind, w.queue = true, nil
	} else {
		w.queue = append(w.queue, c)
	}
	if !w.woken {
		w.woken = true
		b.watching.woken = append(b.watching.woken, w)
	}
}

// tellOwn tells w what only its own person may know, if that is news. It's no part of the changes of lists: what an
// invisible person does must not move those, not even in time.
func (b *Board) tellOwn(w *Watcher) {
	if !w.started || !w.hearsOwn || w.paused || w.eyes.ID == "" {
		return
	}
	own := b.ownOf(w.eyes)
	if own.Self == w.own.Self && w.own.Entry != nil && own.Entry.Row == w.own.Entry.Row {
		return
	}
	b.send(w, &Change{Own: &OwnNews{Was: w.own, Now: own}})
	w.own = own
}

// readdress gives the watchers with the eyes of p what goes with how p lets others see them now.
func (b *Board) readdress(p accounts.Person) {
	to := AudienceOf(p)
	for _, w := range b.watching.byPerson[p.ID] {
		w.eyes = p
		b.tellOwn(w)
		if w.audience == to {
			continue
		}
		w.audience, w.seen = to, 0
		if l := w.list; l != nil && !w.paused && !b.roster.warming { // others get all of it later
			b.flushMoves(l)
			b.send(w, b.roster.snapshot(l, to))
		}
	}
}
