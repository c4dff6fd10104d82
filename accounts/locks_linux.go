package accounts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Open file description locks (fcntl(2)), which other descriptors of this process neither share nor release. Package
// syscall doesn't define them.
const (
	getLock = 36 // F_OFD_GETLK
	setLock = 37 // F_OFD_SETLK
)

// Byte ranges for locks. They don't overlap with the contents of the files.
const (
	serverByte = 1<<30 + 1<<20 // of the database: locked by every server; SQLite doesn't use it
	sharedByte = 1<<30 + 2     // of the database: start of the range that SQLite connections lock
	sharedSize = 510
	logByte    = 128 // of the -shm file: locked by every SQLite connection while it uses the log
)

// markServer marks this process as a server of the database at path until the returned file is closed.
func markServer(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	err = syscall.FcntlFlock(f.Fd(), setLock, &syscall.Flock_t{Type: syscall.F_RDLCK, Start: serverByte, Len: 1})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), f.Close())
	}
	return f, nil
}

// otherServer reports whether another server has marked the same file.
func otherServer(server *os.File) (bool, error) { return locked(server, serverByte, 1) }

// locked reports whether somebody else holds a lock on bytes of f.
func locked(f *os.File, start, size int64) (bool, error) {
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Start: start, Len: size}
	err := syscall.FcntlFlock(f.Fd(), getLock, &lock)
	return lock.Type != syscall.F_UNLCK, err
}

// lockedAt is locked for a path. A missing file isn't locked.
func lockedAt(path string, start, size int64) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	return locked(f, start, size)
}

// logInUse reports whether somebody uses the log beside path, even if the log belongs to a different database file.
func logInUse(path string) (bool, error) { return lockedAt(path+"-shm", logByte, 1) }

// strangersLog reports whether the log beside path belongs to a different file, which had this path before and is still
// open. Processes that use a log also lock its database. It checks more than once, because they may be about to exit.
func strangersLog(path string) (bool, error) {
	for range 3 {
		if used, err := logInUse(path); err != nil || !used {
			return false, err
		}
		if used, err := lockedAt(path, sharedByte, sharedSize); err != nil || used {
			return false, err
		}
	}
	return true, nil
}
