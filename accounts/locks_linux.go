package accounts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// Locks of open files (fcntl(2)), which other descriptors of this process neither share nor drop. Package syscall lacks
// the names.
const (
	getLock = 36 // F_OFD_GETLK
	setLock = 37 // F_OFD_SETLK
)

// Bytes that carry locks. All are far behind or have nothing to do with what the files hold.
const (
	serverByte = 1<<30 + 1<<20 // of the database: every server has it; SQLite locks none there
	sharedByte = 1<<30 + 2     // of the database: the first of those that SQLite's connections lock
	sharedSize = 510
	logByte    = 128 // of the -shm file: every connection of SQLite has it while it uses the log
)

// markServer marks a server of the database at path until the file is closed.
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

// otherServer reports whether another server has marked the file that server is.
func otherServer(server *os.File) (bool, error) { return locked(server, serverByte, 1) }

// locked reports whether somebody else has a lock on bytes of f.
func locked(f *os.File, start, size int64) (bool, error) {
	lock := syscall.Flock_t{Type: syscall.F_WRLCK, Start: start, Len: size}
	err := syscall.FcntlFlock(f.Fd(), getLock, &lock)
	return lock.Type != syscall.F_UNLCK, err
}

// lockedAt is locked for a path; nobody has a lock on what isn't there.
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

// logInUse reports whether somebody uses the log beside the database at path, whichever database that log is of.
func logInUse(path string) (bool, error) { return lockedAt(path+"-shm", logByte, 1) }

// strangersLog reports whether the log beside path is of another file, which had this path and is still open. Those who
// use a log have a lock on its database, too; that is asked more than once because they may be about to leave.
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
