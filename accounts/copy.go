package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// tables lists the tables to copy, referenced tables first. The others are meta, which holds the rev, and
// schema_migrations, which each database writes itself.
var tables = []string{"users", "search_words", "sessions", "tokens", "known_browsers", "presets", "favorites", "alerts",
	"claims", "identities", "passkeys", "totp", "recovery_codes", "spent", "mails", "links", "audit", "settings",
	"team_pairs", "shares", "hooks", "told", "deliveries", "leases", "tombstones"}

// Copied holds the number of rows that were copied of a table.
type Copied struct {
	Table string
	Rows  int64
}

// Copy copies the SQLite file at from into an empty Postgres, in one transaction. The file isn't changed and must not
// be in use. The new store has a new id and continues the revs.
func Copy(ctx context.Context, from string, to Config) (copied []Copied, err error) {
	if err := wantAccounts(ctx, from); err != nil {
		return nil, err
	}
	if err := wantUnused(ctx, from); err != nil {
		return nil, fmt.Errorf("%w; or copy a backup of it", err)
	}
	path, err := filepath.Abs(from)
	if err != nil {
		return nil, err
	}
	source, err := sql.Open("sqlite", peekDSN(path))
	if err != nil {
		return nil, err
	}
	defer source.Close()
	if err := wantLastSchema(ctx, source, from); err != nil {
		return nil, err
	}
	target, err := Open(ctx, to)
	if err != nil {
		return nil, err
	}
	defer target.Close()
	conn, err := target.w.conn(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	err = conn.Raw(func(c any) error {
		copied, err = copyAll(ctx, source, c.(*stdlib.Conn).Conn())
		return err
	})
	switch {
	case errors.Is(err, ErrUnknown):
		return nil, fmt.Errorf("copy %s to %s: all of it was copied or nothing: %w", from, to.Where(), err)
	case err != nil:
		return nil, fmt.Errorf("copy %s to %s: %w; nothing was copied", from, to.Where(), err)
	}
	return copied, nil
}

// wantLastSchema refuses a file that doesn't have this version's schema.
func wantLastSchema(ctx context.Context, source *sql.DB, path string) error {
	steps, err := allMigrations(migrations)
	if err != nil {
		return err
	}
	var have int
	if err := source.QueryRowContext(ctx, lastMigration).Scan(&have); err != nil {
		return err
	}
	switch {
	case have > len(steps):
		return newerSchema(have, len(steps))
	case have < len(steps):
		return &OldSchemaError{Path: path, Have: have, Known: len(steps)}
	}
	return nil
}

// copyAll copies all tables in one transaction and compares their sizes before it commits.
func copyAll(ctx context.Context, source *sql.DB, target *pgx.Conn) ([]Copied, error) {
	from, err := source.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer from.Rollback()
	to, err := target.Begin(ctx)
	if err != nil {
		return nil, err
	}
	defer to.Rollback(context.WithoutCancel(ctx)) // does nothing after Commit
	if _, err := to.Exec(ctx, turnPostgres); err != nil {
		return nil, err
	}
	if err := wantEmpty(ctx, to); err != nil {
		return nil, err
	}
	var copied []Copied
	for _, table := range tables {
		n, err := copyTable(ctx, from, to, table)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", table, err)
		}
		copied = append(copied, Copied{table, n})
	}
	if err := copyMeta(ctx, from, to); err != nil {
		return nil, err
	}
	if err = to.Commit(ctx); err != nil && unknownPostgres(err) {
		err = fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return copied, err
}

// wantEmpty refuses a database that has, or had, users.
func wantEmpty(ctx context.Context, to pgx.Tx) error {
	var rev int64
	if err := to.QueryRow(ctx, sqlRev).Scan(&rev); err != nil {
		return err
	}
	for _, table := range tables {
		var n int64
		if err := to.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&n); err != nil {
			return err
		}
		if n > 0 || rev > 0 {
			return errors.New("the database already belongs to a Rollcall: use an empty one")
		}
	}
	return nil
}

// copyTable copies the rows of a table and counts them on both sides.
func copyTable(ctx context.Context, from *sql.Tx, to pgx.Tx, table string) (int64, error) {
	found, err := from.QueryContext(ctx, "SELECT * FROM "+table)
	if err != nil {
		return 0, err
	}
	defer found.Close()
	types, err := found.ColumnTypes()
	if err != nil {
		return 0, err
	}
	columns := make([]string, len(types))
	for i, t := range types {
		columns[i] = t.Name()
	}
	_, err = to.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		if !found.Next() {
			return nil, found.Err()
		}
		return scanRow(found, types)
	}))
	if err != nil {
		return 0, err
	}
	var before, after int64
	if err := from.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&before); err != nil {
		return 0, err
	}
	if err := to.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&after); err != nil {
		return 0, err
	}
	if before != after {
		return 0, fmt.Errorf("only %d of %d rows were copied", after, before)
	}
	return after, nil
}

// scanRow reads a row and converts booleans for Postgres, because SQLite stores them as numbers.
func scanRow(found *sql.Rows, types []*sql.ColumnType) ([]any, error) {
	values, places := make([]any, len(types)), make([]any, len(types))
	for i := range values {
		places[i] = &values[i]
	}
	if err := found.Scan(places...); err != nil {
		return nil, err
	}
	for i, t := range types {
		if n, ok := values[i].(int64); ok && t.DatabaseTypeName() == "BOOLEAN" {
			values[i] = n != 0
		}
	}
	return values, nil
}

// copyMeta copies the revs, but not the id of the store.
func copyMeta(ctx context.Context, from *sql.Tx, to pgx.Tx) error {
	for _, name := range []string{"rev", "pruned_rev", "lists_rev", "team_pairs_rev", "hooks_rev"} {
		var value int64
		if err := from.QueryRowContext(ctx, "SELECT COALESCE(max(value), 0) FROM meta WHERE name = $1",
			name).Scan(&value); err != nil {
			return err
		}
		if _, err := to.Exec(ctx, "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
			name, value); err != nil {
			return err
		}
	}
	return nil
}
