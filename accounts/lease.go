package accounts

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// The lease "chores" is for what only one server does at a time, such as delivering webhooks.
const (
	sqlTakeLease = `INSERT INTO leases (name, owner, held_until) VALUES ('chores', $1, $2) ON CONFLICT (name) DO UPDATE
		SET owner = excluded.owner, held_until = excluded.held_until
		WHERE leases.owner = excluded.owner OR leases.held_until < $3 RETURNING owner`
	sqlDropLease = `UPDATE leases SET held_until = 0 WHERE name = 'chores' AND owner = $1`
)

// TakeLease takes or renews the lease for a server, unless another server holds it. until is when it ends. The clocks
// of servers may differ by less than half of life: otherwise, two could hold it for a moment.
func (s *Store) TakeLease(ctx context.Context, owner string, life time.Duration) (until time.Time, held bool, err error) {
	err = s.note(ctx, func(ctx context.Context, t *transaction) error {
		var holder string
		until = at(t.now + life.Milliseconds())
		return t.queryRow(ctx, sqlTakeLease, []any{owner, milli(until), t.now}, &holder)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return time.Time{}, false, nil
	}
	return until, err == nil, wrap("take the lease", err)
}

// DropLease ends the lease of a server that stops, so that another one takes it soon.
func (s *Store) DropLease(ctx context.Context, owner string) error {
	return wrap("drop the lease", s.note(ctx, func(ctx context.Context, t *transaction) error {
		_, err := t.exec(ctx, sqlDropLease, owner)
		return err
	}))
}
