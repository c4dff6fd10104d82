package accounts

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// DefaultConns is how many connections one process has to Postgres at most, unless Config says otherwise.
const DefaultConns = 10

// minPostgres is the first version that understands all of the SQL (WITH … AS MATERIALIZED).
const minPostgres = 120000

// Conditions that a statement can meet, as Postgres calls them.
const (
	uniqueViolation     = "23505"
	foreignKeyViolation = "23503"
	cannotConnectNow    = "57P03" // it is starting, or stopping
)

// migrationLock is the advisory lock of those who migrate: "roll".
const migrationLock = applicationID

// boundPostgres holds for one transaction, so it passes through poolers that give each transaction another
// connection. A process that freezes or loses its line within a transaction would otherwise keep its locks, and all
// others waiting, until the server's TCP notices: hours.
const boundPostgres = `SET LOCAL idle_in_transaction_session_timeout = 15000; SET LOCAL lock_timeout = 5000`

// turnPostgres takes the row of the rev, which whoever writes takes before anything else: see Store.write.
const turnPostgres = boundPostgres + `; SELECT value FROM meta WHERE name = 'rev' FOR UPDATE`

// postgresKind keeps no prepared statements: a pooler may give the next transaction a connection that has never heard of them.
func postgresKind(patience time.Duration) kind {
	return kind{
		schema:   postgresSchema,
		claim:    claimPostgres,
		snapshot: &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead},
		bound:    boundPostgres,
		turn:     turnPostgres,
		patience: patience,
		argument: postgresText,
		again:    againPostgres,
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
		return false, err
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

// CheckURL returns an error unless url can be that of a Postgres. What it says holds no part of url.
func CheckURL(text string) error {
	_, err := parsePostgres(text)
	return err
}

func parsePostgres(text string) (*pgx.ConnConfig, error) {
	const form = "write postgres://USER:PASSWORD@HOST:5432/DATABASE, with @ : / ? # % in a password as %40 %3A %2F %3F %23 %25"
	if !strings.HasPrefix(text, "postgres://") && !strings.HasPrefix(text, "postgresql://") {
		return nil, errors.New("the database URL does not begin with postgres://: " + form)
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("the database URL cannot be read: " + form)
	}
	cfg, err := pgx.ParseConfig(text)
	if err != nil {
		return nil, errors.New("the database URL cannot be used: a part of it or a file it names is wrong: " + form)
	}
	if !u.Query().Has("default_query_exec_mode") {
		cfg.DefaultQueryExecMode = pgx.QueryExecModeExec // the one that any pooler allows
	}
	if !u.Query().Has("connect_timeout") {
		cfg.ConnectTimeout = 5 * time.Second
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "rollcall"
	}
	return cfg, nil
}

// wherePostgres is the URL without its password and options.
func wherePostgres(text string) string {
	cfg, err := parsePostgres(text)
	if err != nil {
		return "postgres"
	}
	return where(cfg)
}

func where(cfg *pgx.ConnConfig) string {
	u := url.URL{Scheme: "postgres", User: url.User(cfg.User), Path: "/" + cfg.Database}
	if u.Host = net.JoinHostPort(cfg.Host, fmt.Sprint(cfg.Port)); strings.HasPrefix(cfg.Host, "/") {
		u.Host, u.RawQuery = "", "host="+cfg.Host
	}
	return u.String()
}

// openPostgres opens the pool and makes sure that the server will do. Idle connections are closed after a while, and all
// now and then, so that a server which took over gets its share.
func openPostgres(ctx context.Context, cfg Config) (*sql.DB, kind, error) {
	config, err := parsePostgres(cfg.URL)
	if err != nil {
		return nil, kind{}, err
	}
	if cfg.Conns == 0 {
		cfg.Conns = DefaultConns
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(cfg.Conns)
	db.SetMaxIdleConns(cfg.Conns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(30 * time.Minute)
	ctx, cancel := context.WithTimeout(ctx, cfg.patience)
	defer cancel()
	var version int
	var encoding string
	err = db.QueryRowContext(ctx, "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')").
		Scan(&version, &encoding)
	if err != nil {
		err = explainPostgres(config, err)
	} else {
		err = checkServer(where(config), version, encoding)
	}
	if err != nil {
		db.Close()
		return nil, kind{}, err
	}
	return db, postgresKind(cfg.patience), nil
}

// checkServer refuses servers that cannot serve.
func checkServer(where string, version int, encoding string) error {
	switch {
	case version < minPostgres:
		return fmt.Errorf("%s is PostgreSQL %d: use version %d or newer", where, version/10000, minPostgres/10000)
	case encoding != "UTF8":
		return fmt.Errorf("%s has the encoding %s: make the database with ENCODING 'UTF8' TEMPLATE template0", where, encoding)
	}
	return nil
}

// explainPostgres says in one line what the operator can do about an error from connecting. pgconn never puts the password
// into its errors, and no more of them is used than is needed.
func explainPostgres(cfg *pgx.ConnConfig, err error) error {
	at := where(cfg)
	switch code := postgresCode(err); {
	case code == "28P01":
		return fmt.Errorf("%s: wrong password, or no such role: put the right one into DATABASE_URL", at)
	case code == "28000":
		return fmt.Errorf("%s: the server does not let this role in (%s): look into its pg_hba.conf", at, reason(err))
	case code == "3D000":
		return fmt.Errorf("%s: there is no such database: make it with createdb --owner=%s %s", at, cfg.User, cfg.Database)
	case code == "53300":
		return fmt.Errorf("%s: the server has no connection left: lower --db-conns, raise its max_connections, or use a pooler", at)
	case code == cannotConnectNow:
		return fmt.Errorf("%s: %w", at, err)
	case code != "":
		return fmt.Errorf("%s: %s", at, reason(err))
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s does not answer: is the server running, and the address in DATABASE_URL right?", at)
	}
	return fmt.Errorf("%s cannot be reached: %s: is the server running, and the address in DATABASE_URL right?", at, reason(err))
}

// reason is the innermost cause of err, in one line.
func reason(err error) string {
	var said *pgconn.PgError
	if errors.As(err, &said) {
		return said.Message
	}
	var network *net.OpError
	if errors.As(err, &network) {
		err = network.Err
	}
	lines := strings.Split(strings.TrimSpace(err.Error()), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
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
	switch code := postgresCode(err); code {
	case "40001", "40P01", "57P01", "57P02", "25P03": // of the latter: the server ended the connection
		return true
	case "":
	default:
		return strings.HasPrefix(code, "08")
	}
	var unreachable *pgconn.ConnectError
	var network *net.OpError
	switch {
	case errors.As(err, &unreachable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	}
	return errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, driver.ErrBadConn)
}
