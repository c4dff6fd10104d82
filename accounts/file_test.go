package accounts

import (
	"context"
	"os"
	"path/filepath"
	"testing"
)

// While the file isn't at its path, writes are refused, and a write that was already running isn't acknowledged. When
// the file is back, everything works again.
func TestLostFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s := open(t, Config{Path: path})
	add(t, s, "ada", "", "")
	move := func(from, to string) { do(t, "Rename", os.Rename(from, to)) }
	err := s.write(t.Context(), func(context.Context, *transaction) error { move(path, path+".moved"); return nil })
	wantErr(t, "write while the file is moved", err, ErrUnknown)
	wantErr(t, "write while the file is moved", err, ErrLost)
	wantErr(t, "Lost", s.Lost(), ErrLost)
	wantErr(t, "Ping", s.Ping(t.Context()), ErrLost)
	called := false
	wantErr(t, "write", s.write(t.Context(), func(context.Context, *transaction) error { called = true; return nil }),
		ErrLost)
	wantErr(t, "note", s.note(t.Context(), func(context.Context, *transaction) error { called = true; return nil }),
		ErrLost)
	if called {
		t.Error("a write to a moved file was started")
	}
	_, err = s.Create(t.Context(), NewUser{Username: "bob", Password: secret})
	wantErr(t, "Create", err, ErrLost)
	if _, err := s.UserByName(t.Context(), "ada"); err != nil {
		t.Errorf("UserByName in a moved file = %v, want no error", err)
	}
	move(path+".moved", path)
	do(t, "Ping", s.Ping(t.Context()))
	add(t, s, "bob", "", "")
}

// A connection that is opened later doesn't read a different file at the path, and doesn't create one.
func TestNoReaderOfAnotherFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s := open(t, Config{Path: path})
	do(t, "Rename", os.Rename(path, path+".moved"))
	var held []interface{ Close() error }
	defer func() {
		for _, c := range held {
			c.Close()
		}
	}()
	for range s.r.db.Stats().MaxOpenConnections {
		c, err := s.r.db.Conn(t.Context())
		if err == nil {
			held = append(held, c)
			continue
		}
		wantErr(t, "Conn", err, ErrLost)
	}
	if len(held) == s.r.db.Stats().MaxOpenConnections {
		t.Error("all connections were opened, want none after the file was moved")
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("Stat of the path = %v, want no file", err)
	}
}

// The check also notices a moved folder and a changed symbolic link.
func TestLostFolderAndLink(t *testing.T) {
	folder := t.TempDir()
	real, link := filepath.Join(folder, "real", "rollcall.db"), filepath.Join(folder, "link.db")
	do(t, "Close", open(t, Config{Path: real}).Close())
	do(t, "Symlink", os.Symlink(real, link))
	s := open(t, Config{Path: link})
	add(t, s, "ada", "", "")
	do(t, "Rename", os.Rename(filepath.Dir(real), filepath.Join(folder, "elsewhere")))
	wantErr(t, "Lost", s.Lost(), ErrLost)
	do(t, "Rename", os.Rename(filepath.Join(folder, "elsewhere"), filepath.Dir(real)))
	do(t, "Lost", s.Lost())
	other := filepath.Join(folder, "other.db")
	do(t, "Close", open(t, Config{Path: other}).Close())
	do(t, "Remove", os.Remove(link))
	do(t, "Symlink", os.Symlink(other, link))
	wantErr(t, "Lost", s.Lost(), ErrLost)
}
