package accounts

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Restore replaces a file, keeps the old one under another name, and leaves no other files.
func TestRestore(t *testing.T) {
	path := newFile(t)
	backup := filepath.Join(t.TempDir(), "backup.db")
	s := open(t, Config{Path: path})
	id := s.ID()
	u := add(t, s, "ada", "", "")
	token, _ := signIn(t, s, u.ID)
	_, err := Backup(t.Context(), path, backup, false)
	do(t, "Backup", err)
	add(t, s, "later", "", "")

	_, err = Restore(t.Context(), backup, path, false)
	wantSays(t, "Restore over a file", err, "already exists: add --force")
	_, err = Restore(t.Context(), backup, path, true)
	wantSays(t, "Restore over a file in use", err, "is in use: first stop the server")
	do(t, "Close", s.Close())
	for _, beside := range []string{"-wal", "-shm"} {
		do(t, "WriteFile", os.WriteFile(path+beside, []byte("stale"), 0o600))
	}

	done, err := Restore(t.Context(), backup, path, true)
	if err != nil || done.Users != 1 || !done.Same || done.Kept == "" {
		t.Fatalf("Restore = %+v, %v, want one account of the same store", done, err)
	}
	folderHolds(t, filepath.Dir(path), "rollcall.db", filepath.Base(done.Kept))
	s = open(t, Config{Path: path})
	if _, got, err := s.SessionByToken(t.Context(), token); err != nil || got.ID != u.ID || s.ID() != id {
		t.Errorf("after Restore SessionByToken = %s, %v in store %s, want %s in %s", got.ID, err, s.ID(), u.ID, id)
	}
	_, err = s.UserByName(t.Context(), "later")
	wantErr(t, "UserByName of somebody after the backup", err, ErrNotFound)
	if _, err := open(t, Config{Path: done.Kept}).UserByName(t.Context(), "later"); err != nil {
		t.Errorf("UserByName in the old file = %v, want no error", err)
	}

	elsewhere := newFile(t)
	done, err = Restore(t.Context(), backup, elsewhere, false)
	if other := open(t, Config{Path: elsewhere}); err != nil || done.Same || done.Kept != "" || other.ID() == id {
		t.Errorf("Restore elsewhere = %+v, %v with the id %s, want a different one than %s", done, err, other.ID(), id)
	}
}

// A file that another process uses isn't replaced. A damaged database is, but only by an undamaged backup.
func TestRestoreOverDamagedOrUsedFile(t *testing.T) {
	path := newFile(t)
	backup := filepath.Join(t.TempDir(), "backup.db")
	c := startChild(t, "signups", path, "user")
	c.begin.Close()
	if !c.out.Scan() {
		t.Fatalf("no sign-up: %s", c.stderr)
	}
	_, err := Backup(t.Context(), path, backup, false)
	do(t, "Backup of a file that another process has open", err)
	_, err = Restore(t.Context(), backup, path, true)
	wantSays(t, "Restore over a file that another process has open", err, "is in use")
	c.Process.Kill()
	c.lines()
	c.Wait()

	do(t, "Remove", os.Remove(path+"-wal")) // otherwise SQLite would repair the file with it
	damaged, err := os.ReadFile(path)
	do(t, "ReadFile", err)
	copy(damaged, strings.Repeat("x", 100))
	do(t, "WriteFile", os.WriteFile(path, damaged, 0o600))
	bad := filepath.Join(t.TempDir(), "bad.db")
	content, err := os.ReadFile(backup)
	do(t, "ReadFile", err)
	do(t, "WriteFile", os.WriteFile(bad, content[:len(content)/2], 0o600))
	if _, err := Restore(t.Context(), bad, path, true); err == nil {
		t.Error("Restore of half a backup = no error, want one")
	}
	if now, err := os.ReadFile(path); err != nil || string(now) != string(damaged) {
		t.Errorf("a refused Restore changed the file (%v)", err)
	}
	done, err := Restore(t.Context(), backup, path, true)
	if err != nil || done.Users == 0 || done.Same {
		t.Errorf("Restore over a damaged file = %+v, %v, want accounts in a new store", done, err)
	}
	open(t, Config{Path: path})
}

// Nobody can open a file while it's being replaced. Otherwise a server that starts then would keep writing to the old
// file.
func TestRestoreHoldsTheFile(t *testing.T) {
	path := newFile(t)
	s := open(t, Config{Path: path})
	id := s.ID()
	do(t, "Close", s.Close())
	do(t, "whileUnused", whileUnused(t.Context(), path, func(got string) error {
		if got != id {
			t.Errorf("whileUnused gives the id %q, want %q", got, id)
		}
		db, err := sql.Open("sqlite", sqliteURI(path))
		do(t, "Open", err)
		defer db.Close()
		if _, err = db.Exec("SELECT count(*) FROM users"); !isBusy(err) {
			t.Errorf("a query of a file that is being replaced = %v, want SQLITE_BUSY", err)
		}
		return nil
	}))
	do(t, "Mkdir", os.Mkdir(path+"-journal", 0o700))
	do(t, "Mkdir", os.Mkdir(path+"-wal", 0o700)) // SQLite can't open the database, so it can't tell
	called := false
	err := whileUnused(t.Context(), path, func(string) error { called = true; return nil })
	if wantSays(t, "whileUnused of a file that cannot be locked", err, "cannot tell whether"); called {
		t.Error("a file that cannot be locked counts as unused")
	}
}

// If the path is a symbolic link, its target is replaced.
func TestRestoreBehindALink(t *testing.T) {
	path, folder := newFile(t), t.TempDir()
	do(t, "Close", open(t, Config{Path: path}).Close())
	link, backup := filepath.Join(folder, "board.db"), filepath.Join(t.TempDir(), "backup.db")
	do(t, "Symlink", os.Symlink(path, link))
	_, err := Backup(t.Context(), link, backup, false)
	do(t, "Backup", err)
	done, err := Restore(t.Context(), backup, link, true)
	if err != nil || filepath.Dir(done.Kept) != filepath.Dir(path) {
		t.Errorf("Restore = %+v, %v, want the old file kept in %s", done, err, filepath.Dir(path))
	}
	folderHolds(t, folder, "board.db")
	folderHolds(t, filepath.Dir(path), "rollcall.db", filepath.Base(done.Kept))
	do(t, "Remove", os.Remove(path))
	_, err = Restore(t.Context(), backup, link, true)
	wantSays(t, "Restore through a link to nothing", err, "no such file")
	folderHolds(t, folder, "board.db")
}

// If the new file can't be renamed, the old one stays.
func TestReplaceIsUndone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "board.db")
	for _, end := range []string{"", "-wal", "-shm"} {
		do(t, "WriteFile", os.WriteFile(path+end, []byte("before"+end), 0o600))
	}
	kept, err := replace(path+".none", path, true)
	if err == nil || kept != "" {
		t.Errorf("replace by nothing = %q, %v, want an error", kept, err)
	}
	folderHolds(t, filepath.Dir(path), "board.db", "board.db-shm", "board.db-wal")
	for _, end := range []string{"", "-wal", "-shm"} {
		if got, err := os.ReadFile(path + end); err != nil || string(got) != "before"+end {
			t.Errorf("board.db%s = %q, %v, want its old content", end, got, err)
		}
	}
}
