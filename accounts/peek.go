package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
)

// Peek returns the id of the store in the SQLite file at path, "" when there is none yet. Unlike Open it makes, upgrades
// and changes nothing, so that looking at what a running server of another version uses does no harm.
func Peek(ctx context.Context, path string) (id string, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return "", err
	}
	if err := recognise(ctx, path); err != nil {
		return "", err
	}
	db, err := sql.Open("sqlite", sqliteDSN(path, false))
	if err != nil {
		return "", err
	}
	defer db.Close()
	var tables int
	err = db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema WHERE name = 'meta'").Scan(&tables)
	if err == nil && tables > 0 {
		err = db.QueryRowContext(ctx, sqlStoreID).Scan(&id)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("accounts: %w", explainSQLite(path, err))
	}
	return id, nil
}
