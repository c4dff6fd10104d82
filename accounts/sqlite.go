package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// applicationID marks SQLite files as Rollcall's: "roll".
const applicationID = 0x726F6C6C

// busyTimeout is how long SQLite waits for other processes before it gives up, milliseconds.
const busyTimeout = 5000

// sqliteKind is one file with one writer.
var sqliteKind = kind{
	schema:   func(text string) string { return strings.ReplaceAll(text, ` COLLATE "C"`, "") }, // it knows no other order
	claim:    claimSQLite,
	prepares: true,
	snapshot: &sql.TxOptions{ReadOnly: true},
	wipe:     true,
}

// claimSQLite marks the file as Rollcall's, and refuses one that another program filled since recognise looked. The
// transaction is the only one that writes.
func claimSQLite(ctx context.Context, tx *sql.Tx) (used bool, err error) {
	var id, ours, others int64
	err = tx.QueryRowContext(ctx, `SELECT application_id, (SELECT count(*) FROM sqlite_schema WHERE name = 'schema_migrations'),
		(SELECT count(*) FROM sqlite_schema WHERE tbl_name <> 'schema_migrations') FROM pragma_application_id`).Scan(&id, &ours, &others)
	if err != nil || id == applicationID {
		return ours > 0, err
	}
	if id != 0 || others > 0 {
		return false, fmt.Errorf("the database belongs to another program; choose another file")
	}
	_, err = tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID))
	return ours > 0, err
}

// openSQLite opens the file at path, making it and its folder when they are missing, and returns a handle to write
// (one connection: SQLite has one writer, and database/sql queues better than SQLite polls) and one that can only read.
func openSQLite(ctx context.Context, path string, log *slog.Logger) (w, r *sql.DB, f *file, err error) {
	if path == "" || path == ":memory:" || strings.HasPrefix(path, "file:") {
		return nil, nil, nil, fmt.Errorf("database %q: give the path of a file", path)
	}
	if path, err = filepath.Abs(path); err != nil {
		return nil, nil, nil, err
	}
	if f, err = prepareFile(ctx, path, log); err != nil {
		return nil, nil, nil, err
	}
	toWrite, err := f.connector(sqliteDSN(path, true))
	if err != nil {
		return nil, nil, nil, err
	}
	toRead, err := f.connector(sqliteDSN(path, false))
	if err != nil {
		return nil, nil, nil, err
	}
	w, r = sql.OpenDB(toWrite), sql.OpenDB(toRead)
	readers := max(4, runtime.NumCPU())
	w.SetMaxOpenConns(1)
	r.SetMaxOpenConns(readers)
	r.SetMaxIdleConns(readers)
	if err := w.PingContext(ctx); err != nil { // the first connection switches a new file to WAL
		w.Close()
		r.Close()
		return nil, nil, nil, explainSQLite(path, err)
	}
	return w, r, f, nil
}

// prepareFile makes sure that path leads to a file that is ours to use, and remembers which one.
func prepareFile(ctx context.Context, path string, log *slog.Logger) (*file, error) {
	if err := makeFile(path); err != nil {
		return nil, err
	}
	f, err := openedFile(path)
	if err != nil {
		return nil, err
	}
	if strange, err := strangersLog(path); err == nil && strange { // with an error SQLite will say why
		return nil, fmt.Errorf("a server still uses the database that was at %s before: "+
			"stop it first, or its log would be taken for the log of this file", path)
	}
	if err := recognise(ctx, path); err != nil {
		return nil, err
	}
	closeToOthers(path, log) // not before: the file may be another program's, named by mistake
	return f, nil
}

// sqliteDSN holds all settings of a connection: a PRAGMA sent later would reach one connection of a pool.
func sqliteDSN(path string, write bool) string {
	q := url.Values{"_defensive": {"1"}, "_txlock": {"immediate"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyTimeout), "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "journal_size_limit(16777216)",
	}}
	if write {
		q.Add("_pragma", "cache_size(-8192)") // KiB; three times as fast as the usual 2 MiB on 100,000 accounts
		q.Add("_pragma", "secure_delete(1)")  // what is deleted is overwritten with zeros, but see wipe
		q.Add("_pragma", "temp_store(2)")     // in memory: wipe must leave nothing elsewhere
	} else {
		q.Set("_txlock", "deferred")
		q.Add("_pragma", "cache_size(-1024)") // of each reader: the operating system caches the file once for all
		q.Add("_pragma", "query_only(1)")
	}
	return sqliteURI(path) + "?" + q.Encode()
}

// peekDSN is for looking at a file that stays what it is, a backup say, which may be one that cannot be written.
func peekDSN(path string) string {
	return sqliteURI(path) + fmt.Sprintf("?_pragma=busy_timeout(%d)&_pragma=query_only(1)", busyTimeout)
}

func sqliteURI(path string) string {
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") { // a drive letter
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

// makeFile makes the file and its folder, closed to others, where they are missing.
func makeFile(path string) error {
	if err := makeFolder(path); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	made := err == nil
	if errors.Is(err, fs.ErrExist) {
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	}
	if err != nil {
		return fmt.Errorf("cannot write the database: %w", err)
	}
	if made {
		err = giveTo(f, filepath.Dir(path)) // what root makes, the server must be able to open
	}
	return errors.Join(err, f.Close())
}

// makeFolder makes the folder of the database at path.
func makeFolder(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("cannot make the folder of the database: %w", err)
	}
	return nil
}

// closeToOthers closes a file that is open to other users of the machine; SQLite gives the files beside it (-wal, -shm)
// the same permissions. The folder is left as it is.
func closeToOthers(path string, log *slog.Logger) {
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm()&0o077 == 0 {
			continue
		}
		if err := os.Chmod(name, 0o600); err != nil && !errors.Is(err, fs.ErrNotExist) {
			log.Warn("the database can be read by other users of this machine", "file", name, "err", err)
		}
	}
}

// recognise returns an error unless the file is empty or Rollcall's. It changes nothing, so that a file named by
// mistake stays what it was.
func recognise(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", peekDSN(path))
	if err != nil {
		return err
	}
	defer db.Close()
	var id, objects int64
	err = db.QueryRowContext(ctx, "SELECT application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id").
		Scan(&id, &objects)
	switch {
	case err != nil:
		return explainSQLite(path, err)
	case id == applicationID || id == 0 && objects == 0:
		return nil
	}
	return fmt.Errorf("%s is the database of another program; choose another file", path)
}

// explainSQLite says in words what the operator can do about an error from opening path.
func explainSQLite(path string, err error) error {
	switch sqliteCode(err) & 0xff {
	case sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%s is not a database; choose another file: %w", path, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("cannot write %s or beside it; make its folder writable or choose another: %w", path, err)
	case sqlite3.SQLITE_CORRUPT:
		return fmt.Errorf("%s is damaged; restore a backup: %w", path, err)
	}
	return fmt.Errorf("open %s: %w", path, err)
}

// sqliteCode is the extended result code behind err, 0 when it is none of SQLite's.
func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}
