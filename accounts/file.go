package accounts

import (
	"context"
	"database/sql/driver"
	"fmt"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
)

// file is the SQLite file of a store. SQLite keeps using the file that it opened even if somebody moves or removes it,
// and data written after that would be lost at the next start. nil means Postgres, which has no file.
type file struct {
	parts  []part   // the database and its write-ahead log
	server *os.File // holds the lock that marks a server; nil if this process isn't one or the system has no locks
}

// part is a path and the file that it led to when the store was opened.
type part struct {
	path string
	is   os.FileInfo
}

func openedFile(path string) (*file, error) {
	f := &file{}
	return f, f.track(path)
}

// track remembers which file path leads to.
func (f *file) track(path string) error {
	is, err := os.Stat(path)
	if err != nil {
		return err
	}
	f.parts = append(f.parts, part{path, is})
	return nil
}

// trackLog remembers the write-ahead log, which exists while a connection is open. SQLite puts it beside the file
// itself, not beside a symbolic link to it.
func (f *file) trackLog() error {
	if f == nil {
		return nil
	}
	path, err := filepath.EvalSymlinks(f.parts[0].path)
	if err != nil {
		return err
	}
	return f.track(path + "-wal")
}

// check returns ErrLost unless every path still leads to the open file. It costs two system calls.
func (f *file) check() error {
	if f == nil {
		return nil
	}
	for _, p := range f.parts {
		now, err := os.Stat(p.path)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrLost, err)
		}
		if !os.SameFile(now, p.is) {
			return fmt.Errorf("%w: %s is now a different file", ErrLost, p.path)
		}
	}
	return nil
}

func (f *file) close() error {
	if f == nil || f.server == nil {
		return nil
	}
	return f.server.Close()
}

// fileConnector opens connections to the file, but not to a different file at its path.
type fileConnector struct {
	driver.Connector
	file *file
}

func (f *file) connector(dsn string) (driver.Connector, error) {
	inner, err := sqlite.NewConnector(dsn + "&mode=rw") // SQLite must not create a file either
	return fileConnector{inner, f}, err
}

// Connect is part of driver.Connector.
func (c fileConnector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := c.file.check(); err != nil {
		return nil, err
	}
	return c.Connector.Connect(ctx)
}

// Lost returns ErrLost while the path of the database doesn't lead to the open file. Writes return it, too.
func (s *Store) Lost() error { return s.file.check() }

// UsedByOthers reports whether another server with Config.Server uses the same SQLite file. It works only on Linux.
func (s *Store) UsedByOthers() (bool, error) {
	if s.file == nil || s.file.server == nil {
		return false, nil
	}
	return otherServer(s.file.server)
}
