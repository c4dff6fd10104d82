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

// applicationID ("roll") marks SQLite files as Rollcall's.
const applicationID = 0x726F6C6C

// busyTimeout is how long SQLite waits for other processes before it gives up, in milliseconds.
const busyTimeout = 5000

// sqliteDialect is the dialect of SQLite: one file with one writer.
var sqliteDialect = dialect{
	schema:   func(text string) string { return strings.ReplaceAll(text, ` COLLATE "C"`, "") },
	adopt:    adoptSQLite,
	prepares: true,
	snapshot: &sql.TxOptions{ReadOnly: true},
	rev:      sqlRevAlone,
	wipe:     true,
}

// adoptSQLite marks the file as Rollcall's, and refuses a file that another program has filled since recognize checked
// it. It must run in a write transaction.
func adoptSQLite(ctx context.Context, tx *sql.Tx) (used bool, err error) {
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

// openSQLite opens the file at path and creates it and its folder if they're missing. w is a pool for writing, with one
// connection, because SQLite has one writer and database/sql queues better than SQLite polls. r can only read.
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
	readers := max(8, runtime.NumCPU()) // database/sql serves those who wait in random order, so few should wait
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

// prepareFile makes sure that path leads to a file that we can use, and remembers which one.
func prepareFile(ctx context.Context, path string, log *slog.Logger) (*file, error) {
	if err := makeFile(path); err != nil {
		return nil, err
	}
	f, err := openedFile(path)
	if err != nil {
		return nil, err
	}
	if strange, err := strangersLog(path); err == nil && strange { // after an error, SQLite reports the reason
		return nil, fmt.Errorf("a server still uses the database that was at %s before: "+
			"stop it first, or its log would be used with this file", path)
	}
	if err := recognize(ctx, path); err != nil {
		return nil, err
	}
	makePrivate(path, log) // only now, because the file might have been another program's
	return f, nil
}

// sqliteDSN returns a URI with all settings of a connection, because a later PRAGMA would affect only one connection of
// the pool.
func sqliteDSN(path string, write bool) string {
	q := url.Values{"_defensive": {"1"}, "_txlock": {"immediate"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyTimeout), "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
		"journal_size_limit(16777216)",
	}}
	if write {
		q.Add("_pragma", "cache_size(-8192)") // KiB; with 100,000 accounts three times as fast as the default 2 MiB
		q.Add("_pragma", "secure_delete(1)")  // overwrites deleted data with zeros, but see wipe
		q.Add("_pragma", "temp_store(2)")     // in memory, so that wipe leaves nothing elsewhere
	} else {
		q.Set("_txlock", "deferred")
		q.Add("_pragma", "cache_size(-1024)") // per reader: the operating system also caches the file for all of them
		q.Add("_pragma", "query_only(1)")
	}
	return sqliteURI(path) + "?" + q.Encode()
}

// peekDSN returns a URI for reading a file without changing it, for example a read-only backup.
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

// makeFile creates the file and its folder if they're missing, readable only by their owner.
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
		err = giveTo(f, filepath.Dir(path)) // the server must be able to open a file that root created
	}
	return errors.Join(err, f.Close())
}

// makeFolder creates the folder of the database at path.
func makeFolder(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("cannot create the folder of the database: %w", err)
	}
	return nil
}

// makePrivate makes a file readable only by its owner. SQLite gives the files beside it (-wal, -shm) the same
// permissions. The folder stays unchanged.
func makePrivate(path string, log *slog.Logger) {
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

// recognize returns an error unless the file is empty or Rollcall's. It doesn't change the file, which may be another
// program's.
func recognize(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", peekDSN(path))
	if err != nil {
		return err
	}
	defer db.Close()
	var id, objects int64
	err = db.QueryRowContext(ctx,
		"SELECT application_id, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id").
		Scan(&id, &objects)
	switch {
	case err != nil:
		return explainSQLite(path, err)
	case id == applicationID || id == 0 && objects == 0:
		return nil
	}
	return fmt.Errorf("%s is the database of another program; choose another file", path)
}

// explainSQLite says what the operator can do about an error from opening path.
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

// sqliteCode returns the extended SQLite result code of err, or 0.
func sqliteCode(err error) int {
	var e *sqlite.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}
