package handlers

import (
	"context"
	"maps"
	"slices"

	"github.com/olahol/melody"

	"rollcall/accounts"
	"rollcall/presence"
)

// follow is how far this process has read the changes of the accounts. They come from here, from other replicas and
// from the command line alike: each took the next rev in its commit. Guarded by board.mu; only catchUp changes it.
type follow struct {
	rev   int64
	begun bool
}

// catchUp applies every change that was committed before it was called.
func (b *board) catchUp(ctx context.Context) error {
	err := b.catching.do(ctx, b.readChanges)
	if err == nil {
		b.confirmed()
	}
	return err
}

func (b *board) readChanges(ctx context.Context) error {
	b.mu.Lock()
	b.looks++
	follow := b.follow
	b.mu.Unlock()
	if !follow.begun {
		return b.begin(ctx)
	}
	changes, err := b.accounts.Changes(ctx, follow.rev)
	switch {
	case err != nil:
		return err
	case changes.Reset:
		return b.begin(ctx)
	case changes.Rev == follow.rev:
		return nil
	}
	return b.apply(ctx, changes)
}

// begin reads the facts of everybody who has any, at the start and after having been away for too long, when there is
// no telling what happened meanwhile.
func (b *board) begin(ctx context.Context) error {
	facts, rev, err := b.accounts.Facts(ctx)
	if err != nil {
		return err
	}
	b.mu.Lock()
	ids := slices.Collect(maps.Keys(b.cards))
	b.mu.Unlock()
	people, err := b.accounts.PeopleByID(ctx, ids)
	if err != nil {
		return err
	}
	told := make(map[string]bool, len(facts))
	for _, f := range facts {
		told[f.UserID] = true
		b.presence.SetFacts(f.UserID, presenceFacts(f, rev))
	}
	for _, user := range b.presence.Known() {
		if !told[user] {
			b.presence.SetFacts(user, presence.Facts{AsOf: rev})
		}
	}
	b.presence.FactsAsOf(rev)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refreshAllLocked(people, ids)
	for _, id := range ids {
		if b.cards[id] == nil && !told[id] { // disabled people have facts; these are gone
			b.presence.Forget(id)
		}
	}
	b.countLocked()
	for _, p := range b.pages {
		b.staleLocked(p)
	}
	if b.follow.begun { // which sessions ended meanwhile is not known: have them all come again
		for _, s := range b.open {
			s.kick(melody.CloseServiceRestart, "")
		}
	}
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
		b.presence.SetFacts(f.UserID, presenceFacts(f, changes.Rev))
	}
	b.presence.FactsAsOf(changes.Rev)
	for _, id := range changes.Gone {
		b.presence.Forget(id)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.follow.rev = changes.Rev
	b.refreshAllLocked(people, append(ids, changes.Gone...))
	for _, id := range changes.Gone {
		for _, s := range b.byUser[id] {
			s.endLocked(endedDeleted)
		}
	}
	for _, id := range changes.Sessions {
		b.endSessionLocked(id)
	}
	return nil
}

// refreshAllLocked takes in what accounts say now of users, of whom people are those who are listed.
func (b *board) refreshAllLocked(people []accounts.Person, users []string) {
	b.applied++
	listed := make(map[string]bool, len(people))
	for _, p := range people {
		listed[p.ID] = true
		b.refreshLocked(p)
	}
	for _, id := range users {
		if listed[id] {
			continue
		}
		b.countLocked()
		if c := b.cards[id]; c != nil {
			b.removeLocked(c)
		}
	}
}

// refreshLocked takes in what accounts say now of p: a person who may be new, moved, renamed, or have merely set a word.
func (b *board) refreshLocked(p accounts.Person) {
	defer b.sightLocked(p)
	c := b.cards[p.ID]
	if c != nil && accounts.ComparePeople(p, c.person) == 0 && p.Team == c.person.Team && !b.aheadLocked(c) {
		b.replaceLocked(c, p)
		return
	}
	b.countLocked()
	if c != nil {
		for _, page := range c.pages {
			b.staleLocked(page)
		}
		b.replaceLocked(c, p)
	}
	who := &candidate{Person: p}
	for _, page := range b.pages {
		if page.affects(who) {
			b.staleLocked(page)
		}
	}
}

// presenceFacts is f, read at revision rev, in the words of presence.
func presenceFacts(f accounts.Facts, rev int64) presence.Facts {
	return presence.Facts{
		Word: presence.Word{
			State: presence.State(f.Word.State), Text: f.Word.Text, Emoji: f.Word.Emoji, Until: f.Word.Until, SetAt: f.Word.SetAt,
		},
		Invisible: f.Invisible, InvisibleSince: f.InvisibleSince,
		Disabled: f.Disabled, IdleAfter: f.IdleAfter, AsOf: rev,
	}
}
