package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
)

// Peek returns the id of the store that cfg names, or "" if there is none yet. Unlike Open, it creates, upgrades and
// changes nothing, so it's safe while a server of another version uses the database.
func Peek(ctx context.Context, cfg Config) (id string, err error) {
	db, there, err := openToPeek(ctx, cfg, "meta")
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

// PeekTOTPKeys returns how many authenticator apps were sealed with which key, by the ID of the key. Like Peek, it
// changes nothing.
func PeekTOTPKeys(ctx context.Context, cfg Config) (map[string]int, error) {
	return peekCounts(ctx, cfg, "totp", "SELECT key_id, count(*) FROM totp GROUP BY key_id")
}

// PeekPasskeyHosts returns how many passkeys were made for which host. Like Peek, it changes nothing.
func PeekPasskeyHosts(ctx context.Context, cfg Config) (map[string]int, error) {
	return peekCounts(ctx, cfg, "passkeys", sqlPasskeyHosts)
}

// peekCounts returns the result of a query for a text and a number, or nil if there's no such table.
func peekCounts(ctx context.Context, cfg Config, table, query string) (map[string]int, error) {
	counts, err := readCounts(ctx, cfg, table, query)
	if err != nil {
		return nil, fmt.Errorf("accounts: %s: %w", cfg.Where(), err)
	}
	return counts, nil
}

func readCounts(ctx context.Context, cfg Config, table, query string) (map[string]int, error) {
	db, there, err := openToPeek(ctx, cfg, table)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	var tables int
	if err := db.QueryRowContext(ctx, there).Scan(&tables); err != nil || tables == 0 {
		return nil, err
	}
	found, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	counts := map[string]int{}
	for found.Next() {
		var key string
		var n int
		if err := found.Scan(&key, &n); err != nil {
			return nil, err
		}
		counts[key] = n
	}
	return counts, found.Err()
}

// openToPeek opens a database for reading, and returns the query that counts the tables called table.
func openToPeek(ctx context.Context, cfg Config, table string) (db *sql.DB, there string, err error) {
	if cfg.URL != "" {
		cfg.patience, cfg.Log = stepPatience, slog.New(slog.DiscardHandler)
		db, _, err = openPostgres(ctx, cfg)
		return db, "SELECT count(*) FROM information_schema.tables " +
			"WHERE table_schema = current_schema() AND table_name = '" + table + "'", err
	}
	path, err := filepath.Abs(cfg.Path)
	if err != nil {
		return nil, "", err
	}
	if err := recognize(ctx, path); err != nil {
		return nil, "", err
	}
	db, err = sql.Open("sqlite", peekDSN(path))
	return db, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '" + table + "'", err
}
