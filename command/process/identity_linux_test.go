package process

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const nobody = 65532 // the user of the image

// Without root, becoming another user is an error, so no command continues as the wrong user.
func TestBecomeNeedsRoot(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Log("root can become anyone: TestRunAs in command checks that")
		return
	}
	if err := (Identity{nobody, nobody}).Become(); err == nil {
		t.Error("Become() without root = nil, want an error")
	}
}

// A file belongs to the database only if its whole name matches.
func TestOfDatabase(t *testing.T) {
	for name, want := range map[string]bool{
		"board.db": true, "board.db-wal": true, "board.db-shm": true, "board.db-journal": true,
		"board.db.before-20261124T200001.000Z-wal": true,
		"board.db2": false, "board.db-wal2": false, "board.db.key": false, "board": false, "-wal": false, "other.db": false,
	} {
		if got := ofDatabase(name, "board.db"); got != want {
			t.Errorf("ofDatabase(%s, board.db) = %t, want %t", name, got, want)
		}
	}
}

// Take doesn't give away a folder that also has other files, and doesn't follow symbolic links.
func TestTakeRefuses(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "letter"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(folder, link); err != nil {
		t.Fatal(err)
	}
	id := Identity{nobody, nobody}
	db := filepath.Join(folder, "rollcall.db")
	if err := os.WriteFile(db, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(link, "rollcall.db"):             "symbolic link",
		filepath.Join(link, "deeper", "rollcall.db"):   "symbolic link",
		filepath.Join(folder, "letter", "rollcall.db"): "isn't a folder",
	} {
		if err := id.Take(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Take(%s) = %v, want an error with %q", path, err, want)
		}
	}
	if err := id.Take(filepath.Join(folder, "later", "rollcall.db")); err != nil {
		t.Errorf("Take of a missing folder = %v, want nil", err)
	}
	err := id.Take(db)
	if refused := err != nil &&
		strings.Contains(err.Error(), "letter, which belongs to root"); refused != (os.Geteuid() == 0) {
		t.Errorf("Take in a folder with another file = %v, want an error if the file belongs to root", err)
	}
	for _, name := range []string{".", "rollcall.db", "letter"} {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := ownerOf(info).UID; got != os.Geteuid() {
			t.Errorf("owner of %s after an error = %d, want it unchanged", name, got)
		}
	}
}
