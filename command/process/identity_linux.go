package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Take gives the database's folder to the user, along with the database files in it that are root's.
//
// An earlier owner of the folder may have put anything into it. So root opens everything by handle from the top of the
// tree, never follows a symbolic link, and doesn't give away a file that has a second name elsewhere. A folder that
// also has other files of root's wasn't meant for the database, so Take returns an error and gives nothing away.
func (id Identity) Take(db string) error {
	dir, err := openFolder(filepath.Dir(db))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the user creates it, or fails with the reason
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil // it's another user's, and root lacks the capability to open it
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
		return fmt.Errorf("%s holds %s, which belongs to root: give the database a folder of its own",
			dir.Name(), filepath.Join(dir.Name(), foreign))
	}
	for _, name := range ours {
		if err := id.takeFile(dir, name); err != nil {
			return err
		}
	}
	if !ofRoot(info) {
		return nil
	}
	return dir.Chown(id.UID, id.GID)
}

// sorted returns the files in dir that belong to the database called base. foreign is another file of root's, if any.
func sorted(dir *os.File, base string) (ours []string, foreign string, err error) {
	entries, err := dir.ReadDir(-1)
	for _, e := range entries {
		if ofDatabase(e.Name(), base) {
			ours = append(ours, e.Name())
			continue
		}
		info, err := e.Info() // an error means that it's gone
		if err == nil && ofRoot(info) && e.Name() != "lost+found" {
			foreign = e.Name()
		}
	}
	return ours, foreign, err
}

// ofDatabase reports whether a file is the database called base, a file that SQLite keeps next to it, or one that a
// restore has renamed.
func ofDatabase(name, base string) bool {
	rest, ok := strings.CutPrefix(name, base)
	switch rest {
	case "", "-wal", "-shm", "-journal":
		return ok
	}
	return ok && strings.HasPrefix(rest, ".before-")
}

// takeFile gives a regular file of root's to the user. It ignores anything else, including a file that root can't open
// because it lacks a capability, since that file already belongs to another user.
func (id Identity) takeFile(dir *os.File, name string) error {
	const flags = syscall.O_RDONLY | syscall.O_NOFOLLOW | syscall.O_NONBLOCK | syscall.O_CLOEXEC
	fd, err := syscall.Openat(int(dir.Fd()), name, flags, 0)
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
	return file.Chown(id.UID, id.GID)
}

// openFolder opens an absolute path. It returns an error if a part of it is a symbolic link.
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
			return nil, fmt.Errorf("%s isn't a folder, or is a symbolic link: name the folder itself", at)
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

// Become switches every thread of this process to the user, and checks that it can't become root again.
func (id Identity) Become() error {
	if err := syscall.Setgroups(nil); err != nil {
		return fmt.Errorf("leave the groups of root: %w", err)
	}
	if err := syscall.Setresgid(id.GID, id.GID, id.GID); err != nil {
		return fmt.Errorf("become group %d: %w", id.GID, err)
	}
	if err := syscall.Setresuid(id.UID, id.UID, id.UID); err != nil {
		return fmt.Errorf("become user %d: %w", id.UID, err)
	}
	if syscall.Setuid(0) == nil || syscall.Setgid(0) == nil || os.Geteuid() != id.UID || os.Getegid() != id.GID {
		return errors.New("the system allows a return to root")
	}
	return nil
}
