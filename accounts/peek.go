package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
)

// Peek returns the id of the store that cfg names, or "" if there is none yet. Unlike Open, it creates, upgrades and
// changes nothing, so it's safe while a server of another version uses the database.
func Peek(ctx context.Context, cfg Config) (id string, err error) {
	db, there, err := openToPeek(ctx, cfg)
	if err != nil {
		return "", fmt.Errorf("accounts: %w", err)
	}
	defer db.Close()
	var tables int
	err = db.QueryRowContext(ctx, there).Scan(&tables)
	if err == nil && tables > 0 {
		err = db.QueryRowContext(ctx, sqlStoreID).Scan(&id)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("accounts: %s: %w", cfg.Where(), err)
	}
	return id, nil
}

// openToPeek opens a database for reading, and returns the query that counts the tables called meta.
func openToPeek(ctx context.Context, cfg Config) (db *sql.DB, there string, err error) {
	if cfg.URL != "" {
		cfg.patience = stepPatience
		db, _, err = openPostgres(ctx, cfg)
		return db, "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema() AND table_name = 'meta'", err
	}
	path, err := filepath.Abs(cfg.Path)
	if err != nil {
		return nil, "", err
	}
	if err := recognize(ctx, path); err != nil {
		return nil, "", err
	}
	db, err = sql.Open("sqlite", peekDSN(path))
	return db, "SELECT count(*) FROM sqlite_schema WHERE name = 'meta'", err
}
