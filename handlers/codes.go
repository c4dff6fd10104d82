package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"rollcall/accounts"
	"rollcall/identity"
)

// Limits of wrong codes per account, from an authenticator app or of recovery. Three of a million codes are right at
// any time. A right password doesn't reset the counts, and there's no exception for known browsers, because anyone who
// guesses codes already knows the password.
const (
	wrongCodes      = 5  // in loginWindow
	wrongCodesDaily = 20 // in codesWindow
	codesWindow     = 24 * time.Hour
)

// codeField is the field for a code, from an authenticator app or of recovery.
const codeField = "one_time_code"

// totpPurpose is what the secrets of authenticator apps are sealed for.
const totpPurpose = "totp"

// sealedFor names the account to which a sealed secret belongs, so that it doesn't open for another one.
func sealedFor(userID string) string { return "totp:" + userID }

// attemptCode runs try, which checks a code of a person, within the limits. They're reserved before it runs. Only wrong
// codes count.
func (s *Server) attemptCode(ctx context.Context, userID string, try func() error) error {
	var failure reservation
	err := failure.take(ctx, s.limiters.Members, "code:"+userID, wrongCodes, loginWindow)
	if err == nil {
		err = failure.take(ctx, s.limiters.Members, "code:day:"+userID, wrongCodesDaily, codesWindow)
	}
	if err == nil {
		err = try()
	}
	if !errors.Is(err, accounts.ErrCodeUsed) && !errors.Is(err, context.Canceled) {
		failure.giveBack(ctx)
	}
	return err
}

// usedCode returns what a typed code would use up, and what it proves together with a password. Whether a recovery code
// is right, and whether a code was used before, is known only when it's used up. Errors: accounts.ErrCodeUsed,
// accounts.ErrNoTOTP, and a *failure if the secret key is gone.
func (s *Server) usedCode(ctx context.Context, userID, typed string) (used accounts.Used, factors string, err error) {
	if hash, ok := identity.RecoveryHash(typed); ok { // works without the key
		return accounts.Used{RecoveryCode: hash}, accounts.FactorPasswordAndCode, nil
	}
	app, err := s.cfg.Accounts.TOTP(ctx, userID)
	if err != nil {
		return used, "", err
	}
	secret, err := s.openSecret(userID, app.Sealed)
	if err != nil {
		return used, "", err
	}
	step, ok := secret.Check(typed, time.Now())
	if !ok {
		return used, "", accounts.ErrCodeUsed
	}
	return accounts.Used{TOTPStep: step}, accounts.FactorPasswordAndTOTP, nil
}

// openSecret opens the secret of an authenticator app.
func (s *Server) openSecret(userID, sealed string) (identity.TOTPSecret, error) {
	keys, err := s.secretKey(false)
	var secret []byte
	if err == nil {
		secret, err = keys.Open(totpPurpose, sealedFor(userID), sealed)
	}
	switch {
	case errors.Is(err, errNoSecretKey), errors.Is(err, identity.ErrNoKey):
		s.log.Error("the secret key of an authenticator app is missing: see rollcall doctor", "user", userID, "err", err)
		return nil, &failure{Status: http.StatusConflict, Err: err, logged: true,
			Message: "Codes from your app can't be checked, because this server has lost the key for them. " +
				"Use a recovery code, or ask an administrator."}
	case err != nil:
		return nil, fmt.Errorf("open authenticator app: %w", err)
	}
	return secret, nil
}
