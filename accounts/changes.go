package accounts

import (
	"context"
	"time"
)

const (
	// tombstoneAge is how long tombstones of deleted users, ended sessions, revoked tokens, and ended shares stay.
	tombstoneAge = 24 * time.Hour

	deletedUser  = "user"
	endedSession = "session"
	endedToken   = "token"

	// maxChanges is the maximum number of users, tombstones or alerts in one Changes, and the number of revs for which
	// tombstones are kept. Beyond it, reading everything again is cheaper.
	maxChanges = 10_000
)

const (
	factColumns = `id, disabled, idle_after, status_state, status_text, status_emoji, status_until, status_set_at, invisible, invisible_since`

	sqlFacts = `SELECT ` + factColumns +
		` FROM users WHERE status_set_at <> 0 OR invisible OR disabled OR idle_after <> 0`
	sqlChanged        = `SELECT ` + factColumns + ` FROM users WHERE rev > $1 ORDER BY rev LIMIT $2`
	sqlTombstones     = `SELECT kind, id FROM tombstones WHERE rev > $1 ORDER BY rev LIMIT $2`
	sqlAddTombstone   = `INSERT INTO tombstones (rev, kind, id, deleted_at) VALUES ($1, $2, $3, $4)`
	sqlOldTombstone   = `SELECT COALESCE(max(rev), 0) FROM tombstones WHERE deleted_at < $1`
	sqlFarTombstone   = `SELECT COALESCE(max(rev), 0) FROM tombstones WHERE rev <= $1`
	sqlDropTombstones = `DELETE FROM tombstones WHERE rev <= $1`
	sqlSetPruned      = `UPDATE meta SET value = $1 WHERE name = 'pruned_rev' AND value < $1`
	sqlSetListsRev    = `INSERT INTO meta (name, value) VALUES ('lists_rev', $1)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`
	sqlListsRev = `SELECT COALESCE(max(CASE name WHEN 'lists_rev' THEN value END), 0),
		COALESCE(max(CASE name WHEN 'team_pairs_rev' THEN value END), 0),
		COALESCE(max(CASE name WHEN 'hooks_rev' THEN value END), 0)
		FROM meta WHERE name IN ('lists_rev', 'team_pairs_rev', 'hooks_rev')`
	sqlRevAlone    = `SELECT value, '' FROM meta WHERE name = 'rev'`
	sqlRevAndLimit = `SELECT r.value, p.value FROM meta r, meta p WHERE r.name = 'rev' AND p.name = 'pruned_rev'`
)

// Facts holds what affects a person's status.
type Facts struct {
	UserID         string
	Status         Status
	Claims         []Claim // that haven't ended, by key
	Invisible      bool
	InvisibleSince time.Time
	IdleAfter      time.Duration
	Disabled       bool
}

// Changes holds what happened after a rev.
type Changes struct {
	Rev       int64       // the last rev that is included
	Users     []Facts     // of new users and of those with a change that others notice
	Gone      []string    // ids of deleted users
	Sessions  []string    // ids of ended sessions, without expired ones
	Tokens    []string    // ids of revoked tokens, without expired ones
	Shares    []string    // ids of shares that ended, or whose team has another name
	Alerts    []Alert     // that were set or told
	Settings  *Settings   // all of them as they are now; nil: none has changed
	TeamPairs *[]TeamPair // all of them as they are now; nil: none has changed
	Hooks     bool        // webhooks may have changed
	Lists     bool        // lists for administrators may have changed; statuses and sign-ins don't change them
	Reset     bool        // too many changes, or since is too old: the lists are empty, read everything again

	// History changes when another server takes over that may lack what was committed last, so that revs may have been
	// given to other changes. If it isn't the History of since, read everything again.
	History string
}

type factsRow struct {
	facts                          Facts
	idleAfter, until, setAt, since int64
}

func (r *factsRow) dest() []any {
	f := &r.facts
	return []any{&f.UserID, &f.Disabled, &r.idleAfter, &f.Status.State, &f.Status.Text, &f.Status.Emoji, &r.until,
		&r.setAt,
		&f.Invisible, &r.since}
}

func (r *factsRow) finish() Facts {
	f := r.facts
	f.IdleAfter = time.Duration(r.idleAfter) * time.Millisecond
	f.Status.Until, f.Status.SetAt, f.InvisibleSince = at(r.until), at(r.setAt), at(r.since)
	return f
}

func (t *transaction) facts(ctx context.Context, text string, args ...any) ([]Facts, error) {
	rows, err := t.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	found, err := collect(rows, (*factsRow).dest)
	if err != nil {
		return nil, err
	}
	facts := make([]Facts, len(found))
	for i := range found {
		facts[i] = found[i].finish()
	}
	return facts, nil
}

// Facts returns the facts of everyone who differs from the default (no status, no claims, visible, enabled, default
// idle-after), and the rev at which they were read.
func (s *Store) Facts(ctx context.Context) (facts []Facts, rev int64, err error) {
	err = s.snapshot(ctx, func(ctx context.Context, t *transaction) error {
		if err := t.queryRow(ctx, sqlRev, nil, &rev); err != nil {
			return err
		}
		if facts, err = t.facts(ctx, sqlFacts); err != nil {
			return err
		}
		facts, err = addClaims(ctx, t, facts, sqlLiveClaims, t.now)
		return err
	})
	return facts, rev, wrap("read facts", err)
}

// Changes returns what happened after the rev since. Without changes it reads one row, so it can be called every
// second.
func (s *Store) Changes(ctx context.Context, since int64) (Changes, error) {
	rev, history, err := s.Rev(ctx)
	if err != nil || rev == since {
		return Changes{Rev: rev, History: history}, err
	}
	var c Changes
	err = s.snapshot(ctx, func(ctx context.Context, t *transaction) error {
		var pruned int64
		c = Changes{History: history}
		if err := t.queryRow(ctx, sqlRevAndLimit, nil, &c.Rev, &pruned); err != nil {
			return err
		}
		if since < pruned || since > c.Rev { // the latter: the database was restored from an older copy
			c.Reset = true
			return nil
		}
		return t.changes(ctx, since, &c)
	})
	if c.Reset {
		c = Changes{Rev: c.Rev, History: history, Reset: true}
	}
	return c, wrap("read changes", err)
}

// Rev returns the last rev, and its history: see Changes.
func (s *Store) Rev(ctx context.Context) (rev int64, history string, err error) {
	err = s.r.queryRow(ctx, s.r.rev, nil, &rev, &history)
	return rev, history, wrap("read rev", err)
}

func (t *transaction) changes(ctx context.Context, since int64, c *Changes) error {
	var err error
	if c.Users, err = t.facts(ctx, sqlChanged, since, maxChanges+1); err != nil {
		return err
	}
	if len(c.Users) > maxChanges {
		c.Reset = true
		return nil
	}
	if c.Users, err = addClaims(ctx, t, c.Users, sqlChangedClaims, since); err != nil {
		return err
	}
	if c.Settings, err = newSettings(ctx, t, since); err != nil {
		return err
	}
	var lists, pairs, hooks int64
	if err := t.queryRow(ctx, sqlListsRev, nil, &lists, &pairs, &hooks); err != nil {
		return err
	}
	c.Lists, c.Hooks = lists > since, hooks > since
	if pairs > since {
		all, err := readTeamPairs(ctx, t)
		if err != nil {
			return err
		}
		c.TeamPairs = &all
	}
	rows, err := t.query(ctx, sqlTombstones, since, maxChanges+1)
	if err != nil {
		return err
	}
	type tombstone struct{ kind, id string }
	tombstones, err := collect(rows, func(g *tombstone) []any { return []any{&g.kind, &g.id} })
	for _, g := range tombstones {
		switch g.kind {
		case deletedUser:
			c.Gone = append(c.Gone, g.id)
		case endedSession:
			c.Sessions = append(c.Sessions, g.id)
		case endedToken:
			c.Tokens = append(c.Tokens, g.id)
		case endedShare:
			c.Shares = append(c.Shares, g.id)
		}
	}
	if err != nil {
		return err
	}
	c.Alerts, err = readAlerts(ctx, t, sqlChangedAlerts, since, maxChanges+1)
	c.Reset = len(tombstones) > maxChanges || len(c.Alerts) > maxChanges
	return err
}

// changesLists records that lists for administrators have changed: who has an account, with which name, team and role,
// and what was done.
func (t *transaction) changesLists(ctx context.Context) error {
	rev, err := t.nextRev(ctx)
	if err != nil || t.lists {
		return err
	}
	_, err = t.exec(ctx, sqlSetListsRev, rev)
	t.lists = err == nil
	return err
}

// changesTeamPairs records that pairs of teams have changed, for Changes.
func (t *transaction) changesTeamPairs(ctx context.Context) error {
	rev, err := t.nextRev(ctx)
	if err == nil {
		_, err = t.exec(ctx, sqlSetPairsRev, rev)
	}
	return err
}

// remember adds tombstones for ids, and deletes those that are more than a day or maxChanges revs old.
func (t *transaction) remember(ctx context.Context, kind string, ids ...string) error {
	rev, err := t.nextRev(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := t.exec(ctx, sqlAddTombstone, rev, kind, id, t.now); err != nil {
			return err
		}
	}
	last, err := t.lastToPrune(ctx, rev)
	if err != nil || last == 0 {
		return err
	}
	if _, err := t.exec(ctx, sqlSetPruned, last); err != nil {
		return err
	}
	_, err = t.exec(ctx, sqlDropTombstones, last)
	return err
}

// lastToPrune returns the highest rev whose tombstones are too old to keep, or 0.
func (t *transaction) lastToPrune(ctx context.Context, rev int64) (int64, error) {
	var old, far int64
	if err := t.queryRow(ctx, sqlOldTombstone, []any{t.now - tombstoneAge.Milliseconds()}, &old); err != nil {
		return 0, err
	}
	err := t.queryRow(ctx, sqlFarTombstone, []any{rev - maxChanges}, &far)
	return max(old, far), err
}
