package accounts

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"time"

	sqlite3 "modernc.org/sqlite/lib"
)

// Restored is the result of Restore.
type Restored struct {
	Users int    // accounts in the file
	Kept  string // new path of the old file; "": there was none
	Same  bool   // it's the same store as before; otherwise it has a new id
}

// Restore replaces the SQLite file at path, which no process may have open, by the backup at from. If there is a file
// at path, force is required, and the file is kept under another name. The store keeps its id if it replaces a file of
// the same store. Otherwise it gets a new one, because two machines that restore the same backup are two stores and
// must not share presence. If root runs Restore, the new file gets the owner of the old file or of the folder.
func Restore(ctx context.Context, from, path string, force bool) (r Restored, err error) {
	if err := wantAccounts(ctx, from); err != nil {
		return r, err
	}
	if path, err = resolveLinks(path); err != nil {
		return r, err
	}
	there, err := mayReplace(ctx, path, force)
	if err != nil {
		return r, err
	}
	if err := makeFolder(path); err != nil {
		return r, err
	}
	temporary, users, err := extract(ctx, from, path)
	if err != nil {
		return r, err
	}
	defer os.Remove(temporary) // does nothing after Rename
	r.Users = users
	if !there {
		if err := prepareRestored(ctx, temporary, path, true); err != nil {
			return r, err
		}
		_, err = replace(temporary, path, false)
		return r, err
	}
	err = whileUnused(ctx, path, func(before string) error {
		id, err := Peek(ctx, Config{Path: temporary})
		if err != nil {
			return err
		}
		r.Same = id == before
		if err := prepareRestored(ctx, temporary, path, !r.Same); err != nil {
			return err
		}
		r.Kept, err = replace(temporary, path, true)
		return err
	})
	return r, err
}

// RestoreFrom is Restore for an open backup, which this process may not be allowed to open by name. It copies only
// files that look like Rollcall's, so that it can't leak other files.
func RestoreFrom(ctx context.Context, backup *os.File, path string, force bool) (r Restored, err error) {
	header := make([]byte, 72)
	if _, err := backup.ReadAt(header, 0); err != nil && !errors.Is(err, io.EOF) {
		return r, err
	}
	if !bytes.HasPrefix(header, []byte("SQLite format 3\x00")) || binary.BigEndian.Uint32(header[68:]) != applicationID {
		return r, fmt.Errorf("%s is not a Rollcall database", backup.Name())
	}
	if path, err = resolveLinks(path); err != nil {
		return r, err
	}
	if _, err := mayReplace(ctx, path, force); err != nil {
		return r, err
	}
	if err := makeFolder(path); err != nil {
		return r, err
	}
	copied, err := copyBeside(io.NewSectionReader(backup, 0, math.MaxInt64), path)
	if err != nil {
		return r, err
	}
	defer os.Remove(copied)
	return Restore(ctx, copied, path, force)
}

// resolveLinks follows symbolic links, so that Restore replaces the file and not the link.
func resolveLinks(path string) (string, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	return filepath.EvalSymlinks(path)
}

// mayReplace reports whether there is a file at path. If there is, it requires force and refuses files of other
// programs.
func mayReplace(ctx context.Context, path string, force bool) (there bool, err error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, wantNoLog(path)
	case err != nil:
		return false, err
	case info.IsDir():
		return false, fmt.Errorf("%s is a folder: name a file", path)
	case !force:
		return true, fmt.Errorf("%s already exists: add --force to replace it by the backup; the file is kept under another name", path)
	}
	if err := wantNoLog(path); err != nil {
		return true, err
	}
	if err := recognize(ctx, path); err != nil && sqliteCode(err) == 0 {
		return true, err // an undamaged database of another program
	}
	return true, nil
}

// wantNoLog returns an error if somebody uses the log beside path. That may be a server whose file was moved. It keeps
// using the log, which would corrupt a new file at path.
func wantNoLog(path string) error {
	used, err := logInUse(path)
	if err != nil {
		return inUse(path, err)
	}
	if used {
		return usedFile(path)
	}
	return nil
}

// whileUnused calls fn while nobody else can use the database at path. id is the id of its store, or "" if it can't be
// read, because the database may be damaged. Only a file that is too damaged to be locked counts as unused without a
// lock.
func whileUnused(ctx context.Context, path string, fn func(id string) error) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	// Without a write-ahead log, the file is complete when it's renamed. SQLite removes logs by name, so it also can't
	// remove the log of the new file.
	db, err := sql.Open("sqlite",
		sqliteURI(absolute)+"?mode=rw&_txlock=exclusive&_pragma=busy_timeout(0)&_pragma=locking_mode(EXCLUSIVE)&_pragma=journal_mode(DELETE)")
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		if err := inUse(path, err); err != nil {
			return err
		}
		return fn("")
	}
	defer tx.Rollback()
	var id string
	if err := tx.QueryRowContext(ctx, sqlStoreID).Scan(&id); err != nil {
		id = ""
	}
	if runtime.GOOS == "windows" { // Windows doesn't rename open files, not even our own, and needs no other lock
		tx.Rollback()
		db.Close()
	}
	return fn(id)
}

// wantUnused returns an error if somebody has the database at path open. It changes nothing.
func wantUnused(ctx context.Context, path string) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite",
		sqliteURI(absolute)+"?_txlock=exclusive&_pragma=busy_timeout(0)&_pragma=locking_mode(EXCLUSIVE)")
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return inUse(path, err)
	}
	return tx.Rollback()
}

// inUse explains why the database at path couldn't be locked. It returns nil if the file is too damaged to be locked.
func inUse(path string, err error) error {
	switch code := sqliteCode(err) & 0xff; {
	case code == sqlite3.SQLITE_NOTADB || code == sqlite3.SQLITE_CORRUPT:
		return nil
	case isBusy(err):
		return usedFile(path)
	}
	return fmt.Errorf("cannot tell whether %s is in use: run this as the server's user or as root: %w", path, err)
}

func usedFile(path string) error {
	return fmt.Errorf("%s is in use: first stop the server and any other program that has it open", path)
}

// prepareRestored gives a restored file a new id if another is set, changes its owner to the one it needs at path, and
// syncs it.
func prepareRestored(ctx context.Context, temporary, path string, another bool) error {
	if another {
		absolute, err := filepath.Abs(temporary)
		if err != nil {
			return err
		}
		db, err := sql.Open("sqlite", sqliteURI(absolute)+"?mode=rw&_pragma=synchronous(FULL)&_pragma=secure_delete(1)")
		if err != nil {
			return err
		}
		_, err = db.ExecContext(ctx, "UPDATE meta SET label = $1 WHERE name = 'store'", rand.Text())
		if err = errors.Join(err, db.Close()); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(temporary, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	like := path // the file that it replaces
	if _, err := os.Stat(path); err != nil {
		like = filepath.Dir(path)
	}
	return errors.Join(giveTo(f, like), f.Sync(), f.Close())
}

// replace renames the temporary file to path. If there is a file at path, it's renamed first. If that fails, everything
// is undone, or the error says where the old file is.
func replace(temporary, path string, there bool) (kept string, err error) {
	if there {
		kept = path + ".before-" + time.Now().UTC().Format("20060102T150405.000Z")
		if err := moveDatabase(path, kept); err != nil {
			return "", err
		}
	}
	for _, suffix := range logSuffixes { // SQLite would use them with the new database
		if err = os.Remove(path + suffix); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		if err != nil {
			break
		}
	}
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err == nil {
		return kept, syncFolder(filepath.Dir(path))
	}
	if there {
		if back := moveDatabase(kept, path); back != nil {
			err = fmt.Errorf("%w; the old file is in %s: rename it back (%w)", err, kept, back)
		}
	}
	return "", err
}

// logSuffixes are the suffixes of the files that SQLite may leave beside a database.
var logSuffixes = []string{"-wal", "-shm"}

// moveDatabase renames a database and the files beside it: all or nothing.
func moveDatabase(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	for i, suffix := range logSuffixes {
		err := os.Rename(from+suffix, to+suffix)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		for _, moved := range logSuffixes[:i] {
			os.Rename(to+moved, from+moved)
		}
		if back := os.Rename(to, from); back != nil {
			return fmt.Errorf("%w; the old file is in %s: rename it back (%w)", err, to, back)
		}
		return err
	}
	return nil
}
