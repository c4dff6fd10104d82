package accounts

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migration is one step of the schema. A released one is never edited.
type migration struct {
	version int
	name    string
	text    string
}

// allMigrations returns the embedded steps, numbered from 1 without a gap.
func allMigrations(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "migrations/*.sql") // in order of name
	if err != nil {
		return nil, err
	}
	var steps []migration
	for i, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		base := strings.TrimPrefix(name, "migrations/")
		number, _, _ := strings.Cut(base, "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 {
			return nil, fmt.Errorf("migration %s: want number %04d", base, i+1)
		}
		steps = append(steps, migration{i + 1, base, string(text)})
	}
	return steps, nil
}

// migrate runs all missing steps in one transaction, while other processes wait.
func migrate(ctx context.Context, h *handle, steps []migration, now int64) error {
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if h.migrates != "" {
		if _, err := tx.ExecContext(ctx, h.migrates); err != nil {
			return err
		}
	}
	have, err := schemaOf(ctx, tx, h.adopt)
	if err != nil {
		return err
	}
	if have > len(steps) {
		return newerSchema(have, len(steps))
	}
	if have == len(steps) {
		return nil
	}
	for _, m := range steps[have:] {
		if _, err := tx.ExecContext(ctx, h.schema(m.text)); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
		const done = "INSERT INTO schema_migrations (version, name, at) VALUES ($1, $2, $3)"
		if _, err := tx.ExecContext(ctx, done, m.version, m.name, now); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// schemaOf adopts the database and returns the number of its last step, or 0 for a new database.
func schemaOf(ctx context.Context, tx *sql.Tx,
	adopt func(context.Context, *sql.Tx) (bool, error)) (have int, err error) {
	used, err := adopt(ctx, tx)
	if err != nil {
		return 0, err
	}
	if !used {
		_, err := tx.ExecContext(ctx, `CREATE TABLE schema_migrations (
			version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, at BIGINT NOT NULL)`)
		return 0, err
	}
	err = tx.QueryRowContext(ctx, lastMigration).Scan(&have)
	return have, err
}

const lastMigration = "SELECT COALESCE(max(version), 0) FROM schema_migrations"

func newerSchema(have, known int) error {
	return fmt.Errorf("the database was made by a newer version of Rollcall (schema %d, this one knows %d): "+
		"install that version again, or restore a backup", have, known)
}
