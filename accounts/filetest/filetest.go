// Package filetest makes SQLite databases for tests. Each is a copy of one file with the schema, because creating the
// schema takes longer than most tests. The program itself doesn't use it.
package filetest

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"rollcall/accounts"
)

// New returns the path of a new database with the schema, in a temporary folder of the test.
func New(t testing.TB) string {
	t.Helper()
	data, err := schema()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rollcall.db")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// schema returns the content of a database with nothing but the schema.
var schema = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "rollcall-schema-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "rollcall.db")
	store, err := accounts.Open(context.Background(), accounts.Config{CheapHashes: true, Path: path})
	if err != nil {
		return nil, err
	}
	if err := store.Close(); err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", path) // accounts imports the driver
	if err != nil {
		return nil, err
	}
	_, err = db.Exec("DELETE FROM meta WHERE name = 'store'") // each copy generates its own
	if err := errors.Join(err, db.Close()); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})
