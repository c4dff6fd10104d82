//go:build unix

package accounts

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A file that root restores belongs to the user that the server runs as: the owner of the old file, or else of the
// folder. If another user restores it, the owner doesn't change.
func TestRestoreKeepsTheOwner(t *testing.T) {
	source, backup := newFile(t), filepath.Join(t.TempDir(), "backup.db")
	do(t, "Close", open(t, Config{Path: source}).Close())
	_, err := Backup(t.Context(), source, backup, false)
	do(t, "Backup", err)
	folder := t.TempDir()
	path := filepath.Join(folder, "board.db")
	ids := func(name string) [2]uint32 {
		t.Helper()
		info, err := os.Stat(name)
		do(t, "Stat", err)
		owner := info.Sys().(*syscall.Stat_t)
		return [2]uint32{owner.Uid, owner.Gid}
	}
	give := func(name string, uid, gid uint32) (want [2]uint32) {
		t.Helper()
		if os.Geteuid() != 0 {
			return ids(name)
		}
		do(t, "Chown", os.Chown(name, int(uid), int(gid)))
		return [2]uint32{uid, gid}
	}
	want := give(folder, 4711, 4712)
	_, err = Restore(t.Context(), backup, path, false)
	do(t, "Restore", err)
	if got := ids(path); got != want {
		t.Errorf("a new file belongs to %v, want the folder's owner %v", got, want)
	}
	want = give(path, 4713, 4714)
	done, err := Restore(t.Context(), backup, path, true)
	do(t, "Restore", err)
	if got, kept := ids(path), ids(done.Kept); got != want || kept != want {
		t.Errorf("the new file belongs to %v and the old one to %v, want %v for both", got, kept, want)
	}
}

// If root creates the file, for example with user add, a server that runs as another user can still open it.
func TestNewFileBelongsToFolderOwner(t *testing.T) {
	folder := t.TempDir()
	want := uint32(os.Geteuid())
	if want == 0 {
		want = 4711
		do(t, "Chown", os.Chown(folder, 4711, 4711))
	}
	path := filepath.Join(folder, "board.db")
	do(t, "Close", open(t, Config{Path: path}).Close())
	info, err := os.Stat(path)
	do(t, "Stat", err)
	if got := info.Sys().(*syscall.Stat_t).Uid; got != want {
		t.Errorf("a new file belongs to %d, want the folder's owner %d", got, want)
	}
}

// Root doesn't change the owner of a file that somebody linked in place of the new one.
func TestGiveToRefusesLinks(t *testing.T) {
	folder := t.TempDir()
	file, symbolic, hard := filepath.Join(folder, "file"), filepath.Join(folder, "symbolic"), filepath.Join(folder, "hard")
	do(t, "WriteFile", os.WriteFile(file, nil, 0o600))
	if os.Geteuid() == 0 {
		do(t, "Chown", os.Chown(folder, 4711, 4711))
	}
	do(t, "Symlink", os.Symlink(file, symbolic))
	refused := func(name string) {
		t.Helper()
		f, err := os.Open(name)
		do(t, "Open", err)
		defer f.Close()
		if err := giveTo(f, folder); (err != nil) != (os.Geteuid() == 0) {
			t.Errorf("giveTo(%s) = %v, want an error only for root", filepath.Base(name), err)
		}
	}
	refused(symbolic)
	do(t, "Link", os.Link(file, hard))
	refused(hard)
	info, err := os.Stat(file)
	do(t, "Stat", err)
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != uint32(os.Geteuid()) {
		t.Errorf("the file belongs to %d, want %d as before", owner, os.Geteuid())
	}
}
