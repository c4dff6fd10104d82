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

// Restored says what Restore did.
type Restored struct {
	Users int    // accounts in the file
	Kept  string // where the file is that was there before; "": there was none
	Same  bool   // it is the same store as before; else it has a new id
}

// Restore puts what the backup at from holds in the place of the SQLite file at path, which no process may have open. A
// file that is there stays under another name, and needs force. The store keeps its id when it replaces a file of the same store.
// Elsewhere it gets a new one: two machines that began with one backup are two stores, and must not share presence. Done
// by root, the file belongs to whoever the one before belonged to, or its folder.
func Restore(ctx context.Context, from, path string, force bool) (r Restored, err error) {
	if err := wantAccounts(ctx, from); err != nil {
		return r, err
	}
	if path, err = behindLinks(path); err != nil {
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

// RestoreFrom is Restore for a backup that is open, and that this process could perhaps not open by its name. Only a file
// that looks like one of Rollcall's is copied at all: what else the name led to is nobody's business.
func RestoreFrom(ctx context.Context, backup *os.File, path string, force bool) (r Restored, err error) {
	header := make([]byte, 72)
	if _, err := backup.ReadAt(header, 0); err != nil && !errors.Is(err, io.EOF) {
		return r, err
	}
	if !bytes.HasPrefix(header, []byte("SQLite format 3\x00")) || binary.BigEndian.Uint32(header[68:]) != applicationID {
		return r, fmt.Errorf("%s is not a database of Rollcall's", backup.Name())
	}
	if path, err = behindLinks(path); err != nil {
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

// behindLinks is where path leads through symbolic links, which are not to be replaced by what they lead to.
func behindLinks(path string) (string, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return path, nil
	}
	return filepath.EvalSymlinks(path)
}

// mayReplace reports whether there is a file at path. It needs force, and must not be another program's.
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
		return true, fmt.Errorf("%s is there already: add --force to put the backup in its place; the file is kept under another name", path)
	}
	if err := wantNoLog(path); err != nil {
		return true, err
	}
	if err := recognise(ctx, path); err != nil && sqliteCode(err) == 0 {
		return true, err // a good database of another program
	}
	return true, nil
}

// wantNoLog returns an error when somebody uses the log beside path. That may be a server whose file was moved away: it
// goes on with that log, which would ruin a new file at path.
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

// whileUnused calls fn while nobody else can use the database at path, with the id of its store, "" when that cannot be
// read: it may be damaged, that is what backups are for. A file so damaged that it has no locks to ask about counts as
// unused, no other.
func whileUnused(ctx context.Context, path string, fn func(id string) error) error {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	// Without a log of its own the file is whole when it gets another name, and SQLite, which removes a log by its name,
	// cannot remove that of the file that comes into its place.
	db, err := sql.Open("sqlite", sqliteURI(absolute)+"?mode=rw&_txlock=exclusive&_pragma=busy_timeout(0)&_pragma=locking_mode(EXCLUSIVE)&_pragma=journal_mode(DELETE)")
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
	if runtime.GOOS == "windows" { // it gives no file another name that somebody has open, us included: that is lock enough
		tx.Rollback()
		db.Close()
	}
	return fn(id)
}

// wantUnused returns an error when somebody has the database at path open. It changes nothing.
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
	if err != nil {
		return inUse(path, err)
	}
	return tx.Rollback()
}

// inUse says why the database at path could not be locked, nil when it has no locks.
func inUse(path string, err error) error {
	switch code := sqliteCode(err) & 0xff; {
	case code == sqlite3.SQLITE_NOTADB || code == sqlite3.SQLITE_CORRUPT:
		return nil
	case isBusy(err):
		return usedFile(path)
	}
	return fmt.Errorf("nobody can tell whether %s is in use: run this as the user that the server runs as, or as root: %w", path, err)
}

func usedFile(path string) error {
	return fmt.Errorf("%s is in use: stop the server, and whatever else has it open, first", path)
}

// prepareRestored gives a restored file a new id, if it is to have one, and the owner that it must have at path, and sees to
// it that it is on the disk.
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
	like := path // which it replaces
	if _, err := os.Stat(path); err != nil {
		like = filepath.Dir(path)
	}
	return errors.Join(giveTo(f, like), f.Sync(), f.Close())
}

// replace gives the temporary file its name; what has it already, if there is anything, gets another one. When that fails
// all is as it was, or the error says where it is.
func replace(temporary, path string, there bool) (kept string, err error) {
	if there {
		kept = path + ".before-" + time.Now().UTC().Format("20060102T150405.000Z")
		if err := moveDatabase(path, kept); err != nil {
			return "", err
		}
	}
	for _, beside := range besides { // of a database that is no more, they would be taken for this one's
		if err = os.Remove(path + beside); errors.Is(err, fs.ErrNotExist) {
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
			err = fmt.Errorf("%w; what was there before is in %s: give it its name back (%w)", err, kept, back)
		}
	}
	return "", err
}

// besides are the ends of the names of what SQLite leaves beside a database.
var besides = []string{"-wal", "-shm"}

// moveDatabase gives a database another name, with what SQLite left beside it: all or nothing.
func moveDatabase(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	for i, beside := range besides {
		err := os.Rename(from+beside, to+beside)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			continue
		}
		for _, moved := range besides[:i] {
			os.Rename(to+moved, from+moved)
		}
		if back := os.Rename(to, from); back != nil {
			return fmt.Errorf("%w; what was there before is in %s: give it its name back (%w)", err, to, back)
		}
		return err
	}
	return nil
}
