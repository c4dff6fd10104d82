package accounts

import (
	"errors"
	"fmt"

	sqlite3 "modernc.org/sqlite/lib"
)

// What callers can tell apart. Anything else is trouble with the database.
var (
	ErrTaken       = errors.New("username is taken") // a *FieldError with the code Taken is this error
	ErrNotFound    = errors.New("no such user")
	ErrCredentials = errors.New("wrong username or password")
	ErrDisabled    = errors.New("this account is disabled") // only to those who gave its password
	ErrBusy        = errors.New("too busy, try again in a moment")
	ErrUnknown     = errors.New("this may or may not have been saved: check before you try again") // a commit was not answered
	ErrNoSession   = errors.New("no such session")                                                 // unknown, ended, expired, or its user is disabled
	ErrCursor      = errors.New("bad cursor")
	ErrLost        = errors.New("the database file was removed, moved or replaced") // see Store.Lost
)

// ImportError says which of the users given to Import was refused. Nobody was imported.
type ImportError struct {
	Index int // into the slice given to Import
	Err   error
}

func (e *ImportError) Error() string { return fmt.Sprintf("user %d: %v", e.Index+1, e.Err) }

func (e *ImportError) Unwrap() error { return e.Err }

// OldSchemaError says that a database file is as an older version left it. Opening it upgrades it.
type OldSchemaError struct {
	Path        string
	Have, Known int // migrations that the file has, and that there are
}

func (e *OldSchemaError) Error() string {
	return fmt.Sprintf("an older version of Rollcall made %s (schema %d, this one knows %d)", e.Path, e.Have, e.Known)
}

// isBusy reports whether err says that others held the database for too long, or that it is about to be there.
func isBusy(err error) bool {
	code := sqliteCode(err) & 0xff
	return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED || isBusyPostgres(postgresCode(err))
}

// isAway reports whether err says that there was no connection to the database at all.
func isAway(err error) bool {
	var unconnected *connectError
	return errors.As(err, &unconnected)
}

// isDuplicate reports whether err says that a unique key exists already.
func isDuplicate(err error) bool {
	code := sqliteCode(err)
	return code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY || postgresCode(err) == uniqueViolation
}

// isOrphan reports whether err says that the user whom a row belongs to does not exist.
func isOrphan(err error) bool {
	return sqliteCode(err) == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY || postgresCode(err) == foreignKeyViolation
}
