package accounts

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestPeek: Peek reads a store that is open elsewhere, and changes nothing, not even an old schema.
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
		t.Errorf("Peek at an empty file = %q, %v, want no id", id, err)
	}
	other := filepath.Join(t.TempDir(), "other.db")
	do(t, "WriteFile", os.WriteFile(other, []byte("some other file, and no database"), 0o600))
	if id, err := Peek(t.Context(), Config{Path: other}); err == nil {
		t.Errorf("Peek at a file that isn't a database = %q, want an error", id)
	}
}

// Reading a backup never changes it or creates files beside it, even in a read-only folder.
func TestBackupsStayAsTheyAre(t *testing.T) {
	path, folder := newFile(t), filepath.Join(t.TempDir(), "backups")
	s := open(t, Config{Path: path})
	add(t, s, "ada", "", "")
	do(t, "Mkdir", os.Mkdir(folder, 0o700))
	backup := filepath.Join(folder, "backup.db")
	_, err := Backup(t.Context(), path, backup, false)
	do(t, "Backup", err)
	do(t, "Chmod", errors.Join(os.Chmod(backup, 0o400), os.Chmod(folder, 0o500)))
	t.Cleanup(func() { os.Chmod(folder, 0o700) })
	before, err := os.ReadFile(backup)
	do(t, "ReadFile", err)
	unchanged := func(what string, err error) {
		t.Helper()
		do(t, what, err)
		if after, err := os.ReadFile(backup); err != nil || string(after) != string(before) {
			t.Errorf("%s changed the backup (%v)", what, err)
		}
		folderHolds(t, folder, "backup.db")
	}
	_, err = Peek(t.Context(), Config{Path: backup})
	unchanged("Peek", err)
	_, err = Restore(t.Context(), backup, newFile(t), false)
	unchanged("Restore", err)
	_, err = Copy(t.Context(), backup, Config{URL: emptyDatabase(t)})
	unchanged("Copy", err)
	_, err = Backup(t.Context(), backup, filepath.Join(t.TempDir(), "again.db"), false)
	unchanged("Backup", err)
}
