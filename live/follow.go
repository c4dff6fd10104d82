package live

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

const (
	followEvery = 500 * time.Millisecond // between looks for commits of other processes
	ringWait    = 2 * time.Second        // for one ring
)

// Bell is how replicas tell each other to look at the accounts at once. It only saves time: all look twice a second
// anyway, so a ring that is lost or repeated does no harm.
type Bell interface {
	Nudge(ctx context.Context, rev int64) error // accounts have changed, up to rev
	Nudged() <-chan struct{}                    // readable after another replica rang; capacity 1
}

// Update is what one look at the accounts found. It never changes.
type Update struct {
	People   []accounts.Person // listed people who are new or changed
	Unlisted []string          // ids of people who are listed no more: disabled or deleted
	Deleted  []string          // those of Unlisted whose account is gone
	Sessions []string          // ids of sessions that ended
	Reset    bool              // the start, or too much happened to tell: any session may have ended
}

// follower reads the changes of the accounts, feeds facts into presence, and tells all subscribers. Changes come from
// this process, from other replicas and from the command line alike: each took the next rev in its commit.
type follower struct {
	accounts *accounts.Store
	presence *presence.Tracker
	log      *slog.Logger
	bell     Bell            // nil: there are no other replicas
	watched  func() []string // people to read again after a reset
	looking  func()          // before each look
	looks    *shared
	caughtUp atomic.Uint64               // counts looks that succeeded
	rev      atomic.Int64                // up to which everything is applied
	read     func(context.Context) error // look; tests replace it
	begun    bool                        // used by the running look alone, like ahead
	ahead    int64                       // what is added to revisions for presence; see wentBack
	ring     chan struct{}

	mu          sync.Mutex
	subscribers []func(Update) // guarded by mu
}

func newFollower(cfg Config, watched func() []string, looking func()) *follower {
	f := &follower{
		accounts: cfg.Accounts, presence: cfg.Presence, log: cfg.Log, bell: cfg.Bell,
		watched: watched, looking: looking, looks: newShared(), ring: make(chan struct{}, 1),
	}
	f.read = f.look
	return f
}

// subscribe has hear called with every update from now on, one after another and in the order of subscription. It may
// take locks, but must not wait for anything else.
func (f *follower) subscribe(hear func(Update)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subscribers = append(f.subscribers, hear)
}

func (f *follower) tell(u Update) {
	f.mu.Lock()
	subscribers := f.subscribers // append never changes what is here
	f.mu.Unlock()
	for _, hear := range subscribers {
		hear(u)
	}
}

// catchUp applies every change that was committed before the call.
func (f *follower) catchUp(ctx context.Context) error {
	err := f.looks.do(ctx, f.read)
	if err == nil {
		f.caughtUp.Add(1)
	}
	return err
}

func (f *follower) look(ctx context.Context) error {
	f.looking()
	if !f.begun {
		return f.begin(ctx)
	}
	rev := f.rev.Load()
	changes, err := f.accounts.Changes(ctx, rev)
	switch {
	case err != nil:
		return err
	case changes.Reset:
		return f.begin(ctx)
	case changes.Rev == rev:
		return nil
	}
	if err := f.apply(ctx, changes); err != nil {
		return err
	}
	f.rev.Store(changes.Rev)
	return nil
}

// begin reads the facts of everybody who has any. That is for the start, and for after a time of which nobody can tell
// what happened.
func (f *follower) begin(ctx context.Context) error {
	facts, rev, err := f.accounts.Facts(ctx)
	if err != nil {
		return err
	}
	ids := f.watched()
	people, err := f.accounts.PeopleByID(ctx, ids)
	if err != nil {
		return err
	}
	if f.begun && rev < f.rev.Load() {
		f.wentBack(rev)
	}
	known := make(map[string]bool, len(facts))
	for _, x := range facts {
		known[x.UserID] = true
		f.presence.SetFacts(x.UserID, presenceFacts(x, rev+f.ahead))
	}
	for _, user := range f.presence.Known() {
		if !known[user] {
			f.presence.SetFacts(user, presence.Facts{AsOf: rev + f.ahead})
		}
	}
	f.presence.FactsAsOf(rev + f.ahead)
	u := Update{People: people, Unlisted: missing(ids, people), Reset: true}
	for _, id := range u.Unlisted {
		if !known[id] { // disabled people have facts; these are gone
			u.Deleted = append(u.Deleted, id)
			f.presence.Forget(id)
		}
	}
	f.tell(u)
	f.rev.Store(rev)
	f.begun = true
	return nil
}

// wentBack is for when an older copy of the accounts, of revision rev, was put back. Presence takes the facts of the highest
// revision for the newest, so revisions go on from the highest that it knows.
func (f *follower) wentBack(rev int64) { f.ahead = f.presence.NewestFacts() + 1 - rev }

// apply brings changes into presence and to the subscribers.
func (f *follower) apply(ctx context.Context, changes accounts.Changes) error {
	ids := make([]string, len(changes.Users))
	for i, x := range changes.Users {
		ids[i] = x.UserID
	}
	people, err := f.accounts.PeopleByID(ctx, ids)
	if err != nil {
		return err
	}
	for _, x := range changes.Users {
		f.presence.SetFacts(x.UserID, presenceFacts(x, changes.Rev+f.ahead))
	}
	f.presence.FactsAsOf(changes.Rev + f.ahead)
	for _, id := range changes.Gone {
		f.presence.Forget(id)
	}
	f.tell(Update{
		People: people, Unlisted: missing(append(ids, changes.Gone...), people),
		Deleted: changes.Gone, Sessions: changes.Sessions,
	})
	return nil
}

// missing are the ids that are of none of people.
func missing(ids []string, people []accounts.Person) (unlisted []string) {
	listed := make(map[string]bool, len(people))
	for _, p := range people {
		listed[p.ID] = true
	}
	for _, id := range ids {
		if !listed[id] {
			unlisted = append(unlisted, id)
		}
	}
	return unlisted
}

// keepRinging tells the other replicas when this process has changed accounts. A replica that misses it finds out by
// itself half a second later.
func (f *follower) keepRinging(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-f.ring:
		}
		if f.bell == nil {
			continue
		}
		wait, cancel := context.WithTimeout(ctx, ringWait)
		if err := f.bell.Nudge(wait, f.rev.Load()); err != nil && !errors.Is(err, context.Canceled) {
			f.log.Debug("the other replicas could not be nudged", "err", err)
		}
		cancel()
	}
}

// nudged is readable after another replica rang; nil without a bell.
func (f *follower) nudged() <-chan struct{} {
	if f.bell == nil {
		return nil
	}
	return f.bell.Nudged()
}

// presenceFacts is f, read at revision rev, in the terms of presence.
func presenceFacts(f accounts.Facts, rev int64) presence.Facts {
	return presence.Facts{
		Status: presence.Status{
			State: presence.State(f.Status.State), Text: f.Status.Text, Emoji: f.Status.Emoji,
			Until: f.Status.Until, SetAt: f.Status.SetAt,
		},
		Invisible: f.Invisible, InvisibleSince: f.InvisibleSince,
		Disabled: f.Disabled, IdleAfter: f.IdleAfter, AsOf: rev,
	}
}
