package accounts

import (
	"context"
	"database/sql/driver"
	"fmt"
	"os"
	"path/filepath"

	"modernc.org/sqlite"
)

// file is the SQLite file of a store. SQLite keeps using the file that it opened wherever that file goes, so what is
// written after somebody removed or moved it would be gone at the next start. nil is Postgres, which has no file.
type file struct {
	parts  []part   // the database and its write-ahead log
	server *os.File // has the lock that marks a server; nil: this process is no server, or there are no such locks
}

// part is a path and the file that it led to.
type part struct {
	path string
	is   os.FileInfo
}

func openedFile(path string) (*file, error) {
	f := &file{}
	return f, f.note(path)
}

// note remembers which file path leads to.
func (f *file) note(path string) error {
	is, err := os.Stat(path)
	if err != nil {
		return err
	}
	f.parts = append(f.parts, part{path, is})
	return nil
}

// noteLog remembers the write-ahead log, which is there as long as a connection is. SQLite keeps it beside the file
// itself, not beside a symbolic link to it.
func (f *file) noteLog() error {
	if f == nil {
		return nil
	}
	path, err := filepath.EvalSymlinks(f.parts[0].path)
	if err != nil {
		return err
	}
	return f.note(path + "-wal")
}

// check returns ErrLost unless every path leads to the file that is open. It costs two calls of the system.
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
			return fmt.Errorf("%w: %s is another file now", ErrLost, p.path)
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

// fileConnector opens connections to the file, and none to what has taken its place.
type fileConnector struct {
	driver.Connector
	file *file
}

func (f *file) connector(dsn string) (driver.Connector, error) {
	inner, err := sqlite.NewConnector(dsn + "&mode=rw") // SQLite is not to make a file either
	return fileConnector{inner, f}, err
}

// Connect is part of driver.Connector.
func (c fileConnector) Connect(ctx context.Context) (driver.Conn, error) {
	if err := c.file.check(); err != nil {
		return nil, err
	}
	return c.Connector.Connect(ctx)
}

// Lost returns ErrLost while the path of the database doesn't lead to the file that is open. Writes return it, too.
func (s *Store) Lost() error { return s.file.check() }

// Shared reports whether another server uses the same SQLite file. It finds those that have Config.Server, on Linux.
func (s *Store) Shared() (bool, error) {
	if s.file == nil || s.file.server == nil {
		return false, nil
	}
	return otherServer(s.file.server)
}
