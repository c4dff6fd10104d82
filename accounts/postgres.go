package accounts

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Postgres error codes.
const (
	uniqueViolation     = "23505"
	foreignKeyViolation = "23503"
	cannotConnectNow    = "57P03" // the server is starting or stopping
	readOnly            = "25006" // the server became a standby
)

// migrationLock is the advisory lock for migrations.
const migrationLock = applicationID

// boundPostgres limits the times of one transaction, so it works with poolers that give each transaction another
// connection. Without it, a process that freezes or loses its connection during a transaction would keep its locks, and
// block all others, until TCP notices after hours.
const boundPostgres = `SET LOCAL idle_in_transaction_session_timeout = 15000; SET LOCAL lock_timeout = 5000`

// migratePostgres does the same for a transaction that migrates. While it waits for a table that is being read, it
// blocks everybody else, so it gives up soon and tries again. Its statements may take as long as they need.
const migratePostgres = `SET LOCAL idle_in_transaction_session_timeout = 15000; SET LOCAL lock_timeout = 2000`

// turnPostgres also locks the row of the rev, which every write locks first: see Store.write.
const turnPostgres = boundPostgres + `; SELECT value FROM meta WHERE name = 'rev' FOR UPDATE`

// postgresDialect uses no prepared statements, because a pooler may give the next transaction a connection without
// them.
func postgresDialect(patience time.Duration, rev string) dialect {
	return dialect{
		schema:   postgresSchema,
		adopt:    adoptPostgres,
		snapshot: &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead},
		migrates: migratePostgres,
		bound:    boundPostgres,
		turn:     turnPostgres,
		patience: patience,
		rev:      rev,
		argument: postgresText,
		again:    againPostgres,
		unknown:  unknownPostgres,
	}
}

var textColumn = regexp.MustCompile(`\bTEXT\b`)

// postgresSchema makes text columns compare byte by byte, like SQLite, whatever the collation of the database is.
func postgresSchema(text string) string {
	text = strings.NewReplacer(` COLLATE "C"`, "", ` WITHOUT ROWID`, "").Replace(text)
	return textColumn.ReplaceAllString(text, `TEXT COLLATE "C"`)
}

// postgresText replaces characters that Postgres doesn't accept in text. No stored text has them, so they can't match
// anything.
func postgresText(arg any) any {
	if s, ok := arg.(string); ok {
		return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	}
	return arg
}

// adoptPostgres refuses tables of other programs, and waits for other processes that migrate.
func adoptPostgres(ctx context.Context, tx *sql.Tx) (used bool, err error) {
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock($1)", int64(migrationLock)); err != nil {
		return false, fmt.Errorf("wait for another process that upgrades the database: %w", err)
	}
	var tables, columns int
	err = tx.QueryRowContext(ctx, `SELECT
		(SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()
			AND table_name IN ('schema_migrations', 'meta', 'users', 'sessions')),
		(SELECT count(*) FROM information_schema.columns WHERE table_schema = current_schema()
			AND table_name = 'schema_migrations' AND column_name IN ('version', 'name', 'at'))`).Scan(&tables, &columns)
	if err == nil && tables > 0 && columns < 3 {
		err = errors.New("the database holds tables of another program; create a separate database for Rollcall")
	}
	return tables > 0, err
}

// postgresCode returns the Postgres error code of err, or "".
func postgresCode(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// isBusyPostgres reports whether code means a conflict with other transactions, or that the server is starting.
func isBusyPostgres(code string) bool {
	switch code {
	case "40001", "40P01", "55P03", cannotConnectNow: // serialization, deadlock, lock_timeout
		return true
	}
	return false
}

// againPostgres reports whether a retry may succeed: there was a conflict with another transaction, or the connection
// was lost. If the server can't be reached, it isn't retried, so that callers get the error right away.
func againPostgres(err error) bool {
	if isUnreachable(err) {
		return false
	}
	switch code := postgresCode(err); code {
	case "40001", "40P01", "57P01", "57P02", "25P03", readOnly: // 25P03: the server ended an idle transaction
		return true
	case "":
	default:
		return strings.HasPrefix(code, "08")
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var network *net.OpError
	return errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, driver.ErrBadConn)
}

// unknownPostgres reports whether a commit that failed with err may have happened: the server didn't answer, or was
// shutting down.
func unknownPostgres(err error) bool {
	switch code := postgresCode(err); code {
	case "", "57P01", "57P02", "40003":
		return true
	default:
		return strings.HasPrefix(code, "08")
	}
}
