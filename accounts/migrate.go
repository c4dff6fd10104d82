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
		steps = append(steps, migration{i + 1, base, forSQLite(string(text))})
	}
	return steps, nil
}

// forSQLite takes out what only Postgres understands.
func forSQLite(text string) string { return strings.ReplaceAll(text, ` COLLATE "C"`, "") }

// migrate brings the schema up to the last step, all missing steps in one transaction that other processes wait for.
func migrate(ctx context.Context, db *sql.DB, steps []migration, now int64) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	const table = `CREATE TABLE IF NOT EXISTS schema_migrations (
		version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, at BIGINT NOT NULL)`
	if _, err := tx.ExecContext(ctx, table); err != nil {
		return err
	}
	var have int
	if err := tx.QueryRowContext(ctx, "SELECT COALESCE(max(version), 0) FROM schema_migrations").Scan(&have); err != nil {
		return err
	}
	if have > len(steps) {
		return fmt.Errorf("the database was made by a newer version of Rollcall (schema %d, this one knows %d): "+
			"install that version again, or restore a backup", have, len(steps))
	}
	if have == len(steps) {
		return nil
	}
	if err := stamp(ctx, tx); err != nil {
		return err
	}
	for _, m := range steps[have:] {
		if _, err := tx.ExecContext(ctx, m.text); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
		const done = "INSERT INTO schema_migrations (version, name, at) VALUES ($1, $2, $3)"
		if _, err := tx.ExecContext(ctx, done, m.version, m.name, now); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// stamp marks the file as Rollcall's, and refuses one that another program filled since recognise looked.
func stamp(ctx context.Context, tx *sql.Tx) error {
	var id, others int64
	err := tx.QueryRowContext(ctx, `SELECT application_id,
		(SELECT count(*) FROM sqlite_schema WHERE tbl_name <> 'schema_migrations') FROM pragma_application_id`).Scan(&id, &others)
	if err != nil {
		return err
	}
	if id != applicationID && (id != 0 || others > 0) {
		return fmt.Errorf("the database belongs to another program; choose another file")
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID))
	return err
}
