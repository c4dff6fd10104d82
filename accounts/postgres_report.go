package accounts

import (
	"context"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// PostgresReport says which servers a URL leads to, for the doctor.
type PostgresReport struct {
	Servers []PostgresServer // in the order of the URL
}

// PostgresServer is one server. What it doesn't say, or hides from this role, is "" or negative.
type PostgresServer struct {
	Address  string
	Err      error // it can't be used; the rest is empty
	Standby  bool
	ReadOnly bool
	Timeline string // of a primary

	SyncCommit   string // synchronous_commit, for this role
	SyncStandbys string // synchronous_standby_names
	Followers    int    // connections that receive the changes of a primary
}

// TakesWrites reports whether Rollcall can use the server.
func (s PostgresServer) TakesWrites() bool { return s.Err == nil && !s.ReadOnly }

// WaitsForStandby reports whether a commit returns only when a standby has it, too.
func (s PostgresServer) WaitsForStandby() bool {
	return s.SyncStandbys != "" && (s.SyncCommit == "on" || s.SyncCommit == "remote_apply" || s.SyncCommit == "remote_write")
}

// reportTime is how long a server may take for its report.
const reportTime = 5 * time.Second

// ReportPostgres asks each server in cfg.URL what it is. It changes nothing.
func ReportPostgres(ctx context.Context, cfg Config) (PostgresReport, error) {
	config, err := parsePostgres(cfg.URL)
	if err != nil {
		return PostgresReport{}, err
	}
	each := splitServers(config)
	report := PostgresReport{Servers: make([]PostgresServer, len(each))}
	var asking sync.WaitGroup
	for i, one := range each {
		asking.Go(func() { report.Servers[i] = reportServer(ctx, one) })
	}
	asking.Wait()
	return report, nil
}

func reportServer(ctx context.Context, cfg *pgx.ConnConfig) PostgresServer {
	ctx, cancel := context.WithTimeout(ctx, reportTime)
	defer cancel()
	s := PostgresServer{Address: net.JoinHostPort(cfg.Host, strconv.Itoa(int(cfg.Port))), Followers: -1}
	cfg.ValidateConnect = func(context.Context, *pgconn.PgConn) error { return nil } // a standby may answer, too
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		s.Err = &connectError{explainPostgres(cfg, err), err}
		return s
	}
	defer conn.Close(ctx)
	s.Err = conn.QueryRow(ctx, `SELECT pg_is_in_recovery(), current_setting('transaction_read_only') = 'on',
		current_setting('synchronous_commit'), current_setting('synchronous_standby_names')`).
		Scan(&s.Standby, &s.ReadOnly, &s.SyncCommit, &s.SyncStandbys)
	if s.Err != nil || s.Standby {
		return s
	}
	if conn.QueryRow(ctx, "SELECT "+timelineSQL).Scan(&s.Timeline) != nil {
		s.Timeline = ""
	}
	if conn.QueryRow(ctx, "SELECT count(*) FROM pg_stat_replication").Scan(&s.Followers) != nil {
		s.Followers = -1
	}
	return s
}
