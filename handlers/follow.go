package handlers

import (
	"context"
	"errors"
	"time"

	"github.com/olahol/melody"

	"rollcall/accounts"
	"rollcall/presence"
)

// follow is how far this process has read the changes of the accounts. They come from here, from other replicas and
// from the command line alike: each took the next rev in its commit. Guarded by board.following.
type follow struct {
	rev   int64
	begun bool
}

// catchUp applies every change that was committed before it was called.
func (b *board) catchUp(ctx context.Context) error {
	select {
	case b.following <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-b.following }()
	if !b.follow.begun {
		return b.begin(ctx)
	}
	changes, err := b.accounts.Changes(ctx, b.follow.rev)
	switch {
	case err != nil:
		return err
	case changes.Reset:
		return b.begin(ctx)
	case changes.Rev == b.follow.rev:
		return nil
	}
	if err := b.apply(ctx, changes); err != nil {
		return err
	}
	b.follow.rev = changes.Rev
	return nil
}

// followOrLog is catchUp for the loop, which has nobody to tell. A failure is logged once, until it has passed.
func (b *board) followOrLog(ctx context.Context) {
	err := b.catchUp(ctx)
	if failed := err != nil && !errors.Is(err, context.Canceled); failed != b.followFailed.Swap(failed) {
		if failed {
			b.log.Error("changes of accounts cannot be read; the board goes on with what it knows", "err", err)
		} else {
			b.log.Info("changes of accounts can be read again")
		}
	}
	b.mu.Lock()
	strangers := b.strangers
	b.strangers = nil
	if b.tally.stale {
		b.wantFlush()
	}
	b.mu.Unlock()
	b.meet(ctx, strangers)
}

// begin reads the facts of everybody who has any, at the start and after having been away for too long.
func (b *board) begin(ctx context.Context) error {
	facts, rev, err := b.accounts.Facts(ctx)
	if err != nil {
		return err
	}
	for _, f := range facts {
		b.presence.SetFacts(f.UserID, presenceFacts(f))
	}
	b.mu.Lock()
	b.tally.stale = true
	for _, p := range b.pages {
		b.staleLocked(p)
	}
	again := b.follow.begun
	if again { // which sessions ended meanwhile is not known: have them all come again
		for _, s := range b.open {
			s.kick(melody.CloseServiceRestart, "")
		}
	}
	b.mu.Unlock()
	b.follow.rev, b.follow.begun = rev, true
	return nil
}

// apply brings changes into presence and onto the pages.
func (b *board) apply(ctx context.Context, changes accounts.Changes) error {
	ids := make([]string, len(changes.Users))
	for i, f := range changes.Users {
		ids[i] = f.UserID
	}
	people, err := b.accounts.PeopleByID(ctx, ids)
	if err != nil {
		return err
	}
	for _, f := range changes.Users {
		b.presence.SetFacts(f.UserID, presenceFacts(f))
	}
	for _, id := range changes.Gone {
		b.presence.Forget(id)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	listed := make(map[string]bool, len(people))
	for _, p := range people {
		listed[p.ID] = true
		b.refreshLocked(p)
	}
	for _, id := range append(ids, changes.Gone...) {
		if listed[id] {
			continue
		}
		b.tally.stale = true
		b.wantFlush()
		if c := b.cards[id]; c != nil {
			b.removeLocked(c)
		}
	}
	for _, id := range changes.Sessions {
		b.endSessionLocked(id)
	}
	for _, id := range changes.Gone {
		for _, s := range b.byUser[id] {
			s.endLocked()
		}
	}
	return nil
}

// refreshLocked takes in what accounts say of p now: a person who may be new, moved, renamed, or have merely set a word.
func (b *board) refreshLocked(p accounts.Person) {
	c := b.cards[p.ID]
	if c != nil && accounts.ComparePeople(p, c.person) == 0 && p.Team == c.person.Team {
		b.replaceLocked(c, p)
		return
	}
	b.tally.stale = true
	if c != nil {
		for _, page := range c.pages {
			b.staleLocked(page)
		}
		b.replaceLocked(c, p)
	}
	for _, page := range b.pages {
		if page.affects(p) {
			b.staleLocked(page)
		}
	}
	b.wantFlush()
}

// refreshTally counts everybody anew when people came, went or moved between teams.
func (b *board) refreshTally(ctx context.Context) {
	b.mu.Lock()
	stale := b.tally.stale
	b.tally.stale = false
	b.mu.Unlock()
	if !stale {
		return
	}
	teams, err := b.accounts.Tally(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		b.tally.stale = true
		return
	}
	total, people := 0, make(map[string]int, len(teams))
	for _, t := range teams {
		total += t.People
		people[t.Key] = t.People
	}
	b.tally.total, b.tally.people = total, people
}

// presenceFacts is f in the words of presence.
func presenceFacts(f accounts.Facts) presence.Facts {
	return presence.Facts{
		Word: presence.Word{
			State: presence.State(f.Word.State), Text: f.Word.Text, Emoji: f.Word.Emoji, Until: f.Word.Until, SetAt: f.Word.SetAt,
		},
		Invisible: f.Word.Invisible, InvisibleSince: f.Word.InvisibleSince,
		Disabled: f.Disabled, IdleAfter: f.IdleAfter,
	}
}

const (
	seenEvery = 5 * time.Second  // between writes of last seen
	seenWait  = 10 * time.Second // for one write
)

// keepSeen stores when people were last seen, in batches. What cannot be stored is tried again, and newer stamps of
// the same person replace it; so there is never more than one a person.
func (b *board) keepSeen(ctx context.Context) {
	tick := time.NewTicker(seenEvery)
	defer tick.Stop()
	pending := map[string]time.Time{}
	for done := false; !done; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			done = true
		}
		for user, at := range b.presence.TakeSeen() {
			pending[user] = at
		}
		if len(pending) == 0 {
			continue
		}
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), seenWait)
		err := b.accounts.StampSeen(wait, pending)
		cancel()
		if err != nil {
			b.log.Warn("last seen cannot be stored; trying again", "err", err, "people", len(pending))
			continue
		}
		b.noteSeen(pending)
		clear(pending)
	}
}

// noteSeen brings stamps that are stored onto rows.
func (b *board) noteSeen(stamps map[string]time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for user, at := range stamps {
		if c := b.cards[user]; c != nil && at.After(c.person.LastSeen) {
			c.person.LastSeen = at
			if !c.present {
				b.redrawLocked(c)
			}
		}
	}
}
