package accounts

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// Errors of authenticator apps.
var (
	ErrNoTOTP = errors.New("this account has no authenticator app")
	ErrTOTPOn = errors.New("this account already has an authenticator app")
)

// TOTP is the authenticator app of an account (RFC 6238). This package can't open the secret.
type TOTP struct {
	Sealed      string // the secret, sealed with the operator's key
	KeyID       string // which key
	ConfirmedAt time.Time
}

const (
	sqlTOTP    = `SELECT sealed, key_id, confirmed_at FROM totp WHERE user_id = $1`
	sqlAddTOTP = `INSERT INTO totp (user_id, sealed, key_id, last_step, confirmed_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (user_id) DO NOTHING`
	sqlDropTOTP = `DELETE FROM totp WHERE user_id = $1`
)

// TOTP returns the authenticator app of a user. Error: ErrNoTOTP.
func (s *Store) TOTP(ctx context.Context, userID string) (TOTP, error) {
	a, err := readTOTP(ctx, s.r, userID)
	return a, wrap("read authenticator app", err)
}

func readTOTP(ctx context.Context, from reader, userID string) (a TOTP, err error) {
	var confirmed int64
	err = from.queryRow(ctx, sqlTOTP, []any{userID}, &a.Sealed, &a.KeyID, &confirmed)
	if errors.Is(err, sql.ErrNoRows) {
		return a, ErrNoTOTP
	}
	a.ConfirmedAt = at(confirmed)
	return a, err
}

// AddTOTP switches on the authenticator app of a user, who has typed the code of step, and stores the hashes of their
// recovery codes. That code can't be used again. Errors: ErrTOTPOn, ErrNotFound.
func (s *Store) AddTOTP(ctx context.Context, userID string, a TOTP, step int64, recoveryCodes []string) error {
	return wrap("add authenticator app", s.write(ctx, func(ctx context.Context, t *transaction) error {
		n, err := t.exec(ctx, sqlAddTOTP, userID, a.Sealed, a.KeyID, step, t.now)
		switch {
		case isOrphan(err):
			return ErrNotFound
		case err != nil:
			return err
		case n == 0:
			return ErrTOTPOn
		}
		if err := replaceRecoveryCodes(ctx, t, userID, recoveryCodes); err != nil {
			return err
		}
		return queueNotice(ctx, t, MailFactorAdded, userID, MailDetails{Factor: AppFactor})
	}))
}

// RemoveTOTP switches off the authenticator app of a user and deletes their recovery codes. It's not an error if there
// is none.
func (s *Store) RemoveTOTP(ctx context.Context, userID string) error {
	return wrap("remove authenticator app", s.write(ctx, func(ctx context.Context, t *transaction) error {
		had, err := removeTOTP(ctx, t, userID)
		if err != nil || !had {
			return err
		}
		return queueNotice(ctx, t, MailFactorRemoved, userID, MailDetails{Factor: AppFactor})
	}))
}

// removeTOTP reports whether the user had an authenticator app.
func removeTOTP(ctx context.Context, t *transaction, userID string) (had bool, err error) {
	n, err := t.exec(ctx, sqlDropTOTP, userID)
	if err != nil {
		return false, err
	}
	return n > 0, replaceRecoveryCodes(ctx, t, userID, nil)
}

// ResetFactors removes the passkeys, the authenticator app and the recovery codes of somebody who has lost them, and
// adds the same line to the audit log whether they had any or not. Error: ErrNotFound.
func (s *Store) ResetFactors(ctx context.Context, userID string) error {
	return wrap("reset factors", s.write(ctx, func(ctx context.Context, t *transaction) error {
		if _, err := readUser(ctx, t, sqlUserByID, []any{userID}); err != nil {
			return err
		}
		had, err := removeTOTP(ctx, t, userID)
		if err != nil {
			return err
		}
		passkeys, err := t.exec(ctx, sqlDropPasskeys, userID)
		if err != nil {
			return err
		}
		if had || passkeys > 0 {
			err = queueNotice(ctx, t, MailFactorRemoved, userID, MailDetails{Factor: AllFactors})
		}
		if err != nil {
			return err
		}
		return t.audit(ctx, FactorsReset, TargetUser(userID), nil)
	}))
}
