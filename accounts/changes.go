package accounts

import (
	"context"
	"fmt"
	"time"
)

const (
	tombstoneAge = 24 * time.Hour // how long tombstones of deleted users and ended sessions stay

	deletedUser  = "user"
	endedSession = "session"

	// maxChanges is how many users, or ended sessions, one Changes lists, and for how many revs the latter are remembered;
	// above it, reading everything anew is cheaper for everybody.
	maxChanges = 10_000
)

const (
	factColumns = `id, disabled, idle_after, status_state, status_text, status_emoji, status_until, status_set_at, invisible, invisible_since`

	sqlFacts          = `SELECT ` + factColumns + ` FROM users WHERE status_set_at <> 0 OR invisible OR disabled OR idle_after <> 0`
	sqlChanged        = `SELECT ` + factColumns + ` FROM users WHERE rev > $1 ORDER BY rev LIMIT $2`
	sqlTombstones     = `SELECT kind, id FROM tombstones WHERE rev > $1 ORDER BY rev LIMIT $2`
	sqlAddTombstone   = `INSERT INTO tombstones (rev, kind, id, deleted_at) VALUES ($1, $2, $3, $4)`
	sqlOldTombstone   = `SELECT COALESCE(max(rev), 0) FROM tombstones WHERE deleted_at < $1`
	sqlFarTombstone   = `SELECT COALESCE(max(rev), 0) FROM tombstones WHERE rev <= $1`
	sqlDropTombstones = `DELETE FROM tombstones WHERE rev <= $1`
	sqlSetPruned      = `UPDATE meta SET value = $1 WHERE name = 'pruned_rev' AND value < $1`
	sqlRevAndLimit    = `SELECT r.value, p.value FROM meta r, meta p WHERE r.name = 'rev' AND p.name = 'pruned_rev'`
)

// Facts are what bears on a person's status.
type Facts struct {
	UserID         string
	Status         Status
	Invisible      bool
	InvisibleSince time.Time
	IdleAfter      time.Duration
	Disabled       bool
}

// Changes are what happened after a rev.
type Changes struct {
	Rev      int64    // up to and with this one
	Users    []Facts  // of those who are new or changed in any way that others notice
	Gone     []string // ids of deleted users
	Sessions []string // ids of ended sessions; those that expired are not among them
	Reset    bool     // too much, or too long ago: the lists are empty, read everything anew
}

type factsRow struct {
	facts                          Facts
	idleAfter, until, setAt, since int64
}

func (r *factsRow) dest() []any {
	f := &r.facts
	return []any{&f.UserID, &f.Disabled, &r.idleAfter, &f.Status.State, &f.Status.Text, &f.Status.Emoji, &r.until, &r.setAt,
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

// Facts returns the facts of everyone who has other than the default ones (no status, or one that has not been taken
// back; visible; enabled; the default idle-after), and the rev at which they were so.
func (s *Store) Facts(ctx context.Context) (facts []Facts, rev int64, err error) {
	err = s.snapshot(ctx, func(ctx context.Context, t *transaction) error {
		if err := t.queryRow(ctx, sqlRev, nil, &rev); err != nil {
			return err
		}
		facts, err = t.facts(ctx, sqlFacts)
		return err
	})
	return facts, rev, wrap("read facts", err)
}

// Changes returns what happened after the rev since. With nothing new it is one read of one row, so it can be asked
// every second.
func (s *Store) Changes(ctx context.Context, since int64) (Changes, error) {
	var c Changes
	if err := s.r.queryRow(ctx, sqlRev, nil, &c.Rev); err != nil {
		return c, fmt.Errorf("read rev: %w", err)
	}
	if c.Rev == since {
		return c, nil
	}
	err := s.snapshot(ctx, func(ctx context.Context, t *transaction) error {
		var pruned int64
		c = Changes{}
		if err := t.queryRow(ctx, sqlRevAndLimit, nil, &c.Rev, &pruned); err != nil {
			return err
		}
		if since < pruned || since > c.Rev { // the latter: an older copy of the database was put back
			c.Reset = true
			return nil
		}
		return t.changes(ctx, since, &c)
	})
	if c.Reset {
		c = Changes{Rev: c.Rev, Reset: true}
	}
	return c, wrap("read changes", err)
}

func (t *transaction) changes(ctx context.Context, since int64, c *Changes) error {
	var err error
	if c.Users, err = t.facts(ctx, sqlChanged, since, maxChanges+1); err != nil {
		return err
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
		}
	}
	c.Reset = len(c.Users) > maxChanges || len(tombstones) > maxChanges
	return err
}

// remember adds tombstones for ids, and drops those that are more than a day or maxChanges revs old.
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

// lastToPrune returns the highest rev whose tombstones are too old or too far back to keep at rev; 0: there is none.
func (t *transaction) lastToPrune(ctx context.Context, rev int64) (int64, error) {
	var old, far int64
	if err := t.queryRow(ctx, sqlOldTombstone, []any{t.now - tombstoneAge.Milliseconds()}, &old); err != nil {
		return 0, err
	}
	err := t.queryRow(ctx, sqlFarTombstone, []any{rev - maxChanges}, &far)
	return max(old, far), err
}
