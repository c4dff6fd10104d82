package accounts

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"
)

func wantOpenError(t *testing.T, path, says string) {
	t.Helper()
	s, err := Open(t.Context(), Config{Path: path})
	if err == nil {
		s.Close()
		t.Fatalf("Open(%s) = no error, want one that says %q", path, says)
	}
	if !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
		t.Errorf("Open(%s) = %v, want one line that says %q", path, err, says)
	}
}

// Only their owner can read the database, the files beside it, and a folder created for it.
func TestFilesArePrivate(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new", "data")
	path := filepath.Join(folder, "rollcall.db")
	s := open(t, Config{Path: path})
	add(t, s, "ada", "", "")
	check := func(name string, want fs.FileMode) {
		t.Helper()
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s has mode %v, %v, want %v", name, info, err, want)
		}
	}
	check(folder, 0o700)
	check(filepath.Dir(folder), 0o700)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		check(path+suffix, 0o600)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, Config{Path: path})
	check(path, 0o600)
}

// All settings apply to all connections of both pools.
func TestPragmas(t *testing.T) {
	s := open(t, Config{})
	readers := s.r.db.Stats().MaxOpenConnections
	if n := s.w.db.Stats().MaxOpenConnections; n != 1 || readers < 4 {
		t.Errorf("%d writers and %d readers, want 1 and at least 4", n, readers)
	}
	for _, h := range []struct {
		db        *sql.DB
		n         int
		queryOnly string
		erases    string
	}{{s.w.db, 1, "0", "1"}, {s.r.db, readers, "1", "0"}} {
		for range h.n {
			conn, err := h.db.Conn(t.Context())
			do(t, "Conn", err)
			defer conn.Close() // kept open, so that the next one is different
			for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1",
				"busy_timeout": "5000", "query_only": h.queryOnly, "secure_delete": h.erases,
				"application_id": fmt.Sprint(applicationID)} {
				var got string
				if err := conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
					t.Errorf("PRAGMA %s = %s, %v, want %s", pragma, got, err, want)
				}
			}
		}
	}
}

func TestOddPaths(t *testing.T) {
	for _, name := range []string{"with space.db", "q?mode=memory.db", "50%20.db", "a#b.db", "ümlaut'\".db",
		"a&_pragma=x.db"} {
		path := filepath.Join(t.TempDir(), name)
		s := open(t, Config{Path: path})
		add(t, s, "ada", "", "")
		s.Close()
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil || len(entries) != 1 || entries[0].Name() != name {
			t.Errorf("after Close, the folder of %q holds %v, %v, want only the file", name, entries, err)
		}
		if _, err := open(t, Config{Path: path}).UserByName(t.Context(), "ada"); err != nil {
			t.Errorf("UserByName in %q = %v, want no error", name, err)
		}
	}
	for _, path := range []string{"", ":memory:", "file:x.db?mode=memory"} {
		wantOpenError(t, path, "give the path of a file")
	}
	t.Chdir(t.TempDir())
	open(t, Config{Path: "here.db"})
	if _, err := os.Stat("here.db"); err != nil {
		t.Errorf("a relative path: %v", err)
	}
}

func TestUnwritableFolder(t *testing.T) {
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantOpenError(t, filepath.Join(file, "sub", "rollcall.db"), "cannot create the folder")
	wantOpenError(t, folder, "cannot write the database")
	if os.Getuid() != 0 { // root can write everywhere
		if err := os.Chmod(folder, 0o500); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(folder, 0o700)
		wantOpenError(t, filepath.Join(folder, "rollcall.db"), "cannot write the database")
	} else {
		wantOpenError(t, "/proc/rollcall/rollcall.db", "cannot create the folder")
		wantOpenError(t, "/proc/rollcall.db", "cannot write the database")
	}
}

// A file that isn't Rollcall's is refused and not changed.
func TestForeignFiles(t *testing.T) {
	script := func(statements string) func(string) error {
		return func(path string) error {
			db, err := sql.Open("sqlite", sqliteURI(path))
			if err != nil {
				return err
			}
			defer db.Close()
			_, err = db.Exec(statements)
			return err
		}
	}
	for _, c := range []struct {
		name, says string
		make       func(path string) error
	}{
		{"another program", "another program",
			script("CREATE TABLE users (id INTEGER PRIMARY KEY); INSERT INTO users VALUES (1)")},
		{"another program's migrations", "another program", script("CREATE TABLE schema_migrations (version TEXT)")},
		{"another application_id", "another program",
			script("PRAGMA application_id = 252006673; CREATE TABLE x (y); DROP TABLE x")},
		{"text", "not a database",
			func(path string) error { return os.WriteFile(path, []byte(strings.Repeat("hello ", 1000)), 0o600) }},
	} {
		path := filepath.Join(t.TempDir(), "x.db")
		do(t, c.name, c.make(path))
		before, err := os.ReadFile(path)
		do(t, "ReadFile", err)
		wantOpenError(t, path, c.says)
		after, err := os.ReadFile(path)
		if err != nil || string(after) != string(before) {
			t.Errorf("%s: the refused file was changed (%v)", c.name, err)
		}
	}
	path := filepath.Join(t.TempDir(), "empty.db")
	do(t, "WriteFile", os.WriteFile(path, nil, 0o600))
	open(t, Config{Path: path}) // an empty file is accepted
}

func TestNewerFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s := open(t, Config{Path: path})
	if _, err := s.w.db.Exec("INSERT INTO schema_migrations (version, name, at) VALUES (9999, 'later', 0)"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	wantOpenError(t, path, "made by a newer version of Rollcall (schema 9999")
	wantOpenError(t, path, path)
}

// If a step fails, it and the steps before it are undone. Finished steps aren't run again.
func TestMigrate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	db, err := sql.Open("sqlite", sqliteDSN(path, true))
	do(t, "sql.Open", err)
	defer db.Close()
	one := migration{1, "0001_one.sql", "CREATE TABLE one (x TEXT); CREATE INDEX one_x ON one (x);"}
	two := migration{2, "0002_two.sql", "CREATE TABLE two (x TEXT)"}
	bad := migration{2, "0002_bad.sql", "CREATE TABLE two (x TEXT); CREATE TABLE one (x TEXT)"}
	if err := migrate(t.Context(), newHandle(db, sqliteDialect), []migration{one, bad}, 1); err == nil ||
		!strings.Contains(err.Error(), bad.name) {
		t.Errorf("migrate with a bad step = %v, want an error that names it", err)
	}
	count := func(table string) (n int) {
		t.Helper()
		if err := db.QueryRow("SELECT count(*) FROM sqlite_schema WHERE name = $1", table).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if count("one")+count("two")+count("schema_migrations") != 0 {
		t.Error("a failed migration left tables")
	}
	do(t, "migrate", migrate(t.Context(), newHandle(db, sqliteDialect), []migration{one}, 1))
	do(t, "migrate", migrate(t.Context(), newHandle(db, sqliteDialect), []migration{one}, 1))
	do(t, "migrate", migrate(t.Context(), newHandle(db, sqliteDialect), []migration{one, two}, 2))
	if count("one") != 1 || count("two") != 1 {
		t.Error("tables are missing after migrate")
	}
	for _, names := range [][]string{{"0002_x.sql"}, {"0001_a.sql", "0001_b.sql"}, {"0001_a.sql", "0003_b.sql"},
		{"one.sql"}} {
		files := fstest.MapFS{}
		for _, name := range names {
			files["migrations/"+name] = &fstest.MapFile{}
		}
		if _, err := allMigrations(files); err == nil {
			t.Errorf("allMigrations(%v) = no error, want one", names)
		}
	}
}

// A writer that waits too long for another process gets ErrBusy. A reader doesn't wait.
func TestBusyDatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s := open(t, Config{Path: path})
	u := add(t, s, "ada", "", "")
	other, err := sql.Open("sqlite", sqliteDSN(path, true))
	do(t, "sql.Open", err)
	defer other.Close()
	tx, err := other.Begin()
	do(t, "Begin", err)
	defer tx.Rollback()
	if _, err := s.w.db.Exec("PRAGMA busy_timeout = 50"); err != nil { // the only connection that writes
		t.Fatal(err)
	}
	wantErr(t, "Rename", s.Rename(t.Context(), u.ID, "Ada"), ErrBusy)
	if _, err := s.UserByID(t.Context(), u.ID); err != nil {
		t.Errorf("UserByID = %v, want no error", err)
	}
	do(t, "Rollback", tx.Rollback())
	do(t, "Rename", s.Rename(t.Context(), u.ID, "Ada"))
}

// Opening a database that other processes hold is retried for 10 s.
func TestRetryWhileBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	open(t, Config{Path: path})
	db, err := sql.Open("sqlite", sqliteURI(path)+"?_txlock=immediate")
	do(t, "sql.Open", err)
	defer db.Close()
	tx, err := db.Begin()
	do(t, "Begin", err)
	defer tx.Rollback()
	_, busy := db.Begin()
	if !isBusy(busy) {
		t.Fatalf("a second writer = %v, want SQLITE_BUSY", busy)
	}
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		err := retryWhileBusy(t.Context(), func(context.Context) error {
			if tries++; tries < 4 {
				return fmt.Errorf("open: %w", busy)
			}
			return nil
		})
		if err != nil || tries != 4 {
			t.Errorf("retryWhileBusy = %v after %d tries, want no error after 4", err, tries)
		}
		tries = 0
		wantErr(t, "retryWhileBusy", retryWhileBusy(t.Context(), func(context.Context) error { tries++; return ErrTaken }),
			ErrTaken)
		if tries != 1 {
			t.Errorf("retryWhileBusy tried %d times after another error, want once", tries)
		}
		err = retryWhileBusy(t.Context(), func(ctx context.Context) error {
			select {
			case <-time.After(2 * openPatience): // upgrading a large database
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		do(t, "retryWhileBusy with a long try", err)
		start := time.Now()
		err = retryWhileBusy(t.Context(), func(context.Context) error { return busy })
		if waited := time.Since(start); !isBusy(err) || waited != openPatience {
			t.Errorf("retryWhileBusy = %v after %v, want SQLITE_BUSY after %v", err, waited, openPatience)
		}
	})
}

// A caller that stops waiting for the writer leaves nothing behind.
func TestContextEndsTheWait(t *testing.T) {
	s := open(t, Config{})
	conn, err := s.w.db.Conn(t.Context())
	do(t, "Conn", err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Create(ctx, NewUser{Username: "ada", Password: secret})
	wantErr(t, "Create", err, context.Canceled)
	conn.Close()
	_, err = s.UserByName(t.Context(), "ada")
	wantErr(t, "UserByName", err, ErrNotFound)
	if err := s.write(ctx, nil); err == nil {
		t.Error("write with an ended context = no error, want one")
	}
}
