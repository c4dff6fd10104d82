package accounts

import (
	"context"
	"fmt"
	"time"
)

const (
	goneFor = 24 * time.Hour // how long a deletion or the end of a session can be learnt of

	goneUser    = "user"
	goneSession = "session"

	// maxChanges is how many users, or ended sessions, one Changes lists, and for how many revs the latter are remembered;
	// above it, reading everything anew is cheaper for everybody.
	maxChanges = 10_000
)

const (
	factColumns = `id, disabled, idle_after, status_state, status_text, status_emoji, status_until, status_set_at, invisible, invisible_since`

	sqlFacts       = `SELECT ` + factColumns + ` FROM users WHERE status_set_at <> 0 OR invisible OR disabled OR idle_after <> 0`
	sqlChanged     = `SELECT ` + factColumns + ` FROM users WHERE rev > $1 ORDER BY rev LIMIT $2`
	sqlGone        = `SELECT kind, id FROM gone WHERE rev > $1 ORDER BY rev LIMIT $2`
	sqlAddGone     = `INSERT INTO gone (rev, kind, id, at) VALUES ($1, $2, $3, $4)`
	sqlOldGone     = `SELECT COALESCE(max(rev), 0) FROM gone WHERE at < $1`
	sqlFarGone     = `SELECT COALESCE(max(rev), 0) FROM gone WHERE rev <= $1`
	sqlDropGone    = `DELETE FROM gone WHERE rev <= $1`
	sqlSetForgot   = `UPDATE meta SET value = $1 WHERE name = 'forgotten' AND value < $1`
	sqlRevAndLimit = `SELECT r.value, f.value FROM meta r, meta f WHERE r.name = 'rev' AND f.name = 'forgotten'`
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
		var forgotten int64
		c = Changes{}
		if err := t.queryRow(ctx, sqlRevAndLimit, nil, &c.Rev, &forgotten); err != nil {
			return err
		}
		if since < forgotten || since > c.Rev { // the latter: an older copy of the database was put back
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
	rows, err := t.query(ctx, sqlGone, since, maxChanges+1)
	if err != nil {
		return err
	}
	type goneRow struct{ kind, id string }
	gone, err := collect(rows, func(g *goneRow) []any { return []any{&g.kind, &g.id} })
	for _, g := range gone {
		if g.kind == goneUser {
			c.Gone = append(c.Gone, g.id)
		} else {
			c.Sessions = append(c.Sessions, g.id)
		}
	}
	c.Reset = len(c.Users) > maxChanges || len(gone) > maxChanges
	return err
}

// remember notes what is no more, for a day and at most maxChanges further revs, and drops what it noted before that.
func (t *transaction) remember(ctx context.Context, kind string, ids ...string) error {
	rev, err := t.nextRev(ctx)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := t.exec(ctx, sqlAddGone, rev, kind, id, t.now); err != nil {
			return err
		}
	}
	last, err := t.lastToForget(ctx, rev)
	if err != nil || last == 0 {
		return err
	}
	if _, err := t.exec(ctx, sqlSetForgot, last); err != nil {
		return err
	}
	_, err = t.exec(ctx, sqlDropGone, last)
	return err
}

// lastToForget returns the highest rev that is too old or too far back to be remembered at rev; 0: there is none.
func (t *transaction) lastToForget(ctx context.Context, rev int64) (int64, error) {
	var old, far int64
	if err := t.queryRow(ctx, sqlOldGone, []any{t.now - goneFor.Milliseconds()}, &old); err != nil {
		return 0, err
	}
	err := t.queryRow(ctx, sqlFarGone, []any{rev - maxChanges}, &far)
	return max(old, far), err
}
