package accounts

import (
	"context"
	"errors"
	"time"
)

// ErrSpent says that something which can be used once has been used before.
var ErrSpent = errors.New("this was used before")

// Once is something that can be used once on all replicas, such as the challenge of a passkey.
type Once struct {
	Secret    string    // or a unique name; only its SHA-256 is stored
	ExpiresAt time.Time // nobody accepts it after that
}

const (
	sqlSpend    = `INSERT INTO spent (hash, expires_at) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING`
	sqlOldSpent = `DELETE FROM spent WHERE expires_at <= $1`

	// spentMargin is how long after its end something counts as spent, because clocks of replicas differ.
	spentMargin = time.Minute
)

// Spend uses something up. It returns ErrSpent if that was done before.
func (s *Store) Spend(ctx context.Context, once Once) error {
	return wrap("spend", s.write(ctx, func(ctx context.Context, t *transaction) error {
		return spendOnce(ctx, t, once)
	}))
}

// spendOnce is Spend within a transaction, so that nothing is used up if the rest fails.
func spendOnce(ctx context.Context, t *transaction, once Once) error {
	n, err := t.exec(ctx, sqlSpend, hashToken([]byte(once.Secret)), milli(once.ExpiresAt.Add(spentMargin)))
	if err == nil && n == 0 {
		err = ErrSpent
	}
	return err
}
