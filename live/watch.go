package live

import (
	"context"
	"strings"
	"time"

	"rollcall/accounts"
)

// maxQueue limits how many changes can wait for one watcher. If there's one more, the watcher has fallen behind and has
// to be replaced.
const maxQueue = 64

// Want says what a watcher wants to know.
type Want struct {
	List  *Query          // the list to watch, a result of Clean; nil for none
	Eyes  accounts.Person // the person who watches, which determines the audience; zero for nobody, like a wall board
	Own   bool            // also send what only that person may know
	Shown string          // version of the list that the watcher already shows; "" for none
}

// Watcher gets changes. It starts with Start and ends with Stop.
type Watcher struct {
	board *Board
	want  *Want // nil after Start to save memory, because most watchers live long
	wake  func()

	// Guarded by Board.mu.
	list    *list           // nil if it watches none
	teams   *teamSet        // whose people it may see
	eyes    accounts.Person // kept up to date from Watch on
	seen    uint64          // the list's version when it paused
	titled  int             // number of people here in its title, while paused
	own     Own             // as last sent
	queue   []*Change
	renewed int64 // when Renew last sent a snapshot, in Unix milliseconds

	audience Audience // small fields stand together, because they take less memory then
	started  bool
	hearsOwn bool // Want.Own
	paused   bool
	partial  bool // lists only people who are here, because it has no page or one that was loaded while warming
	woken    bool // in watching.woken
	behind   bool // the queue overflowed
}

// watchers holds the watchers of one list. Guarded by Board.mu.
type watchers struct {
	active map[*Watcher]struct{}
	paused map[*Watcher]struct{} // get no rows, because nobody can see their page
}

func (s *watchers) add(w *Watcher) {
	if w.paused {
		s.paused[w] = struct{}{}
	} else {
		s.active[w] = struct{}{}
	}
}

func (s *watchers) remove(w *Watcher) {
	delete(s.active, w)
	delete(s.paused, w)
}

func (s *watchers) none() bool { return len(s.active)+len(s.paused) == 0 }

// watching holds all watchers that have started. Guarded by Board.mu.
type watching struct {
	all      map[*Watcher]struct{}
	byPerson map[string][]*Watcher // by ID of the person who watches; includes watchers that are about to start
	woken    []*Watcher            // got changes since the lock was taken
}

// take returns the watchers to wake, and clears the list.
func (s *watching) take() []*Watcher {
	woken := s.woken
	s.woken = nil
	for _, w := range woken {
		w.woken = false
	}
	return woken
}

// Watch returns a Watcher that is ready to start. Call Stop even if it doesn't start. Watch returns an error if the
// accounts can't be read.
func (b *Board) Watch(ctx context.Context, want Want) (*Watcher, error) {
	w := &Watcher{board: b, want: &want, eyes: want.Eyes, hearsOwn: want.Own}
	if id := want.Eyes.ID; id != "" { // already here, because the person's preferences may change before Start
		b.update(func() { b.watching.byPerson[id] = append(b.watching.byPerson[id], w) })
	}
	if want.List == nil {
		return w, nil
	}
	q := *want.List
	q.teams = b.teamsOf(want.Eyes)
	w.want.List = &q
	if err := b.reader.load(ctx, q); err != nil {
		w.Stop()
		return nil, err
	}
	return w, nil
}

// Start starts the watcher. In one step, it queues what the watcher's page lacks and registers the watcher for every
// later change. It calls wake whenever there may be something to Take: without a lock, from any goroutine, and maybe
// from several at once. wake must not block. Start returns false if the list was dropped since Watch. In that case,
// call Watch again.
func (w *Watcher) Start(wake func()) (ok bool) {
	b := w.board
	b.update(func() { ok = w.start(wake) })
	return ok
}

func (w *Watcher) start(wake func()) bool {
	b := w.board
	w.audience = Reticent
	if id := w.eyes.ID; id != "" {
		if m := b.roster.members[id]; m != nil { // they may have changed before Watch
			w.eyes = m.person
		}
		w.audience = AudienceOf(w.eyes)
	}
	w.teams = b.visible.of(w.eyes)
	if w.want.List != nil {
		if w.list = w.wanted(); w.list == nil {
			return false
		}
		b.flushMoves(w.list)
		w.list.watchers.add(w)
	}
	w.wake, w.started = wake, true
	b.watching.all[w] = struct{}{}
	if w.list != nil {
		w.greet()
	}
	w.tellOwn()
	w.greetAlerts()
	w.want = nil
	return true
}

// wanted returns the list that w wants, or nil if it was dropped. What w may see can have changed since Watch.
func (w *Watcher) wanted() *list {
	b := w.board
	l := b.lists.all[*w.want.List]
	if l == nil {
		return nil
	}
	return b.roster.derive(l, w.now(*w.want.List))
}

// now returns q for what w may see, and for the team that its person is in, by now.
func (w *Watcher) now(q Query) Query {
	q.teams = w.teams
	if q.own {
		q.Team = w.eyes.Team
	}
	return q
}

// greet queues what a new watcher's page lacks.
func (w *Watcher) greet() {
	r, shown := &w.board.roster, w.want.Shown
	current := shown == r.version(w.list, w.audience)
	w.partial = r.warming && (shown == "" || strings.HasPrefix(shown, r.boot) && strings.HasSuffix(shown, partialMark) ||
		!shownFor(shown, w.teams)) // it may have people whom w may not see
	switch {
	case r.warming && !current:
		w.send(r.comingBack(w))
	case !current:
		w.send(r.snapshot(w.list, w.audience))
	}
}

// Pause says that nobody can see the watcher's page. It gets only the title until Resume.
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
				b.reader.wantList(l) // it may have had no active watchers until now
			}
			switch {
			case b.roster.warming:
				w.send(b.roster.comingBack(w))
			case w.seen != l.version:
				w.send(b.roster.snapshot(l, w.audience))
			}
		}
		w.tellOwn()
	})
}

// renewEvery is the minimum time between two snapshots that a watcher asks for.
const renewEvery = 2 * time.Second

// Renew sends the watcher the whole list again, because its page couldn't apply a change. It does nothing if the last
// call was too recent.
func (w *Watcher) Renew() {
	b := w.board
	b.update(func() {
		now := time.Now().UnixMilli()
		if l := w.list; l != nil && w.started && !w.paused && now-w.renewed >= renewEvery.Milliseconds() {
			w.renewed = now
			b.flushMoves(l)
			w.send(b.roster.snapshot(l, w.audience))
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
			l.watchers.remove(w)
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

// Take returns the changes since the last call, in order. If ok is false, the queue has overflowed: the watcher has
// missed changes, gets no more, and should be stopped.
func (w *Watcher) Take() (changes []*Change, ok bool) {
	w.board.mu.Lock()
	defer w.board.mu.Unlock()
	changes, w.queue = w.queue, nil
	return changes, !w.behind
}

// thin drops the snapshots if the list has no active watchers.
func (l *list) thin() {
	if len(l.watchers.active) == 0 {
		l.snapshots = [Audiences]*Change{}
	}
}

// send queues c for w.
func (w *Watcher) send(c *Change) {
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
		w.board.watching.woken = append(w.board.watching.woken, w)
	}
}

// tellOwn sends w what only its own person may know, if that has changed. It's separate from the changes of lists,
// because an invisible person's actions must not affect those, not even their timing.
func (w *Watcher) tellOwn() {
	if !w.started || !w.hearsOwn || w.paused || w.eyes.ID == "" {
		return
	}
	own := w.board.ownOf(w.eyes)
	if own.Self == w.own.Self && w.own.Entry != nil && own.Entry.Row == w.own.Entry.Row {
		return
	}
	w.send(&Change{Own: &OwnNews{Was: w.own, Now: own}})
	w.own = own
}

// readdress moves the watchers of p to the audience that follows from p's current preferences, and to the teams that
// follow from p's team and role.
func (b *Board) readdress(p accounts.Person) {
	to, teams := AudienceOf(p), b.visible.of(p)
	for _, w := range b.watching.byPerson[p.ID] {
		w.eyes = p
		w.tellOwn()
		changed := w.audience != to
		if changed {
			w.audience, w.seen = to, 0
		}
		if w.show(teams) { // sends the whole list
			continue
		}
		if !changed {
			continue
		}
		if l := w.list; l != nil && !w.paused && !b.roster.warming { // other watchers get the whole list later
			b.flushMoves(l)
			w.send(b.roster.snapshot(l, to))
		}
	}
}

// show moves w to the list of the same query with the people of teams, and to its person's own team if that's what it
// shows. It reports whether there was anything to do. It sends that list at once, also to a page that nobody can see or
// that loaded before a start: it must not keep people whom its owner may no longer see.
func (w *Watcher) show(teams *teamSet) bool {
	if !w.started {
		return false
	}
	changed := w.teams != teams
	w.teams = teams
	b, from := w.board, w.list
	if from == nil || w.now(from.filter.Query) == from.filter.Query {
		return changed
	}
	l := b.roster.derive(from, w.now(from.filter.Query))
	b.flushMoves(l)
	from.watchers.remove(w)
	from.used = time.Now()
	from.thin()
	from.renew() // the page no longer shows the version that it was loaded with
	w.list = l
	l.watchers.add(w)
	w.partial = w.partial || b.roster.warming
	w.send(b.roster.snapshot(l, w.audience))
	if w.paused {
		w.seen, w.titled = l.version, b.roster.counts(l).Here()
		l.thin()
	}
	if l.isStale() {
		b.reader.wantList(l)
	}
	return true
}
