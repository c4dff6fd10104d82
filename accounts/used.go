package accounts

import (
	"context"
	"errors"
)

// Errors of what people prove who they are with.
var (
	ErrSecondFactor = errors.New("this account needs a second factor")
	ErrCodeUsed     = errors.New("this code is wrong or was used before")
)

// The values of Session.Factors that this package knows. Providers and proxies have their own.
const (
	FactorPassword        = "password"
	FactorPasswordAndTOTP = "password+totp" // a code from an authenticator app
	FactorPasswordAndCode = "password+code" // a recovery code
	FactorPasskey         = "passkey"       // counts as two, because its authenticator verifies the person
)

// TwoFactors reports whether the person proved two factors when they last proved who they are.
func (x Session) TwoFactors() bool {
	return x.Factors == FactorPasswordAndTOTP || x.Factors == FactorPasswordAndCode || x.Factors == FactorPasskey
}

// Used is what somebody used to prove who they are. The transaction that starts or proves their session uses it up, so
// that it counts once on all replicas.
type Used struct {
	TOTPStep     int64       // of a right code from an authenticator app; 0: none
	RecoveryCode string      // its hash; "": none
	Passkey      *PasskeyUse // nil: none
}

// Proof is how somebody who is signed in proves again who they are.
type Proof struct {
	Factors string // what they proved; "": FactorPassword
	Used    Used
	Spends  []Once // what else this uses up
}

const (
	sqlUseStep = `UPDATE totp SET last_step = $2 WHERE user_id = $1 AND last_step < $2`
	sqlUseCode = `UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND hash = $2 AND used_at = 0`
	sqlHasTOTP = `SELECT count(*) FROM totp WHERE user_id = $1`
)

// recordUse uses up what a person has proved. Errors: ErrSpent, ErrCodeUsed, ErrNoPasskey.
func recordUse(ctx context.Context, t *transaction, userID string, used Used, spends []Once) error {
	for _, once := range spends {
		if err := spendOnce(ctx, t, once); err != nil {
			return err
		}
	}
	if used.TOTPStep != 0 {
		if n, err := t.exec(ctx, sqlUseStep, userID, used.TOTPStep); err != nil || n == 0 {
			return orElse(err, ErrCodeUsed)
		}
	}
	if used.RecoveryCode != "" {
		if err := useRecoveryCode(ctx, t, userID, used.RecoveryCode); err != nil {
			return err
		}
	}
	if used.Passkey == nil {
		return nil
	}
	return usePasskey(ctx, t, userID, *used.Passkey)
}

// useRecoveryCode uses a recovery code up, by its hash, and tells its owner. Error: ErrCodeUsed.
func useRecoveryCode(ctx context.Context, t *transaction, userID, hash string) error {
	if n, err := t.exec(ctx, sqlUseCode, userID, hash, t.now); err != nil || n == 0 {
		return orElse(err, ErrCodeUsed)
	}
	left, err := codesLeft(ctx, t, userID)
	if err != nil {
		return err
	}
	return queueNotice(ctx, t, MailCodeUsed, userID, MailDetails{Left: left})
}

// wantSecondFactor returns ErrSecondFactor if somebody with an authenticator app proved only one factor. It runs in the
// transaction that starts or proves a session, so no path to a session can leave it out.
func wantSecondFactor(ctx context.Context, t *transaction, userID string, method Method, used Used) error {
	switch {
	case method != ByPassword && method != ByLink, used.TOTPStep != 0, used.RecoveryCode != "", used.Passkey != nil:
		return nil
	}
	var n int
	if err := t.queryRow(ctx, sqlHasTOTP, []any{userID}, &n); err != nil {
		return err
	}
	if n > 0 {
		return ErrSecondFactor
	}
	return nil
}

func orElse(err, instead error) error {
	if err != nil {
		return err
	}
	return instead
}
