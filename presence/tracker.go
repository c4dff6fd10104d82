package presence

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Config configures a Tracker. Start from DefaultConfig, because zero durations don't mean defaults: a zero IdleAfter
// makes everyone idle at once.
type Config struct {
	IdleAfter    time.Duration // without input for this long, a person is away; negative means never
	GraceClean   time.Duration // how long a connection counts after the browser closed it
	GraceDropped time.Duration // how long a connection counts after it broke or the server closed it
	Warming      time.Duration // after a start without other replicas or WarmAgain, people may not be back yet
	Fresh        bool          // nobody was connected before the start, so no warming follows it
	StampEvery   time.Duration // while a person is connected, TakeSeen returns them at most this often
	Registry     Registry      // nil if there are no other replicas
}

// DefaultConfig returns the default configuration.
func DefaultConfig() Config {
	return Config{
		IdleAfter:    10 * time.Minute,
		GraceClean:   5 * time.Second,
		GraceDropped: 15 * time.Second,
		Warming:      10 * time.Second,
		StampEvery:   time.Minute,
	}
}

// Counts are the numbers of listed people in each state except offline.
type Counts struct{ Online, Away, DND int }

// Add adds by to the number of people in state. It ignores Offline.
func (c *Counts) Add(state State, by int) {
	switch state {
	case Online:
		c.Online += by
	case Away:
		c.Away += by
	case DND:
		c.DND += by
	}
}

// Here returns the number of people who aren't offline.
func (c Counts) Here() int { return c.Online + c.Away + c.DND }

// Tracker holds the connections to this replica and everyone's views. It's safe for concurrent use. Only Drain waits
// for I/O.
type Tracker struct {
	cfg      Config
	rewarmed chan struct{} // capacity 1: warmUntil has moved
	stop     context.CancelFunc
	ended    sync.WaitGroup

	mu        sync.Mutex
	people    map[string]*person  // guarded by mu; everyone else is offline with plain facts
	due       agenda              // guarded by mu
	timer     *time.Timer         // guarded by mu; fires at the head of due
	planned   time.Time           // guarded by mu; when the agenda was built, to notice changes of the wall clock
	counts    Counts              // guarded by mu
	changes   uint64              // guarded by mu; of views, since the start
	feeds     []*Feed             // guarded by mu
	stamps    map[string]struct{} // guarded by mu; users for TakeSeen
	taken     map[string]struct{} // guarded by mu; users of TakeSeen without SeenStored
	draining  bool                // guarded by mu
	warm      bool                // guarded by mu
	warmed    chan struct{}       // guarded by mu; closed when warming is over
	warmUntil time.Time           // guarded by mu; earliest end of warming
	asOf      int64               // guarded by mu; accounts revision of the facts
}

// person is everything that the Tracker knows about one user. Guarded by Tracker.mu.
type person struct {
	user   string
	facts  *Facts // never nil; plainFacts for most people, which saves a fifth of a person's memory
	conns  []*Connection
	remote []Digest

	view      View
	why       Why
	endings   *endings // of devices without a socket; nil for most people
	published Digest   // the last digest for the Registry
	devices   int      // sign-ins with a live connection, over all replicas
	status    *Status  // their own, while it lasts; nil if none. It stays the same pointer until the status changes.
	claims    *[]Claim // as in Self; it stays the same pointer until what it holds changes

	input   time.Time // the newest input while not invisible
	seen    time.Time // last seen, as shown while offline; zero if only accounts know
	stamped time.Time // when TakeSeen last returned input

	next  time.Time // when the person is due; zero if never
	index int       // in Tracker.due; -1 if not in it
}

// plainFacts are the facts of most people. Don't change them.
var plainFacts = &Facts{}

// NewTracker starts a Tracker. Call Close to stop it.
func NewTracker(cfg Config) *Tracker {
	if cfg.Registry == nil {
		cfg.Registry = alone{NewFeed()}
	}
	ctx, stop := context.WithCancel(context.Background())
	t := &Tracker{
		cfg: cfg, stop: stop, warmed: make(chan struct{}), rewarmed: make(chan struct{}, 1), warm: true,
		people: map[string]*person{}, stamps: map[string]struct{}{}, taken: map[string]struct{}{}, planned: time.Now(),
	}
	t.timer = time.AfterFunc(time.Hour, t.tick)
	t.timer.Stop()
	if cfg.Warming <= 0 || cfg.Fresh {
		t.warm = false
		close(t.warmed)
	}
	t.ended.Add(1)
	go t.follow(ctx)
	return t
}

// Close stops the Tracker. Views stay readable as they were.
func (t *Tracker) Close() {
	t.stop()
	t.ended.Wait()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.draining = true
	t.timer.Stop()
}

// follow ends warming when it's due, and applies what other replicas publish, until ctx ends.
func (t *Tracker) follow(ctx context.Context) {
	defer t.ended.Done()
	warming := time.NewTimer(t.cfg.Warming)
	defer warming.Stop()
	remote, synced := t.cfg.Registry.Changes(), t.cfg.Registry.Synced()
	for {
		select {
		case <-ctx.Done():
			return
		case <-synced:
			synced = nil
			if t.cfg.Registry.Peers().Others > 0 {
				t.takeIn(remote.Take())
				t.endWarming() // the others know who is here
			}
		case <-t.rewarmed:
			warming.Reset(t.cfg.Warming)
		case <-warming.C:
			t.endWarming()
		case <-remote.Ready():
			t.takeIn(remote.Take())
		}
	}
}

// takeIn applies the digests that other replicas have of users.
func (t *Tracker) takeIn(users []string) {
	for _, user := range users {
		digests := t.cfg.Registry.Remote(user)
		t.mu.Lock()
		p := t.personLocked(user)
		t.learnLocked(p, digests)
		p.hearEndings(digests, time.Now())
		p.remote = slices.DeleteFunc(digests, func(d Digest) bool { return !d.Connected })
		t.updateLocked(p)
		t.mu.Unlock()
	}
}

func (t *Tracker) endWarming() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.warm && !time.Now().Before(t.warmUntil) {
		t.warm = false
		close(t.warmed)
	}
}

// WarmAgain starts warming again, as after a start, because everyone was disconnected without leaving. While warming,
// it restarts the time.
func (t *Tracker) WarmAgain() {
	if t.cfg.Warming <= 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.warm {
		t.warm, t.warmed = true, make(chan struct{})
	}
	t.warmUntil = time.Now().Add(t.cfg.Warming)
	select {
	case t.rewarmed <- struct{}{}:
	default:
	}
}

// Warmed returns a channel that is closed when warming is over. Until then, people who look offline may still be coming
// back. WarmAgain creates a new channel.
func (t *Tracker) Warmed() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.warmed
}

// Drain freezes all views: connections that end from now on change nothing, because their people soon connect to
// another replica or the next process. It also tells the other replicas that this one leaves, and waits for that until
// ctx ends.
func (t *Tracker) Drain(ctx context.Context) error {
	t.mu.Lock()
	t.draining = true
	t.timer.Stop()
	for user, p := range t.people {
		if p.view.State != Offline && !p.input.IsZero() {
			t.stamps[user] = struct{}{} // they may not come back
		}
	}
	t.mu.Unlock()
	return t.cfg.Registry.Leave(ctx)
}

// Subscribe returns a Feed of users whose Self or View may have changed since the call. It begins with the users whom
// the Tracker knows already: other replicas may have named people before anybody subscribes.
func (t *Tracker) Subscribe() *Feed {
	f := NewFeed()
	t.mu.Lock()
	defer t.mu.Unlock()
	for user := range t.people {
		f.Mark(user)
	}
	t.feeds = append(t.feeds, f)
	return f
}

// Forget drops everything about a user whose account was deleted.
func (t *Tracker) Forget(user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	p := t.people[user]
	if p == nil {
		return
	}
	for _, c := range p.conns {
		c.closed = true
	}
	p.conns, p.facts, p.seen, p.input = nil, plainFacts, time.Time{}, time.Time{}
	delete(t.stamps, user)
	delete(t.taken, user)
	t.updateLocked(p)
}

// Known returns the users whose facts aren't plain.
func (t *Tracker) Known() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var known []string
	for user, p := range t.people {
		if p.facts != plainFacts {
			known = append(known, user)
		}
	}
	return known
}

// View returns what watchers may see of user.
func (t *Tracker) View(user string) View {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.people[user]; p != nil {
		return p.view
	}
	return nobody
}

// nobody is the View of a person with no connection and plain facts.
var nobody = View{Listed: true, State: Offline}

// Self returns what users see of themselves.
func (t *Tracker) Self(user string) Self {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p := t.people[user]; p != nil {
		return Self{View: p.view, Why: p.why, Devices: p.devices, Status: p.status, Claims: p.claims}
	}
	return Self{View: nobody, Why: Why{Rule: ByNoConnection}}
}

// Counts returns how many people are in each state.
func (t *Tracker) Counts() Counts {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.counts
}

// IdleAfter returns the default time without input after which people are away. A negative value means never.
func (t *Tracker) IdleAfter() time.Duration { return t.cfg.IdleAfter }

// Peers says whether this replica reaches the others.
func (t *Tracker) Peers() Peers { return t.cfg.Registry.Peers() }

// Stats returns the current numbers.
func (t *Tracker) Stats() Stats {
	t.mu.Lock()
	defer t.mu.Unlock()
	return Stats{Counts: t.counts, People: len(t.people), Changes: t.changes, Link: t.cfg.Registry.Stats()}
}

// TakeSeen returns the last input of people, for storage. It includes people who left since the last call, and people
// with new input if TakeSeen last returned them at least StampEvery ago. Views keep what it returned until SeenStored.
func (t *Tracker) TakeSeen() map[string]time.Time {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	taken := make(map[string]time.Time, len(t.stamps))
	for user := range t.stamps {
		p := t.people[user]
		if p == nil || p.input.IsZero() {
			continue
		}
		taken[user] = p.input.UTC().Round(0)
		p.stamped = now
		t.taken[user] = struct{}{}
	}
	clear(t.stamps)
	return taken
}

// SeenStored says that everyone who reads the accounts from now on finds what TakeSeen returned for these users.
func (t *Tracker) SeenStored(users map[string]time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	for user := range users {
		delete(t.taken, user)
		if p := t.people[user]; p != nil {
			t.dropLocked(p, now)
		}
	}
}

func (t *Tracker) personLocked(user string) *person {
	p := t.people[user]
	if p == nil {
		p = &person{user: user, facts: plainFacts, view: nobody, why: Why{Rule: ByNoConnection}, index: -1}
		t.people[user] = p
	}
	return p
}

// dropLocked removes a person from memory if nothing about them needs to be kept.
func (t *Tracker) dropLocked(p *person, now time.Time) {
	_, stamping := t.stamps[p.user]
	_, taken := t.taken[p.user]
	if len(p.conns) == 0 && len(p.remote) == 0 && p.endings == nil && !stamping && !taken && p.index < 0 &&
		p.facts.over(now) {
		delete(t.people, p.user)
	}
}
