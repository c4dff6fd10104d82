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
	followEvery = 500 * time.Millisecond // between checks for commits of other processes
	ringWait    = 2 * time.Second        // for one call of Nudge
)

// Bell lets replicas tell each other to check the accounts at once. It only saves time: all replicas check twice per
// second anyway, so it doesn't matter if a call is lost or repeated.
type Bell interface {
	Nudge(ctx context.Context, rev int64) error // accounts have changed, up to rev
	Nudged() <-chan struct{}                    // readable after another replica called Nudge; capacity 1
}

// Update is what one check of the accounts found. It's immutable.
type Update struct {
	People    []accounts.Person    // listed people who are new or changed
	Unlisted  []string             // IDs of people who are no longer listed: disabled or deleted
	Deleted   []string             // the IDs in Unlisted whose account was deleted
	Sessions  []string             // IDs of sessions that ended
	Tokens    []string             // IDs of tokens that were revoked
	Shares    []string             // IDs of shares that ended or changed
	Alerts    []accounts.Alert     // that were set or told; all of them if Reset
	Settings  *accounts.Settings   // of the board if they may have changed, else nil
	TeamPairs *[]accounts.TeamPair // all of them if they may have changed, else nil
	Hooks     bool                 // webhooks may have changed
	Lists     bool                 // lists for administrators may have changed; see accounts.Changes
	Reset     bool                 // set at the start, or after too many changes to list: any session or token may have ended
}

// follower reads the changes of the accounts, passes facts to presence, and notifies all subscribers. Changes of this
// process, other replicas and the command line are treated the same: each has its own revision.
type follower struct {
	accounts *accounts.Store
	presence *presence.Tracker
	log      *slog.Logger
	bell     Bell            // nil if there are no other replicas
	watched  func() []string // returns the people to read again after a reset
	onRead   func()          // called before each read
	reads    *coalesced
	caughtUp atomic.Uint64               // counts successful reads
	rev      atomic.Int64                // the revision up to which everything is applied
	read     func(context.Context) error // is readChanges; tests replace it
	begun    bool                        // used only by the running read, like ahead and history
	ahead    int64                       // is added to revisions for presence; see wentBack
	history  string                      // of rev; see accounts.Changes
	ring     chan struct{}

	mu          sync.Mutex
	subscribers []func(Update) // guarded by mu
}

func newFollower(cfg Config, watched func() []string, looking func()) *follower {
	f := &follower{
		accounts: cfg.Accounts, presence: cfg.Presence, log: cfg.Log, bell: cfg.Bell,
		watched: watched, onRead: looking, reads: newCoalesced(), ring: make(chan struct{}, 1),
	}
	f.read = f.readChanges
	return f
}

// subscribe registers hear, which is then called with every update, one at a time. Subscribers are called in the order
// of subscription. hear may take locks, but must not block otherwise.
func (f *follower) subscribe(hear func(Update)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.subscribers = append(f.subscribers, hear)
}

func (f *follower) tell(u Update) {
	f.mu.Lock()
	subscribers := f.subscribers // appending doesn't change the elements of this slice
	f.mu.Unlock()
	for _, hear := range subscribers {
		hear(u)
	}
}

// catchUp applies every change that was committed before the call.
func (f *follower) catchUp(ctx context.Context) error {
	err := f.reads.do(ctx, f.read)
	if err == nil {
		f.caughtUp.Add(1)
	}
	return err
}

func (f *follower) readChanges(ctx context.Context) error {
	f.onRead()
	if !f.begun {
		return f.begin(ctx)
	}
	rev := f.rev.Load()
	changes, err := f.accounts.Changes(ctx, rev)
	switch {
	case err != nil:
		return err
	case changes.Reset || changes.History != f.history:
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

// begin reads all facts. It's for the start, and for when the accounts no longer have all changes since the last read.
func (f *follower) begin(ctx context.Context) error {
	_, history, err := f.accounts.Rev(ctx) // before all else, so that what is read can only be newer
	if err != nil {
		return err
	}
	facts, rev, err := f.accounts.Facts(ctx)
	if err != nil {
		return err
	}
	ids := f.watched()
	people, err := f.accounts.PeopleByID(ctx, ids)
	if err != nil {
		return err
	}
	alerts, err := f.accounts.Alerts(ctx)
	if err != nil {
		return err
	}
	settings, err := f.accounts.Settings(ctx)
	if err != nil {
		return err
	}
	pairs, err := f.accounts.TeamPairs(ctx)
	if err != nil {
		return err
	}
	if f.begun && (rev < f.rev.Load() || history != f.history) {
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
	u := Update{People: people, Unlisted: missing(ids, people), Alerts: alerts, Settings: &settings, TeamPairs: &pairs,
		Hooks: true, Lists: true, Reset: true}
	for _, id := range u.Unlisted {
		if !known[id] { // disabled people have facts, so this account was deleted
			u.Deleted = append(u.Deleted, id)
			f.presence.Forget(id)
		}
	}
	f.tell(u)
	f.rev.Store(rev)
	f.begun, f.history = true, history
	return nil
}

// wentBack is called when the accounts were replaced with an older or another copy, whose revision is rev. Presence
// uses the facts with the highest revision, so the revisions for presence continue from the highest one that it knows.
func (f *follower) wentBack(rev int64) { f.ahead = f.presence.NewestFacts() + 1 - rev }

// apply passes changes to presence and to the subscribers.
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
		Deleted: changes.Gone, Sessions: changes.Sessions, Tokens: changes.Tokens, Shares: changes.Shares,
		Alerts: changes.Alerts, Settings: changes.Settings,
		TeamPairs: changes.TeamPairs, Hooks: changes.Hooks, Lists: changes.Lists,
	})
	return nil
}

// missing returns the ids that don't belong to any of people.
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

// keepRinging notifies the other replicas when this process has changed accounts. A replica that misses it notices the
// change by itself half a second later.
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
			f.log.Debug("the other replicas could not be notified", "err", err)
		}
		cancel()
	}
}

// nudged returns a channel that is readable after another replica called Nudge, or nil without a bell.
func (f *follower) nudged() <-chan struct{} {
	if f.bell == nil {
		return nil
	}
	return f.bell.Nudged()
}

// presenceFacts converts f, which was read at revision rev, to the types of presence.
func presenceFacts(f accounts.Facts, rev int64) presence.Facts {
	var claims []presence.Claim
	for _, c := range f.Claims {
		claims = append(claims, presence.Claim{
			Key: c.Key, State: presence.State(c.State), Text: c.Text, Emoji: c.Emoji,
			Until: c.Until, Ends: c.Ends, SetAt: c.SetAt,
		})
	}
	return presence.Facts{
		Status: presence.Status{
			State: presence.State(f.Status.State), Text: f.Status.Text, Emoji: f.Status.Emoji,
			Until: f.Status.Until, SetAt: f.Status.SetAt,
		},
		Claims:    claims,
		Invisible: f.Invisible, InvisibleSince: f.InvisibleSince,
		Disabled: f.Disabled, IdleAfter: f.IdleAfter, AsOf: rev,
	}
}
