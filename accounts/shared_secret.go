package accounts

import (
	"context"
	"database/sql"
	"errors"
)

const (
	sqlKeepSharedSecret = `INSERT INTO meta (name, value, label) VALUES ('shared_secret', 0, $1) ON CONFLICT (name) DO NOTHING`
	sqlSharedSecret     = `SELECT label FROM meta WHERE name = 'shared_secret'`
)

// SharedSecret returns 256 random bits in base64url that all processes on this database share, and makes them at first
// use. Whoever reads the database can read them, so they protect only what is worth less than the database.
func (s *Store) SharedSecret(ctx context.Context) (text string, err error) {
	err = s.r.queryRow(ctx, sqlSharedSecret, nil, &text)
	if !errors.Is(err, sql.ErrNoRows) {
		return text, wrap("read shared secret", err)
	}
	fresh, _ := newToken()
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		if _, err := t.exec(ctx, sqlKeepSharedSecret, fresh); err != nil {
			return err
		}
		return t.queryRow(ctx, sqlSharedSecret, nil, &text)
	})
	return text, wrap("make shared secret", err)
}
