package accounts

import (
	"cmp"
	"context"
)

const (
	sqlProve = `UPDATE sessions SET token_hash = $2, proved_at = $3, factors = $5
		WHERE id = $1 AND user_id = $4 AND expires_at > $3 AND token_hash <> 'left ' || id`
	sqlRenewToken = `UPDATE sessions SET token_hash = $3 WHERE id = $1 AND user_id = $2 AND expires_at > $4
		AND token_hash <> 'left ' || id`
)

// Prove records that the person of a session has just proved who they are, and how, and gives the session a new token,
// so that a token which was stolen before is worth nothing. Errors: ErrNoSession if the session has ended; ErrSpent,
// ErrCodeUsed, ErrNoPasskey and ErrSecondFactor as for StartSession.
func (s *Store) Prove(ctx context.Context, userID, sessionID string, p Proof) (token string, err error) {
	token, hash := newToken()
	factors := cmp.Or(p.Factors, FactorPassword)
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		if factors == FactorPassword {
			if err := wantSecondFactor(ctx, t, userID, ByPassword, p.Used); err != nil {
				return err
			}
		}
		if err := recordUse(ctx, t, userID, p.Used, p.Spends); err != nil {
			return err
		}
		n, err := t.exec(ctx, sqlProve, sessionID, hash, t.now, userID, factors)
		if err == nil && n == 0 {
			err = ErrNoSession
		}
		return err
	})
	if err != nil {
		return "", wrap("prove", err)
	}
	return token, nil
}

// RenewToken gives a session a new token, so that a token which was stolen before is worth nothing. Error:
// ErrNoSession.
func (s *Store) RenewToken(ctx context.Context, userID, sessionID string) (token string, err error) {
	token, hash := newToken()
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		n, err := t.exec(ctx, sqlRenewToken, sessionID, userID, hash, t.now)
		if err == nil && n == 0 {
			err = ErrNoSession
		}
		return err
	})
	if err != nil {
		return "", wrap("renew a session's token", err)
	}
	return token, nil
}
