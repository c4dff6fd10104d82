package accounts

import (
	"context"
	"database/sql"
	"errors"
)

// RevokeShare ends a share of a person. What shows it closes. Error: ErrNoShare.
func (s *Store) RevokeShare(ctx context.Context, userID, id string) error {
	return wrap("revoke share", s.write(ctx, func(ctx context.Context, t *transaction) error {
		var kind string
		err := t.queryRow(ctx, sqlRevokeShare, []any{userID, id}, &kind)
		if errors.Is(err, sql.ErrNoRows) {
			return ErrNoShare
		}
		if err != nil {
			return err
		}
		if err := t.remember(ctx, endedShare, id); err != nil {
			return err
		}
		return t.audit(ctx, ShareRevoked, TargetUser(userID), map[string]string{"kind": kind})
	}))
}

// dropShares ends all shares of a person, because their account is disabled or deleted.
func dropShares(ctx context.Context, t *transaction, userID string) error {
	ids, err := t.strings(ctx, sqlDropSharesOf, userID)
	if err != nil || len(ids) == 0 {
		return err
	}
	return t.remember(ctx, endedShare, ids...)
}

// moveShares gives the shares of a team its new name. What shows them loads again.
func moveShares(ctx context.Context, t *transaction, key, name string) error {
	teams, err := t.strings(ctx, sqlShareTeams)
	if err != nil || name == "" { // nobody is in a team that was deleted
		return err
	}
	for _, team := range teams {
		if teamKey(team) != key || team == name {
			continue
		}
		ids, err := t.strings(ctx, sqlSharesOfTeam, team)
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, sqlMoveShares, team, name); err != nil {
			return err
		}
		if err := t.remember(ctx, endedShare, ids...); err != nil {
			return err
		}
	}
	return nil
}

// pruneShares deletes shares that have expired.
func pruneShares(ctx context.Context, t *transaction) error {
	ids, err := t.strings(ctx, sqlOldShares, t.now, sharesAtOnce)
	if err != nil || len(ids) == 0 {
		return err
	}
	return t.remember(ctx, endedShare, ids...)
}
