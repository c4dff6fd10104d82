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

// folderHolds reports the names in a folder.
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

// A backup of a database that is being written to has whatever was acknowledged before, nothing that was deleted, and is
// for its owner alone.
func TestBackupWhileOthersWrite(t *testing.T) {
	path, folder := newFile(t), t.TempDir()
	to := filepath.Join(folder, "backup.db")
	s := open(t, Config{Path: path, small: 1}) // what is deleted may stay in the file
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
				if _, err := s.Create(t.Context(), NewUser{Username: fmt.Sprintf("user%d.%d", w, i), Password: secret}); err != nil {
					t.Errorf("Create while a backup is made = %v", err)
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
		t.Error("the backup holds somebody who was deleted")
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
	refused(path, there, "is there already: name another file, or add --force")
	refused(path, path, "is the database itself")
	refused(filepath.Join(folder, "none"), filepath.Join(folder, "x"), "no such file")
	refused(text, filepath.Join(folder, "x"), "is not a database")
	refused(path, filepath.Join(folder, "none", "x"), "no such file")

	content, err := os.ReadFile(path)
	do(t, "ReadFile", err)
	clear(content[len(content)*3/4/4096*4096:][:8192]) // two pages, of people
	do(t, "WriteFile", os.WriteFile(path, content, 0o600))
	refused(path, filepath.Join(folder, "x"), "is damaged")
	folderHolds(t, folder, "there", "zz.txt")
	if mine, err := os.ReadFile(there); err != nil || string(mine) != "mine" {
		t.Errorf("a file that was there = %q, %v, want it untouched", mine, err)
	}
}

// Restore puts a file in the place of another one, which stays under another name, and leaves nothing beside it.
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
	wantSays(t, "Restore over a file", err, "is there already: add --force")
	_, err = Restore(t.Context(), backup, path, true)
	wantSays(t, "Restore over a file in use", err, "is in use: stop the server")
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
		t.Errorf("UserByName in the file of before = %v, want no error", err)
	}

	elsewhere := newFile(t)
	done, err = Restore(t.Context(), backup, elsewhere, false)
	if other := open(t, Config{Path: elsewhere}); err != nil || done.Same || done.Kept != "" || other.ID() == id {
		t.Errorf("Restore elsewhere = %+v, %v with the id %s, want another than %s", done, err, other.ID(), id)
	}
}

// A server that another process runs keeps its file; a damaged database is replaced, by a backup that is not damaged.
func TestRestoreOverWhatIsDamagedOrInUse(t *testing.T) {
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

	do(t, "Remove", os.Remove(path+"-wal")) // else SQLite would repair the file from it
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
		t.Errorf("after a refused Restore the file is another one (%v)", err)
	}
	done, err := Restore(t.Context(), backup, path, true)
	if err != nil || done.Users == 0 || done.Same {
		t.Errorf("Restore over a damaged file = %+v, %v, want accounts in a new store", done, err)
	}
	open(t, Config{Path: path})
}
