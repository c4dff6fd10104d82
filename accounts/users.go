package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	userColumns = `u.id, u.username_key, u.display_name, u.team, u.sort_key, u.last_seen, u.show_last_seen, ` + sharedZone + `, u.admin,
		u.disabled, u.idle_after, u.time_zone, u.theme, u.announce, u.status_state, u.status_text, u.status_emoji, u.status_until, u.status_set_at,
		u.invisible, u.invisible_since, u.created_at, u.favorites_rev, u.rev`

	sqlUserByID   = `SELECT ` + userColumns + ` FROM users u WHERE u.id = $1`
	sqlUserByName = `SELECT ` + userColumns + ` FROM users u WHERE u.username_key = $1`
	sqlUsers      = `SELECT ` + userColumns + ` FROM users u WHERE u.username_key > $1 ORDER BY u.username_key LIMIT $2`
	sqlNameTaken  = `SELECT 1 FROM users WHERE username_key = $1`
)

// userRow is a scanned row of userColumns, to be converted to a User.
type userRow struct {
	user                                           User
	lastSeen, idleAfter, until, setAt, since, made int64
}

// dest returns the destinations of the columns.
func (r *userRow) dest() []any {
	u := &r.user
	return []any{&u.ID, &u.Username, &u.DisplayName, &u.Team, &u.sortKey, &r.lastSeen, &u.ShowLastSeen, &u.Zone, &u.Admin,
		&u.Disabled, &r.idleAfter, &u.TimeZone, &u.Theme, &u.Announce, &u.Status.State, &u.Status.Text, &u.Status.Emoji,
		&r.until, &r.setAt,
		&u.Invisible, &r.since, &r.made, &u.FavoritesRev, &u.Rev}
}

func (r *userRow) finish() User {
	u := r.user
	u.LastSeen, u.CreatedAt = at(r.lastSeen), at(r.made)
	u.IdleAfter = time.Duration(r.idleAfter) * time.Millisecond
	u.Status.Until, u.Status.SetAt, u.InvisibleSince = at(r.until), at(r.setAt), at(r.since)
	return u
}

// reader is a handle or a transaction.
type reader interface {
	query(ctx context.Context, text string, args ...any) (*rows, error)
	queryRow(ctx context.Context, text string, args []any, dest ...any) error
}

// readUser reads one user, and the columns after userColumns into more. It returns ErrNotFound if there is none.
func readUser(ctx context.Context, from reader, text string, args []any, more ...any) (User, error) {
	var r userRow
	err := from.queryRow(ctx, text, args, append(r.dest(), more...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return User{}, ErrNotFound
	}
	if err != nil {
		return User{}, fmt.Errorf("read user: %w", err)
	}
	return r.finish(), nil
}

// UserByName returns the user with a username, in any spelling that folds to it, or ErrNotFound.
func (s *Store) UserByName(ctx context.Context, username string) (User, error) {
	key, err := FoldUsername(username)
	if err != nil {
		return User{}, ErrNotFound
	}
	return readUser(ctx, s.r, sqlUserByName, []any{key})
}

// UserByID returns a user, who may be disabled, or ErrNotFound.
func (s *Store) UserByID(ctx context.Context, id string) (User, error) {
	return readUser(ctx, s.r, sqlUserByID, []any{id})
}

// Users returns users, including disabled ones, ordered by username: those after a username ("": from the first), at
// most limit and at most 1000.
func (s *Store) Users(ctx context.Context, after string, limit int) ([]User, error) {
	rows, err := s.r.query(ctx, sqlUsers, after, max(0, min(limit, 1000)))
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	found, err := collect(rows, (*userRow).dest)
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	users := make([]User, len(found))
	for i := range found {
		users[i] = found[i].finish()
	}
	return users, nil
}
