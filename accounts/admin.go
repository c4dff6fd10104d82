package accounts

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
)

// ErrLastAdmin says that a change would leave the board without an administrator.
var ErrLastAdmin = errors.New("this is the only administrator")

const (
	sqlSetAdmin = `UPDATE users SET admin = $2, admin_by = '', rev = $3 WHERE id = $1`
	// One without a way to sign in doesn't count. A link for a new password is none: it ends.
	sqlAnyAdmin = `SELECT 1 FROM users u WHERE admin AND NOT disabled AND name_key > '' AND (password_hash <> ''
		OR EXISTS (SELECT 1 FROM passkeys p WHERE p.user_id = u.id)
		OR EXISTS (SELECT 1 FROM identities i WHERE i.user_id = u.id)) LIMIT 1`
)

type forcedKey struct{}

// Forced returns a context whose writes may remove the last administrator. It's for the command line, where somebody
// can make another one.
func Forced(ctx context.Context) context.Context { return context.WithValue(ctx, forcedKey{}, true) }

// SetAdmin makes a user an administrator or a member. Errors: ErrNotFound, ErrLastAdmin, and ErrWaiting if the new
// administrator waits for approval.
func (s *Store) SetAdmin(ctx context.Context, userID string, admin bool) error {
	return wrap("set administrator", s.write(ctx, func(ctx context.Context, t *transaction) error {
		return setAdmin(ctx, t, userID, admin)
	}))
}

func setAdmin(ctx context.Context, t *transaction, userID string, admin bool) error {
	u, err := readUser(ctx, t, sqlUserByID, []any{userID})
	if err == nil && u.Admin == admin { // it's by hand from now on
		_, err = t.exec(ctx, sqlAdminBy, userID, "")
		return err
	}
	if err != nil {
		return err
	}
	if admin {
		if err := wantWaiting(ctx, t, userID); !errors.Is(err, ErrNotFound) {
			return cmp.Or(err, ErrWaiting)
		}
	}
	rev, err := t.nextRev(ctx)
	if err != nil {
		return err
	}
	if _, err := t.exec(ctx, sqlSetAdmin, userID, admin, rev); err != nil {
		return err
	}
	action := AdminGranted
	if !admin {
		action = AdminRevoked
		if err := errors.Join(dropLinksBy(ctx, t, userID), endAdminTokens(ctx, t, userID)); err != nil {
			return err
		}
	}
	if err := t.audit(ctx, action, TargetUser(userID), nil); err != nil {
		return err
	}
	return wantAdmin(ctx, t, u)
}

// wantAdmin returns ErrLastAdmin if changed, as they were before this transaction, were an administrator and
// none is left. It's the last step of every transaction that demotes, disables or deletes
// somebody. Such transactions run one at a time (Store.write), so two of them can't rely on each other's
// administrator.
func wantAdmin(ctx context.Context, t *transaction, changed ...User) error {
	if forced, _ := ctx.Value(forcedKey{}).(bool); forced {
		return nil
	}
	was := false
	for _, u := range changed {
		was = was || u.Admin && !u.Disabled
	}
	if !was {
		return nil
	}
	has, err := anyAdmin(ctx, t)
	if err == nil && !has {
		err = ErrLastAdmin
	}
	return err
}

// dropLinksBy ends the invitations and reset links that somebody made, because they aren't an administrator any more.
func dropLinksBy(ctx context.Context, t *transaction, userID string) error {
	_, err := t.exec(ctx, sqlDropLinksBy, string(ByUser(userID)))
	return err
}

// AnyAdmin reports whether there is an enabled administrator.
func (s *Store) AnyAdmin(ctx context.Context) (bool, error) {
	has, err := anyAdmin(ctx, s.r)
	return has, wrap("look for administrators", err)
}

func anyAdmin(ctx context.Context, from reader) (bool, error) {
	var one int
	err := from.queryRow(ctx, sqlAnyAdmin, nil, &one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
