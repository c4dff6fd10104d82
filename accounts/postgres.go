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

// Conditions that a statement can meet, as Postgres calls them.
const (
	uniqueViolation     = "23505"
	foreignKeyViolation = "23503"
	cannotConnectNow    = "57P03" // it is starting, or stopping
	readOnly            = "25006" // it was made a standby
)

// migrationLock is the advisory lock of those who migrate: "roll".
const migrationLock = applicationID

// boundPostgres holds for one transaction, so it passes through poolers that give each transaction another
// connection. A process that freezes or loses its line within a transaction would otherwise keep its locks, and all
// others waiting, until the server's TCP notices: hours.
const boundPostgres = `SET LOCAL idle_in_transaction_session_timeout = 15000; SET LOCAL lock_timeout = 5000`

// migratePostgres bounds the same for a transaction that migrates. Whoever waits for a table that somebody reads for long
// keeps all others waiting behind them: better to give up soon and try again. Its statements may take as long as they need.
const migratePostgres = `SET LOCAL idle_in_transaction_session_timeout = 15000; SET LOCAL lock_timeout = 2000`

// turnPostgres takes the row of the rev, which whoever writes takes before anything else: see Store.write.
const turnPostgres = boundPostgres + `; SELECT value FROM meta WHERE name = 'rev' FOR UPDATE`

// postgresKind keeps no prepared statements: a pooler may give the next transaction a connection that has never heard of them.
func postgresKind(patience time.Duration) kind {
	return kind{
		schema:   postgresSchema,
		claim:    claimPostgres,
		snapshot: &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead},
		migrates: migratePostgres,
		bound:    boundPostgres,
		turn:     turnPostgres,
		patience: patience,
		argument: postgresText,
		again:    againPostgres,
		unknown:  unknownPostgres,
	}
}

var textColumn = regexp.MustCompile(`\bTEXT\b`)

// postgresSchema compares all text byte by byte, as SQLite does, whatever the order of the database is.
func postgresSchema(text string) string {
	text = strings.NewReplacer(` COLLATE "C"`, "", ` WITHOUT ROWID`, "").Replace(text)
	return textColumn.ReplaceAllString(text, `TEXT COLLATE "C"`)
}

// postgresText replaces what Postgres takes in no text. Nothing stored has it, so that nothing is found by it.
func postgresText(arg any) any {
	if s, ok := arg.(string); ok {
		return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
	}
	return arg
}

// claimPostgres refuses tables of other programs, and waits for others who migrate.
func claimPostgres(ctx context.Context, tx *sql.Tx) (used bool, err error) {
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
		err = errors.New("there are tables of another program; make a database of its own for Rollcall")
	}
	return tables > 0, err
}

// postgresCode is the condition behind err, "" when it is none of Postgres's.
func postgresCode(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// isBusyPostgres reports whether a condition says that other transactions were in the way, or that the server is starting.
func isBusyPostgres(code string) bool {
	switch code {
	case "40001", "40P01", "55P03", cannotConnectNow: // serialization, deadlock, lock_timeout
		return true
	}
	return false
}

// againPostgres reports whether another try may do better: another transaction was in the way, or the connection was
// lost. A server that cannot be reached is not tried again: whoever waits is told so at once.
func againPostgres(err error) bool {
	if isAway(err) {
		return false
	}
	switch code := postgresCode(err); code {
	case "40001", "40P01", "57P01", "57P02", "25P03", readOnly: // of the last but one: the server ended the connection
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

// unknownPostgres reports whether a commit that ended with err may have happened: the server said nothing, or that it was
// ending, and not what was wrong.
func unknownPostgres(err error) bool {
	switch code := postgresCode(err); code {
	case "", "57P01", "57P02", "40003":
		return true
	default:
		return strings.HasPrefix(code, "08")
	}
}
