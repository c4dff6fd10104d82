package accounts

import (
	"errors"
	"fmt"
	"strings"

	sqlite3 "modernc.org/sqlite/lib"
)

// Errors that callers can distinguish. Any other error is a problem with the database.
var (
	ErrTaken       = errors.New("username is taken") // a *FieldError with the code Taken is this error
	ErrNotFound    = errors.New("no such user")
	ErrCredentials = errors.New("wrong username or password")
	ErrDisabled    = errors.New("this account is disabled") // only for the right password
	ErrBusy        = errors.New("too busy, try again in a moment")
	ErrUnknown     = errors.New("this may or may not have been saved: check before you try again")
	ErrNoSession   = errors.New("no such session") // or it has ended or expired, or its user is disabled
	ErrCursor      = errors.New("bad cursor")
	ErrLost        = errors.New("the database file was removed, moved or replaced") // see Store.Lost
)

// ImportError says which user Import refused. No user was imported.
type ImportError struct {
	Index int // in the argument of Import
	Err   error
}

func (e *ImportError) Error() string { return fmt.Sprintf("user %d: %v", e.Index+1, e.Err) }

func (e *ImportError) Unwrap() error { return e.Err }

// OldSchemaError says that a database file has the schema of an older version. Opening it upgrades it.
type OldSchemaError struct {
	Path        string
	Have, Known int // number of migrations in the file and in this version
}

func (e *OldSchemaError) Error() string {
	return fmt.Sprintf("an older version of Rollcall made %s (schema %d, this one knows %d)", e.Path, e.Have, e.Known)
}

// isBusy reports whether others held the database for too long, or the server is starting.
func isBusy(err error) bool {
	code := sqliteCode(err) & 0xff
	return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED || isBusyPostgres(postgresCode(err))
}

// isUnreachable reports whether the connection to the database failed.
func isUnreachable(err error) bool {
	var unconnected *connectError
	return errors.As(err, &unconnected)
}

// isDuplicate reports whether err violates a unique key.
func isDuplicate(err error) bool {
	code := sqliteCode(err)
	return code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY ||
		postgresCode(err) == uniqueViolation
}

// isDuplicateEmail reports whether err violates the unique key of email addresses. Both databases name the key or its
// column.
func isDuplicateEmail(err error) bool {
	return isDuplicate(err) &&
		(strings.Contains(err.Error(), "users.email_key") || strings.Contains(err.Error(), "users_email"))
}

// isOrphan reports whether err violates a foreign key: the user of the row doesn't exist.
func isOrphan(err error) bool {
	return sqliteCode(err) == sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY || postgresCode(err) == foreignKeyViolation
}
