package accounts

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Backup writes what the SQLite file at path holds into a new file at to, for its owner alone, while others go on reading
// and writing. What was deleted is not in it. The file is there when it is whole, checked and on the disk, else not at all; with force
// it replaces another. The number returned is that of the accounts in it.
func Backup(ctx context.Context, path, to string, force bool) (users int, err error) {
	if err := wantAccounts(ctx, path); err != nil {
		return 0, err
	}
	if info, err := os.Stat(to); err == nil {
		if old, err := os.Stat(path); err == nil && os.SameFile(old, info) {
			return 0, fmt.Errorf("%s is the database itself: name another file", to)
		}
		if !force {
			return 0, fmt.Errorf("%s is there already: name another file, or add --force", to)
		}
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

// Restored says what Restore did.
type Restored struct {
	Users int    // accounts in the file
	Kept  string // where the file is that was there before; "": there was none
	Same  bool   // it is the same store as before; else it has a new id
}

// Restore puts what the backup at from holds in the place of the SQLite file at path, which no process may have open. A
// file that is there stays under another name, and needs force. The store keeps its id when it replaces a file of the same store.
// Elsewhere it gets a new one: two machines that began with one backup are two stores, and must not share presence.
func Restore(ctx context.Context, from, path string, force bool) (r Restored, err error) {
	if err := wantAccounts(ctx, from); err != nil {
		return r, err
	}
	before, there, err := whatIsThere(ctx, path, force)
	if err != nil {
		return r, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return r, fmt.Errorf("cannot make the folder of the database: %w", err)
	}
	temporary, users, err := extract(ctx, from, path)
	if err != nil {
		return r, err
	}
	defer os.Remove(temporary) // does nothing after Rename
	if r.Users = users; before != "" {
		id, err := Peek(ctx, Config{Path: temporary})
		if r.Same = id == before; err != nil {
			return r, err
		}
	}
	if err := prepareRestored(ctx, temporary, !r.Same); err != nil {
		return r, err
	}
	if there {
		if r.Kept, err = setAside(path); err != nil {
			return r, err
		}
	}
	for _, beside := range []string{"-wal", "-shm"} { // of a database that is no more, they would be taken for this one's
		if err := os.Remove(path + beside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return r, err
		}
	}
	if err := os.Rename(temporary, path); err != nil {
		return r, err
	}
	return r, syncFolder(filepath.Dir(path))
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

// whatIsThere returns the id of the store that is at path, "" when there is none or it cannot be read, and whether there
// is a file. A file needs force, and must not be in use.
func whatIsThere(ctx context.Context, path string, force bool) (id string, there bool, err error) {
	if info, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	} else if err != nil {
		return "", false, err
	} else if info.IsDir() {
		return "", false, fmt.Errorf("%s is a folder: name a file", path)
	}
	if !force {
		return "", true, fmt.Errorf("%s is there already: add --force to put the backup in its place; the file is kept under another name", path)
	}
	if err := recognise(ctx, path); err != nil && sqliteCode(err) == 0 {
		return "", true, err // a good database of another program
	}
	if err := wantUnused(ctx, path); err != nil {
		return "", true, err
	}
	id, _ = Peek(ctx, Config{Path: path}) // it may be damaged: that is what backups are for
	return id, true, nil
}

// wantUnused returns an error when somebody has the database at path open. A file so damaged that it has no locks to ask
// about counts as unused.
func wantUnused(ctx context.Context, path string) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", sqliteURI(absolute)+"?_txlock=exclusive&_pragma=busy_timeout(0)&_pragma=locking_mode(EXCLUSIVE)")
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err == nil {
		return tx.Rollback()
	}
	if isBusy(err) {
		return fmt.Errorf("%s is in use: stop the server, and whatever else has it open, first", path)
	}
	return nil
}

// extract writes what the database at path holds into a temporary file beside the one it is meant for, checks it, and sees
// to it that it is on the disk.
func extract(ctx context.Context, path, meantFor string) (temporary string, users int, err error) {
	if path, err = filepath.Abs(path); err != nil {
		return "", 0, err
	}
	f, err := os.CreateTemp(filepath.Dir(meantFor), "."+filepath.Base(meantFor)+".*.part") // for its owner alone
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
	if err := wantSound(ctx, db, path); err != nil { // VACUUM would make a sound file of what it can still read
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

// inspect makes sure that a database which nobody uses is sound, and counts its accounts.
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

// wantSound returns an error when a database is damaged.
func wantSound(ctx context.Context, db *sql.DB, path string) error {
	var quick string
	var orphans int
	err := db.QueryRowContext(ctx, `SELECT (SELECT quick_check FROM pragma_quick_check LIMIT 1), (SELECT count(*) FROM pragma_foreign_key_check)`).
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

// prepareRestored gives a restored file a new id, if it is to have one, and sees to it that it is on the disk.
func prepareRestored(ctx context.Context, path string, another bool) error {
	if another {
		path, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		db, err := sql.Open("sqlite", sqliteURI(path)+"?mode=rw&_pragma=synchronous(FULL)&_pragma=secure_delete(1)")
		if err != nil {
			return err
		}
		_, err = db.ExecContext(ctx, "UPDATE meta SET label = $1 WHERE name = 'store'", rand.Text())
		if err = errors.Join(err, db.Close()); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// setAside gives a database another name, with what SQLite left beside it.
func setAside(path string) (kept string, err error) {
	kept = path + ".before-" + time.Now().UTC().Format("20060102T150405.000Z")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+suffix, kept+suffix); err != nil && (suffix == "" || !errors.Is(err, fs.ErrNotExist)) {
			return "", err
		}
	}
	return kept, nil
}

// syncFolder sees to it that a new name is on the disk. Where folders cannot be synced the system does it.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	defer folder.Close()
	folder.Sync()
	return nil
}
