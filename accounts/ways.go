package accounts

import (
	"context"
	"errors"
	"slices"
)

// ErrLastWayIn says that somebody couldn't sign in any more after a change.
var ErrLastWayIn = errors.New("this is the last way to sign in")

// Ways says which ways to sign in the server offers besides passwords.
type Ways struct {
	RPID      string   // of passkeys: the host name of the public URL; "": no passkeys
	Providers []string // keys of those that are configured, and of the proxy's header
}

const (
	sqlHasSecret = `SELECT password_hash <> '' OR EXISTS
		(SELECT 1 FROM passkeys WHERE user_id = $1 AND rp_id = $2 AND $2 <> '') FROM users WHERE id = $1`
	sqlProvidersOf = `SELECT provider FROM identities WHERE user_id = $1`
)

// wantWayIn returns ErrLastWayIn unless a person has a way to sign in: a password, a passkey for this server's name, or
// an identity at a configured provider. Changes that take a way away call it last.
func wantWayIn(ctx context.Context, t *transaction, userID string, offered Ways) error {
	var secret bool
	if err := t.queryRow(ctx, sqlHasSecret, []any{userID, offered.RPID}, &secret); err != nil || secret {
		return err
	}
	providers, err := t.strings(ctx, sqlProvidersOf, userID)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(providers, func(p string) bool { return slices.Contains(offered.Providers, p) }) {
		return ErrLastWayIn
	}
	return nil
}
