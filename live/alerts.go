package live

import (
	"context"
	"slices"
	"time"

	"rollcall/accounts"
	"rollcall/presence"
)

// alerts holds who waits for whom, as a hint for when to ask the accounts. They decide: an alert that was withdrawn
// meanwhile isn't told. Guarded by Board.mu.
//
// Whether an alert has come true follows from the state that rows show, so an invisible person triggers nothing. It
// doesn't depend on what was before: whoever asks about a person who is here already is told at once.
type alerts struct {
	board *Board
	about map[string][]accounts.Alert // waiting ones, by the person they're about
	of    map[string][]accounts.Alert // the same ones, by who waits
	told  map[string][]accounts.Alert // by who waited, for pages that connect a moment later
	due   []accounts.Alert            // have come true
	purge time.Time                   // when the next one expires; zero if none does
}

func newAlerts(b *Board) alerts {
	return alerts{
		board: b,
		about: map[string][]accounts.Alert{}, of: map[string][]accounts.Alert{}, told: map[string][]accounts.Alert{},
	}
}

// comesTrue reports whether a person in a state is whom an alert waits for.
func comesTrue(kind string, state presence.State) bool {
	switch kind {
	case accounts.AlertHere:
		return state == presence.Online || state == presence.DND
	case accounts.AlertFree:
		return state == presence.Online
	}
	return false
}

func same(a accounts.Alert) func(accounts.Alert) bool {
	return func(o accounts.Alert) bool { return o.UserID == a.UserID && o.PersonID == a.PersonID }
}

func without(m map[string][]accounts.Alert, key string, drop func(accounts.Alert) bool) {
	if left := slices.DeleteFunc(m[key], drop); len(left) > 0 {
		m[key] = left
	} else {
		delete(m, key)
	}
}

func (s *alerts) drop(a accounts.Alert) {
	without(s.about, a.PersonID, same(a))
	without(s.of, a.UserID, same(a))
	without(s.told, a.UserID, same(a))
}

func (s *alerts) add(a accounts.Alert) {
	s.drop(a)
	if a.ToldAt.IsZero() {
		s.about[a.PersonID] = append(s.about[a.PersonID], a)
		s.of[a.UserID] = append(s.of[a.UserID], a)
	} else {
		s.told[a.UserID] = append(s.told[a.UserID], a)
	}
	if s.purge.IsZero() || a.ExpiresAt.Before(s.purge) {
		s.purge = a.ExpiresAt
	}
}

// moved takes in the current team of a person.
func (s *alerts) moved(p accounts.Person) {
	about := func(all []accounts.Alert) {
		for i := range all {
			if all[i].PersonID == p.ID {
				all[i].TeamKey = p.TeamKey()
			}
		}
	}
	for _, a := range s.about[p.ID] {
		about(s.of[a.UserID])
	}
	about(s.about[p.ID])
	for _, all := range s.told {
		about(all)
	}
}

// forget drops everything about users who were deleted.
func (s *alerts) forget(users []string) {
	for _, u := range users {
		for _, m := range []map[string][]accounts.Alert{s.about, s.of, s.told} {
			for _, a := range slices.Clone(m[u]) {
				s.drop(a)
			}
		}
		for user := range s.told {
			without(s.told, user, func(a accounts.Alert) bool { return a.PersonID == u })
		}
	}
}

// expire drops what has expired, and sets when the next one does.
func (s *alerts) expire(now time.Time) {
	s.purge = time.Time{}
	for _, m := range []map[string][]accounts.Alert{s.of, s.told} {
		for _, all := range m {
			for _, a := range slices.Clone(all) {
				switch {
				case !now.Before(a.ExpiresAt):
					s.drop(a)
				case s.purge.IsZero() || a.ExpiresAt.Before(s.purge):
					s.purge = a.ExpiresAt
				}
			}
		}
	}
}

// hear applies an update: pages are told what has come true, and new alerts are checked. After a reset, pages
// connect again and are told then.
func (s *alerts) hear(u Update) {
	if u.Reset {
		*s = newAlerts(s.board)
	}
	s.forget(u.Deleted)
	for _, p := range u.People {
		s.moved(p)
	}
	for _, a := range u.Alerts {
		s.add(a)
		switch {
		case a.ToldAt.IsZero():
			s.check(a)
		case !u.Reset:
			for _, w := range s.board.watching.byPerson[a.UserID] {
				w.tellAlert(a)
			}
		}
	}
	s.recheck(u.People)
}

// recheck checks the alerts of and about people who may see, or be seen by, other teams than before.
func (s *alerts) recheck(people []accounts.Person) {
	if s.board.visible.rule != accounts.VisibleTeams {
		return
	}
	for _, p := range people {
		s.checkAbout(p.ID)
		for _, a := range s.of[p.ID] {
			s.check(a)
		}
	}
}

// tellAlert sends w an alert that has come true, also while its page is hidden.
func (w *Watcher) tellAlert(a accounts.Alert) {
	if w.started && w.hearsOwn && w.teams.has(a.TeamKey) {
		w.send(&Change{Told: []accounts.Alert{a}})
	}
}

// checkAbout checks the alerts about a person, whose state may have changed.
func (s *alerts) checkAbout(person string) {
	for _, a := range s.about[person] {
		s.check(a)
	}
}

// greetAlerts tells a new watcher what its person was told a moment ago, because its page may have been reconnecting.
// Alerts wait while their person has no page open, so some may come true only now.
func (w *Watcher) greetAlerts() {
	b := w.board
	if !w.hearsOwn {
		return
	}
	now := time.Now()
	for _, a := range b.alerts.told[w.eyes.ID] {
		if now.Before(a.ExpiresAt) {
			w.tellAlert(a)
		}
	}
	for _, a := range b.alerts.of[w.eyes.ID] {
		b.alerts.check(a)
	}
}

// check has a told if it is due.
func (s *alerts) check(a accounts.Alert) {
	if s.isDue(a) && !slices.ContainsFunc(s.due, same(a)) {
		s.due = append(s.due, a)
		s.board.reader.want()
	}
}

// isDue reports whether a has come true, and its person has a page open here and may see whom it's about.
func (s *alerts) isDue(a accounts.Alert) bool {
	v := s.board.presence.View(a.PersonID)
	waits := func(w *Watcher) bool { return w.started && w.hearsOwn && w.teams.has(a.TeamKey) }
	return v.Listed && comesTrue(a.Kind, v.State) && time.Now().Before(a.ExpiresAt) &&
		slices.ContainsFunc(s.board.watching.byPerson[a.UserID], waits)
}

// tellAlerts stores which alerts have come true. The follower then learns of it, as those of other replicas do, and
// tells the pages. What couldn't be stored stays due.
func (r *reader) tellAlerts(ctx context.Context) error {
	b := r.board
	b.mu.Lock()
	b.alerts.due = slices.DeleteFunc(b.alerts.due, func(a accounts.Alert) bool { return !b.alerts.isDue(a) })
	due, purge := slices.Clone(b.alerts.due), b.alerts.purge
	b.mu.Unlock()
	ctx = accounts.As(ctx, accounts.System)
	for _, a := range due {
		if err := r.accounts.TellAlert(ctx, a.UserID, a.PersonID); err != nil {
			return err
		}
		b.mu.Lock()
		b.alerts.due = slices.DeleteFunc(b.alerts.due, same(a))
		without(b.alerts.about, a.PersonID, same(a))
		without(b.alerts.of, a.UserID, same(a))
		b.mu.Unlock()
	}
	if purge.IsZero() || time.Now().Before(purge) {
		return nil
	}
	if err := r.accounts.PurgeAlerts(ctx); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.alerts.expire(time.Now())
	return nil
}
