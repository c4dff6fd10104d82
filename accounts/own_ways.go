package accounts

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"time"
)

// OwnWays is how one user can sign in and prove who they are, besides providers.
type OwnWays struct {
	Password  bool
	Handle    string // names the account to authenticators; "": it never had a passkey
	Passkeys  []Passkey
	TOTP      *TOTP     // nil: no authenticator app
	CodesLeft int       // recovery codes that weren't used
	CodesMade time.Time // zero: unknown, or there are none
}

// PasskeysFor returns the passkeys that work at a host name.
func (w OwnWays) PasskeysFor(rpID string) (all []Passkey) {
	for _, p := range w.Passkeys {
		if p.RPID == rpID {
			all = append(all, p)
		}
	}
	return slices.Clip(all)
}

const sqlHasPassword = `SELECT password_hash <> '', handle FROM users WHERE id = $1`

// OwnWays returns how a user can sign in, read in one snapshot. Error: ErrNotFound.
func (s *Store) OwnWays(ctx context.Context, userID string) (w OwnWays, err error) {
	err = s.snapshot(ctx, func(ctx context.Context, t *transaction) error {
		w, err = readOwnWays(ctx, t, userID)
		return err
	})
	return w, wrap("read ways to sign in", err)
}

// ChooseFirstPassword sets the password of a user who has none, and ends all their sessions except the one with the ID
// keepSession. Errors: *FieldError, ErrCredentials if they have one, ErrNotFound, ErrBusy.
func (s *Store) ChooseFirstPassword(ctx context.Context, userID, password, keepSession string) error {
	u, err := s.UserByID(ctx, userID)
	if err != nil {
		return err
	}
	if err := checkPassword(u.Username, password); err != nil {
		return err
	}
	return wrap("choose password", s.putPassword(ctx, userID, password, keepSession, new(noPassword)))
}

func readOwnWays(ctx context.Context, t *transaction, userID string) (w OwnWays, err error) {
	if err := t.queryRow(ctx, sqlHasPassword, []any{userID}, &w.Password, &w.Handle); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			err = ErrNotFound
		}
		return w, err
	}
	if w.Passkeys, err = readPasskeys(ctx, t, userID); err != nil {
		return w, err
	}
	app, err := readTOTP(ctx, t, userID)
	switch {
	case errors.Is(err, ErrNoTOTP):
		return w, nil
	case err != nil:
		return w, err
	}
	w.TOTP = &app
	if w.CodesLeft, err = codesLeft(ctx, t, userID); err != nil {
		return w, err
	}
	w.CodesMade, err = codesMade(ctx, t, userID)
	return w, err
}
