package accounts

import (
	"context"
	"errors"
)

const (
	sqlLogin         = `SELECT ` + userColumns + `, u.password_hash FROM users u WHERE u.username_key = $1`
	sqlLoginByID     = `SELECT ` + userColumns + `, u.password_hash FROM users u WHERE u.id = $1`
	sqlRenewPassword = `UPDATE users SET password_hash = $2 WHERE id = $1 AND password_hash = $3`
)

// noPassword is stored in place of a hash until a person chooses their first password.
const noPassword = ""

// Authenticated is somebody who gave the right password.
type Authenticated struct {
	User
	PasswordWas string // its fingerprint, for SignIn
}

// Authenticate returns the user with a username and password. It returns ErrCredentials for a wrong password and for an
// unknown or invalid name: all of these wait in the same queue and cost the same hashes. It returns ErrDisabled for the
// right password of a disabled account, and ErrBusy if the password can't be hashed within 2 s. If the stored hash has
// other than the current parameters, it's replaced. Callers must limit the number of attempts.
func (s *Store) Authenticate(ctx context.Context, username, password string) (Authenticated, error) {
	key, _ := FoldUsername(username) // nobody has the name ""
	user, encoded, err := s.verify(ctx, sqlLogin, key, password)
	if err != nil {
		return Authenticated{}, err
	}
	return Authenticated{user, passwordFingerprint(encoded)}, nil
}

// CheckPassword returns nil if password is that of the user with userID. Its errors and costs are those of
// Authenticate.
func (s *Store) CheckPassword(ctx context.Context, userID, password string) error {
	_, _, err := s.verify(ctx, sqlLoginByID, userID, password)
	return err
}

// verify checks the password of the user whom the query text finds by key. It returns the user and the stored hash.
func (s *Store) verify(ctx context.Context, text, key, password string) (user User, encoded string, err error) {
	if !PossiblePassword(password) {
		return User{}, "", ErrCredentials // for any name, so it reveals nothing
	}
	user, err = readUser(ctx, s.r, text, []any{key}, &encoded)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return User{}, "", err
	}
	known := err == nil
	stored := s.hash.dummy
	if known && encoded == noPassword {
		known = false
	} else if known {
		if stored, err = parsePHC(encoded); err != nil {
			s.log.Error("stored password hash cannot be read", "user", user.ID, "err", err)
			stored, known = s.hash.dummy, false
		}
	}
	costs, err := s.hashCosts(ctx)
	if err != nil {
		return User{}, "", err
	}
	ok, renewed, err := s.hash.check(ctx, stored, known, password, costs)
	if err != nil {
		return User{}, "", err
	}
	if !ok {
		return User{}, "", ErrCredentials
	}
	if user.Disabled {
		return User{}, "", ErrDisabled
	}
	if renewed != "" {
		encoded = s.renew(ctx, user.ID, encoded, renewed)
	}
	return user, encoded, nil
}

// renew stores a hash with the current parameters, unless the password was changed meanwhile, and returns the hash that
// is stored now. If it fails, the login still succeeds, and the next one tries again.
func (s *Store) renew(ctx context.Context, userID, old, renewed string) string {
	err := s.note(As(ctx, System), func(ctx context.Context, t *transaction) error {
		_, err := t.exec(ctx, sqlRenewPassword, userID, renewed, old)
		return err
	})
	if err != nil {
		s.log.Warn("cannot renew a password hash", "user", userID, "err", err)
		return old
	}
	return renewed
}
