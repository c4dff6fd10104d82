package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Backup copies the SQLite database at path into a new file at to, readable only by its owner, while others keep
// reading and writing. The copy holds no deleted data. The file appears at to only when it's complete, checked and on
// disk. With force it replaces an existing file. users is the number of accounts in it.
func Backup(ctx context.Context, path, to string, force bool) (users int, err error) {
	if err := wantAccounts(ctx, path); err != nil {
		return 0, err
	}
	if info, err := os.Stat(to); err == nil {
		if old, err := os.Stat(path); err == nil && os.SameFile(old, info) {
			return 0, fmt.Errorf("%s is the database itself: name another file", to)
		}
	}
	if err := MayWrite(to, force); err != nil {
		return 0, err
	}
	temporary, users, err := extract(ctx, path, to)
	if err != nil {
		return 0, err
	}
	defer os.Remove(temporary) // does nothing after Rename
	if err := os.Rename(temporary, to); err != nil {
		return 0, err
	}
	return users, syncFolder(filepath.Dir(to))
}

// MayWrite returns an error if there is a file at to and force is false.
func MayWrite(to string, force bool) error {
	if _, err := os.Stat(to); err == nil && !force {
		return fmt.Errorf("%s already exists: name another file, or add --force", to)
	}
	return nil
}

// WriteBackup writes a backup that Backup made elsewhere to a file at to. Like Backup, it writes all or nothing.
func WriteBackup(backup io.Reader, to string, force bool) error {
	if err := MayWrite(to, force); err != nil {
		return err
	}
	temporary, err := copyBeside(backup, to)
	if err != nil {
		return err
	}
	defer os.Remove(temporary) // does nothing after Rename
	if err := os.Rename(temporary, to); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(to))
}

// copyBeside copies in to a temporary file in the folder of meantFor, syncs it, and makes it readable only by its
// owner.
func copyBeside(in io.Reader, meantFor string) (temporary string, err error) {
	f, err := os.CreateTemp(filepath.Dir(meantFor), "."+filepath.Base(meantFor)+".*.part")
	if err != nil {
		return "", err
	}
	_, err = io.Copy(f, in)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// wantAccounts returns an error unless path is a file with accounts that this version can read.
func wantAccounts(ctx context.Context, path string) error {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	id, err := Peek(ctx, Config{Path: path})
	if err == nil && id == "" {
		err = fmt.Errorf("%s holds no accounts yet", path)
	}
	return err
}

// extract copies the database at path to a temporary file in the folder of meantFor, checks the copy and syncs it.
func extract(ctx context.Context, path, meantFor string) (temporary string, users int, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return "", 0, err
	}
	f, err := os.CreateTemp(filepath.Dir(meantFor), "."+filepath.Base(meantFor)+".*.part") // readable only by its owner
	if err != nil {
		return "", 0, err
	}
	name := f.Name()
	defer func() {
		if err = errors.Join(err, f.Close()); err != nil {
			os.Remove(name)
			os.Remove(name + "-journal") // which SQLite leaves when the disk is full
		}
	}()
	db, err := sql.Open("sqlite", sqliteURI(path)+fmt.Sprintf("?mode=rw&_pragma=busy_timeout(%d)", busyTimeout))
	if err != nil {
		return "", 0, err
	}
	defer db.Close()
	if err := wantSound(ctx, db, path); err != nil { // VACUUM would turn what is still readable into a sound file
		return "", 0, err
	}
	if _, err := db.ExecContext(ctx, "VACUUM INTO $1", name); err != nil {
		return "", 0, fmt.Errorf("copy %s into %s: %w", path, filepath.Dir(meantFor), err)
	}
	if users, err = inspect(ctx, name); err != nil {
		return "", 0, err
	}
	return name, users, f.Sync()
}

// inspect checks that an unused database is undamaged, and counts its accounts.
func inspect(ctx context.Context, path string) (users int, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return 0, err
	}
	db, err := sql.Open("sqlite", sqliteURI(path)+"?mode=ro")
	if err != nil {
		return 0, err
	}
	defer db.Close()
	if err := wantSound(ctx, db, path); err != nil {
		return 0, err
	}
	var version int
	err = db.QueryRowContext(ctx, `SELECT (`+lastMigration+`), (SELECT count(*) FROM users)`).Scan(&version, &users)
	if err != nil {
		return 0, explainSQLite(path, err)
	}
	steps, err := allMigrations(migrations)
	if err == nil && version > len(steps) {
		err = newerSchema(version, len(steps))
	}
	return users, err
}

// wantSound returns an error if a database is damaged.
func wantSound(ctx context.Context, db *sql.DB, path string) error {
	var quick string
	var orphans int
	err := db.QueryRowContext(ctx,
		`SELECT (SELECT quick_check FROM pragma_quick_check LIMIT 1), (SELECT count(*) FROM pragma_foreign_key_check)`).
		Scan(&quick, &orphans)
	if err != nil {
		return explainSQLite(path, err)
	}
	if quick != "ok" || orphans > 0 {
		quick, _, _ = strings.Cut(quick, "\n")
		return fmt.Errorf("%s is damaged (%s; %d rows without their user): restore a backup", path, quick, orphans)
	}
	return nil
}

// syncFolder syncs a folder, so that a new name in it is on disk. It ignores errors, because some systems can't sync
// folders.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	folder.Sync()
	return nil
}
