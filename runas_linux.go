package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// take makes the folder of the database the user's, and what root has left of the database in it.
//
// Whoever had the folder before may have put anything into it, and root must not be led astray: everything is reached
// by handles from the top of the tree, never through a symbolic link, and a file with a second name somewhere else
// stays as it is. A folder that also holds other things of root's is not given away: it was not meant for this, and then
// nothing in it is given away either.
func (id identity) take(db string) error {
	dir, err := openFolder(filepath.Dir(db))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the user makes it, or says why that cannot be
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil // somebody else's, and root without the capability to look in: nothing of it is root's to give
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	info, err := dir.Stat()
	if err != nil {
		return err
	}
	ours, foreign, err := sorted(dir, filepath.Base(db))
	if err != nil {
		return err
	}
	if ofRoot(info) && (foreign != "" || dir.Name() == "/") {
		return fmt.Errorf("%s holds %s, which belongs to root: give the database a folder of its own", dir.Name(), filepath.Join(dir.Name(), foreign))
	}
	for _, name := range ours {
		if err := id.takeFile(dir, name); err != nil {
			return err
		}
	}
	if !ofRoot(info) {
		return nil
	}
	return dir.Chown(id.uid, id.gid)
}

// sorted tells what is in dir: the files of the database called base, and something else of root's, if there is any.
func sorted(dir *os.File, base string) (ours []string, foreign string, err error) {
	entries, err := dir.ReadDir(-1)
	for _, e := range entries {
		if ofDatabase(e.Name(), base) {
			ours = append(ours, e.Name())
			continue
		}
		if info, err := e.Info(); err == nil && ofRoot(info) && e.Name() != "lost+found" { // with an error it is gone meanwhile
			foreign = e.Name()
		}
	}
	return ours, foreign, err
}

// ofDatabase reports whether a file is the database called base, one that SQLite keeps beside it, or one that a restore
// has put aside.
func ofDatabase(name, base string) bool {
	rest, ok := strings.CutPrefix(name, base)
	switch rest {
	case "", "-wal", "-shm", "-journal":
		return ok
	}
	return ok && strings.HasPrefix(rest, ".before-")
}

// takeFile gives the user a plain file of root's. Anything else with that name is left as it is, and so is what root may
// not open for want of a capability: that is somebody else's already.
func (id identity) takeFile(dir *os.File, name string) error {
	fd, err := syscall.Openat(int(dir.Fd()), name, syscall.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	for _, harmless := range []error{syscall.ELOOP, fs.ErrNotExist, syscall.ENXIO, fs.ErrPermission} {
		if errors.Is(err, harmless) {
			return nil
		}
	}
	if err != nil {
		return &fs.PathError{Op: "open", Path: filepath.Join(dir.Name(), name), Err: err}
	}
	file := os.NewFile(uintptr(fd), filepath.Join(dir.Name(), name))
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || !info.Mode().IsRegular() || !ofRoot(info) || stat.Nlink != 1 {
		return nil
	}
	return file.Chown(id.uid, id.gid)
}

// openFolder opens an absolute path and refuses symbolic links anywhere on it.
func openFolder(path string) (*os.File, error) {
	const flags = syscall.O_RDONLY | syscall.O_DIRECTORY | syscall.O_NOFOLLOW | syscall.O_CLOEXEC
	dir, err := os.Open("/")
	for _, name := range strings.FieldsFunc(path, func(r rune) bool { return r == '/' }) {
		if err != nil {
			return nil, err
		}
		at := filepath.Join(dir.Name(), name)
		fd, failed := syscall.Openat(int(dir.Fd()), name, flags, 0)
		dir.Close()
		switch {
		case errors.Is(failed, syscall.ENOTDIR), errors.Is(failed, syscall.ELOOP):
			return nil, fmt.Errorf("%s is no folder, or is a symbolic link: name the folder itself", at)
		case failed != nil:
			return nil, &fs.PathError{Op: "open", Path: at, Err: failed}
		}
		dir = os.NewFile(uintptr(fd), at)
	}
	return dir, err
}

func ofRoot(info fs.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stat.Uid == 0
}

// become makes every thread of this process the user's, and makes sure that there is no way back.
func (id identity) become() error {
	if err := syscall.Setgroups(nil); err != nil {
		return fmt.Errorf("leave the groups of root: %w", err)
	}
	if err := syscall.Setresgid(id.gid, id.gid, id.gid); err != nil {
		return fmt.Errorf("become group %d: %w", id.gid, err)
	}
	if err := syscall.Setresuid(id.uid, id.uid, id.uid); err != nil {
		return fmt.Errorf("become user %d: %w", id.uid, err)
	}
	if syscall.Setuid(0) == nil || syscall.Setgid(0) == nil || os.Geteuid() != id.uid || os.Getegid() != id.gid {
		return errors.New("the system let root be taken back")
	}
	return nil
}
