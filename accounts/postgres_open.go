package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// DefaultConns is the default maximum number of connections of one process to Postgres.
const DefaultConns = 16

// minPostgres is the first version that understands all of the SQL (WITH … AS MATERIALIZED).
const minPostgres = 120000

// CheckURL returns an error unless text is a valid Postgres URL. The error holds no part of the URL.
func CheckURL(text string) error {
	_, err := parsePostgres(text)
	return err
}

func parsePostgres(text string) (*pgx.ConnConfig, error) {
	const form = "write postgres://USER:PASSWORD@HOST:5432/DATABASE, with @ : / ? # % in a password as %40 %3A %2F %3F %23 %25"
	if !strings.HasPrefix(text, "postgres://") && !strings.HasPrefix(text, "postgresql://") {
		return nil, errors.New("the database URL does not begin with postgres://: " + form)
	}
	_, options, _ := strings.Cut(text, "?")
	query, err := url.ParseQuery(options)
	if err != nil {
		return nil, errors.New("the database URL cannot be read: " + form)
	}
	switch query.Get("target_session_attrs") {
	case "", "read-write", "primary", "any":
	default:
		return nil, errors.New("the database URL asks for a standby with target_session_attrs, but Rollcall needs the primary")
	}
	cfg, err := pgx.ParseConfig(text)
	if err != nil {
		return nil, errors.New("the database URL cannot be used: a part of it or a file it names is wrong: " + form)
	}
	if !query.Has("default_query_exec_mode") {
		cfg.DefaultQueryExecMode = pgx.QueryExecModeExec // the mode that works with every pooler
	}
	if !query.Has("connect_timeout") {
		cfg.ConnectTimeout = 5 * time.Second
	}
	cfg.ValidateConnect = wantPrimary
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "rollcall"
	}
	return cfg, nil
}

// errReadOnly says that a server is read-only because it's a standby.
var errReadOnly = errors.New("read-only")

// wantPrimary refuses a read-only server. It checks every new connection, because a server may become a standby at any
// time, and then its data is stale, too.
func wantPrimary(ctx context.Context, conn *pgconn.PgConn) error {
	results, err := conn.Exec(ctx, "SHOW transaction_read_only").ReadAll()
	if err != nil {
		return err
	}
	if len(results) == 1 && len(results[0].Rows) == 1 && string(results[0].Rows[0][0]) == "on" {
		return errReadOnly
	}
	return nil
}

// wherePostgres returns the URL without its password and options.
func wherePostgres(text string) string {
	cfg, err := parsePostgres(text)
	if err != nil {
		return "postgres"
	}
	return where(cfg)
}

func where(cfg *pgx.ConnConfig) string {
	u := url.URL{Scheme: "postgres", User: url.User(cfg.User), Path: "/" + cfg.Database}
	var hosts []string
	for _, one := range splitServers(cfg) {
		hosts = append(hosts, net.JoinHostPort(one.Host, fmt.Sprint(one.Port)))
	}
	if u.Host = strings.Join(hosts, ","); strings.HasPrefix(cfg.Host, "/") {
		u.Host, u.RawQuery = "", "host="+cfg.Host
	}
	return u.String()
}

// openPostgres opens the pool and checks the server. Idle connections are closed after a while, and all connections
// after half an hour, so that they move to a new primary.
func openPostgres(ctx context.Context, cfg Config) (*sql.DB, dialect, error) {
	config, err := parsePostgres(cfg.URL)
	if err != nil {
		return nil, dialect{}, err
	}
	if cfg.Conns == 0 {
		cfg.Conns = DefaultConns
	}
	db := sql.OpenDB(connectorFor(config, cfg.Log))
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
	var unconnected *connectError
	switch {
	case err == nil:
		err = checkServer(where(config), version, encoding)
	case !errors.As(err, &unconnected):
		err = errors.New(explainPostgres(config, err))
	}
	if err != nil {
		db.Close()
		return nil, dialect{}, err
	}
	return db, postgresDialect(cfg.patience, revOf(ctx, db)), nil
}

// revOf returns the statement that reads the last rev, with the timeline if the server says it.
func revOf(ctx context.Context, db *sql.DB) string {
	var timeline string
	if err := db.QueryRowContext(ctx, "SELECT "+timelineSQL).Scan(&timeline); err != nil {
		return sqlRevAlone
	}
	return "SELECT value, " + timelineSQL + " FROM meta WHERE name = 'rev'"
}

// checkServer refuses servers that Rollcall can't use.
func checkServer(where string, version int, encoding string) error {
	switch {
	case version < minPostgres:
		return fmt.Errorf("%s is PostgreSQL %d: use version %d or newer", where, version/10000, minPostgres/10000)
	case encoding != "UTF8":
		return fmt.Errorf("%s has the encoding %s: create the database with ENCODING 'UTF8' TEMPLATE template0", where,
			encoding)
	}
	return nil
}

// explainPostgres says in one line what the operator can do about a connection error. It uses as little of pgconn's
// errors as possible, which never hold the password.
func explainPostgres(cfg *pgx.ConnConfig, err error) string {
	at := where(cfg)
	switch code := postgresCode(err); {
	case errors.Is(err, errReadOnly):
		return at + " is read-only: use the address of the primary"
	case code == "28P01":
		return at + ": wrong password, or no such role: correct DATABASE_URL"
	case code == "28000":
		return fmt.Sprintf("%s: the server doesn't allow this role to connect (%s): check its pg_hba.conf", at, reason(err))
	case code == "3D000":
		return fmt.Sprintf("%s: there is no such database: create it with createdb --owner=%s %s", at, cfg.User, cfg.Database)
	case code == "53300":
		return at + ": the server has no connections left: lower --db-conns, raise its max_connections, or use a pooler"
	case code == cannotConnectNow:
		return at + " is starting or stopping: wait until it accepts connections"
	case code != "":
		return at + ": " + reason(err)
	case errors.Is(err, context.DeadlineExceeded):
		return at + " does not answer: is the server running, and the address in DATABASE_URL right?"
	}
	return fmt.Sprintf("%s cannot be reached: %s: is the server running, and the address in DATABASE_URL right?", at,
		reason(err))
}

// reason returns the innermost cause of err, in one line.
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
