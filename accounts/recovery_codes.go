package accounts

import (
	"context"
	"time"
)

const (
	sqlAddCode   = `INSERT INTO recovery_codes (user_id, hash, used_at, made_at) VALUES ($1, $2, 0, $3)`
	sqlDropCodes = `DELETE FROM recovery_codes WHERE user_id = $1`
	sqlCodesLeft = `SELECT count(*) FROM recovery_codes WHERE user_id = $1 AND used_at = 0`
	sqlCodesMade = `SELECT COALESCE(max(made_at), 0) FROM recovery_codes WHERE user_id = $1`
)

// ReplaceRecoveryCodes stores the hashes of new recovery codes, and tells their owner. The old codes don't work any
// more. Error: ErrNoTOTP.
func (s *Store) ReplaceRecoveryCodes(ctx context.Context, userID string, hashes []string) error {
	return wrap("replace recovery codes", s.write(ctx, func(ctx context.Context, t *transaction) error {
		if _, err := readTOTP(ctx, t, userID); err != nil {
			return err
		}
		if err := replaceRecoveryCodes(ctx, t, userID, hashes); err != nil {
			return err
		}
		return queueNotice(ctx, t, MailCodesRenewed, userID, MailDetails{})
	}))
}

func replaceRecoveryCodes(ctx context.Context, t *transaction, userID string, hashes []string) error {
	if _, err := t.exec(ctx, sqlDropCodes, userID); err != nil {
		return err
	}
	for _, hash := range hashes {
		if _, err := t.exec(ctx, sqlAddCode, userID, hash, t.now); err != nil {
			return err
		}
	}
	return nil
}

func codesLeft(ctx context.Context, from reader, userID string) (n int, err error) {
	err = from.queryRow(ctx, sqlCodesLeft, []any{userID}, &n)
	return n, err
}

func codesMade(ctx context.Context, from reader, userID string) (time.Time, error) {
	var made int64
	err := from.queryRow(ctx, sqlCodesMade, []any{userID}, &made)
	return at(made), err
}
