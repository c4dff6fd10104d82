package accounts

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestPeek looks at a store beside the process that has it open, and changes nothing: not even an old schema.
func TestPeek(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s := open(t, Config{Path: path})
	if id, err := Peek(t.Context(), Config{Path: path}); err != nil || id != s.ID() {
		t.Errorf("Peek = %q, %v, want %q", id, err, s.ID())
	}
	do(t, "Close", s.Close())
	db, err := sql.Open("sqlite", path)
	do(t, "sql.Open", err)
	_, err = db.Exec(`DELETE FROM schema_migrations`)
	do(t, "Exec", errors.Join(err, db.Close()))
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Peek(t.Context(), Config{Path: path}); err != nil {
		t.Errorf("Peek at another schema = %v, want nil", err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("Peek changed the file")
	}
	empty := filepath.Join(t.TempDir(), "empty.db")
	do(t, "WriteFile", os.WriteFile(empty, nil, 0o600))
	if id, err := Peek(t.Context(), Config{Path: empty}); err != nil || id != "" {
		t.Errorf("Peek at an empty file = %q, %v, want nothing", id, err)
	}
	other := filepath.Join(t.TempDir(), "other.db")
	do(t, "WriteFile", os.WriteFile(other, []byte("some other file, and no database"), 0o600))
	if id, err := Peek(t.Context(), Config{Path: other}); err == nil {
		t.Errorf("Peek at no database = %q, want an error", id)
	}
}
