package accounts

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func wantSays(t *testing.T, what string, err error, says string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%s = %v, want one line that says %q", what, err, says)
	}
}

// folderHolds fails the test unless the folder holds exactly these names.
func folderHolds(t *testing.T, folder string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	do(t, "ReadDir", err)
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the folder holds %v, want %v", got, want)
	}
}

// A backup made during writes holds everything that was acknowledged before it, and no deleted data. Only its owner can
// read it.
func TestBackupWhileOthersWrite(t *testing.T) {
	path, folder := newFile(t), t.TempDir()
	to := filepath.Join(folder, "backup.db")
	s := open(t, Config{Path: path, small: 1}) // deleted data may stay in the file
	kept, gone := addMarked(t, s, "zq1111qz1"), addMarked(t, s, "zq2222qz2")
	do(t, "Delete", s.Delete(t.Context(), gone.id))
	stop := make(chan struct{})
	var writing sync.WaitGroup
	for w := range 2 {
		writing.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := s.Create(t.Context(),
					NewUser{Username: fmt.Sprintf("user%d.%d", w, i), Password: secret}); err != nil {
					t.Errorf("Create during a backup = %v", err)
					return
				}
			}
		})
	}
	for i := range 5 {
		before := mustRev(t, s)
		users, err := Backup(t.Context(), path, to, i > 0)
		do(t, "Backup", err)
		copied := open(t, Config{Path: to})
		if rev := mustRev(t, copied); rev < before || users < 1 {
			t.Errorf("Backup = %d users up to rev %d, want those up to %d and more", users, rev, before)
		}
		if _, err := copied.UserByID(t.Context(), kept.id); err != nil || copied.ID() != s.ID() {
			t.Errorf("UserByID in the backup = %v in store %s, want no error in %s", err, copied.ID(), s.ID())
		}
		do(t, "Close", copied.Close())
	}
	close(stop)
	writing.Wait()
	info, err := os.Stat(to)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup has mode %v, %v, want 0600", info.Mode(), err)
	}
	content, err := os.ReadFile(to)
	do(t, "ReadFile", err)
	if strings.Contains(strings.ToLower(string(content)), gone.mark) {
		t.Error("the backup holds a deleted user")
	}
	folderHolds(t, folder, "backup.db")
}

func TestBackupRefuses(t *testing.T) {
	path, folder := newFile(t), t.TempDir()
	s := open(t, Config{Path: path})
	for i := range 200 {
		add(t, s, fmt.Sprintf("user%d", i), "", "")
	}
	do(t, "Close", s.Close())
	there, text := filepath.Join(folder, "there"), filepath.Join(folder, "zz.txt")
	do(t, "WriteFile", os.WriteFile(there, []byte("mine"), 0o600))
	do(t, "WriteFile", os.WriteFile(text, []byte(strings.Repeat("no database ", 100)), 0o600))
	refused := func(path, to, says string) {
		t.Helper()
		_, err := Backup(t.Context(), path, to, false)
		wantSays(t, "Backup", err, says)
	}
	refused(path, there, "already exists: name another file, or add --force")
	refused(path, path, "is the database itself")
	refused(filepath.Join(folder, "none"), filepath.Join(folder, "x"), "no such file")
	refused(text, filepath.Join(folder, "x"), "is not a database")
	refused(path, filepath.Join(folder, "none", "x"), "no such file")

	content, err := os.ReadFile(path)
	do(t, "ReadFile", err)
	clear(content[len(content)*3/4/4096*4096:][:8192]) // two pages with people
	do(t, "WriteFile", os.WriteFile(path, content, 0o600))
	refused(path, filepath.Join(folder, "x"), "is damaged")
	folderHolds(t, folder, "there", "zz.txt")
	if mine, err := os.ReadFile(there); err != nil || string(mine) != "mine" {
		t.Errorf("the existing file = %q, %v, want it unchanged", mine, err)
	}
}
