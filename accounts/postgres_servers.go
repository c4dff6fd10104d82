package accounts

import (
	"context"
	"database/sql/driver"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	knownWait  = time.Second            // for a new connection to the primary, before all servers are asked
	othersWait = 500 * time.Millisecond // for the other servers, after one has said that it takes writes
)

// host is one of the servers in a URL.
type host struct {
	driver.Connector
	cfg   *pgx.ConnConfig
	index int // in the URL
}

// Connect is part of driver.Connector. It explains errors to people.
func (s host) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := s.Connector.Connect(ctx)
	if err != nil {
		return nil, &connectError{explainPostgres(s.cfg, err), err}
	}
	return conn, nil
}

// connectError says that connecting failed.
type connectError struct {
	says string
	err  error
}

func (e *connectError) Error() string { return e.says }

func (e *connectError) Unwrap() error { return e.err }

// servers connects to the primary among several servers, and moves to another one when that is promoted. See silence.go
// for primaries that stop answering.
type servers struct {
	all []host
	log *slog.Logger

	mu      sync.Mutex
	primary int                  // guarded by mu; index in all; -1: not known
	history history              // guarded by mu; the newest that was seen
	open    map[*watchedConn]int // guarded by mu; with the index of their server
	asking  bool                 // guarded by mu; see watchedConn.doubt
	closed  bool                 // guarded by mu

	life context.Context // ends with Close
	end  context.CancelFunc
	work sync.WaitGroup
}

// connectorFor returns what opens connections to the servers in a URL.
func connectorFor(config *pgx.ConnConfig, log *slog.Logger) driver.Connector {
	each := splitServers(config)
	if len(each) == 1 {
		return host{stdlib.GetConnector(*config), config, 0}
	}
	s := &servers{log: log, primary: -1, open: map[*watchedConn]int{}}
	s.life, s.end = context.WithCancel(context.Background())
	for i, cfg := range each {
		cfg.ValidateConnect = wantPrimaryWithHistory
		cfg.DialFunc = s.watched(i, cfg.DialFunc)
		s.all = append(s.all, host{stdlib.GetConnector(*cfg), cfg, i})
	}
	return s
}

// splitServers returns a configuration for each server in the URL. pgx tries them in turn, but waits for one that is
// frozen each time, and takes an old primary that still runs.
func splitServers(config *pgx.ConnConfig) (each []*pgx.ConnConfig) {
	first := &pgconn.FallbackConfig{Host: config.Host, Port: config.Port, TLSConfig: config.TLSConfig}
	for _, way := range append([]*pgconn.FallbackConfig{first}, config.Fallbacks...) {
		i := slices.IndexFunc(each, func(c *pgx.ConnConfig) bool { return c.Host == way.Host && c.Port == way.Port })
		if i >= 0 { // the same server without TLS
			each[i].Fallbacks = append(each[i].Fallbacks, way)
			continue
		}
		one := config.Copy()
		one.Host, one.Port, one.TLSConfig, one.Fallbacks = way.Host, way.Port, way.TLSConfig, nil
		each = append(each, one)
	}
	return each
}

// Close is part of io.Closer. sql.DB calls it.
func (s *servers) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.end()
	s.work.Wait()
	return nil
}

// Driver is part of driver.Connector.
func (s *servers) Driver() driver.Driver { return stdlib.GetDefaultDriver() }

// Connect is part of driver.Connector. It returns a connection to the primary.
func (s *servers) Connect(ctx context.Context) (driver.Conn, error) {
	if i := s.known(); i >= 0 {
		first, cancel := context.WithTimeout(ctx, knownWait)
		conn, err := s.all[i].Connect(first)
		cancel()
		if err == nil && s.accept(i, historyOf(conn)) {
			return conn, nil
		}
		if err == nil {
			conn.Close()
		}
	}
	return s.search(ctx)
}

func (s *servers) known() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.primary
}

// search asks all servers and connects to the one that takes writes. If there are several, it's the one that was
// promoted last.
func (s *servers) search(ctx context.Context) (driver.Conn, error) {
	answers := ask(ctx, s.all)
	best := -1
	for i, a := range answers {
		if a.err == nil && (best < 0 || answers[best].history.before(a.history)) {
			best = i
		}
	}
	accepted := best >= 0 && s.accept(best, answers[best].history)
	for i, a := range answers {
		if a.err == nil && !(accepted && i == best) {
			a.conn.Close()
		}
	}
	if accepted {
		return answers[best].conn, nil
	}
	return nil, noPrimary(s.all, answers)
}

// answer is what one server answered.
type answer struct {
	host    int // index
	conn    driver.Conn
	history history
	err     error
}

// ask connects to servers at the same time. It doesn't wait much longer than for the first that takes writes.
func ask(ctx context.Context, all []host) []answer {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	answers := make([]answer, len(all))
	var asking sync.WaitGroup
	for i, one := range all {
		asking.Go(func() {
			conn, err := one.Connect(ctx)
			if answers[i] = (answer{host: one.index, conn: conn, err: err}); err == nil {
				answers[i].history = historyOf(conn)
				time.AfterFunc(othersWait, cancel)
			}
		})
	}
	asking.Wait()
	return answers
}

// accept notes that a server is the primary, and ends all connections to others. It refuses an old primary that still
// takes writes although another one was promoted since.
func (s *servers) accept(i int, h history) bool {
	s.mu.Lock()
	if h.before(s.history) {
		s.mu.Unlock()
		return false
	}
	var left []*watchedConn
	moved := s.primary >= 0 && s.primary != i
	if moved {
		left = s.elsewhereLocked(i)
	}
	s.primary, s.history = i, h
	s.mu.Unlock()
	if moved {
		s.log.Warn("another Postgres server is the primary now", "server", where(s.all[i].cfg))
	}
	for _, c := range left {
		c.Close()
	}
	return true
}

// elsewhereLocked returns the connections to all servers but one.
func (s *servers) elsewhereLocked(i int) (left []*watchedConn) {
	for c, to := range s.open {
		if to != i {
			left = append(left, c)
		}
	}
	return left
}

// noPrimary explains why no server could be used.
func noPrimary(all []host, answers []answer) error {
	var says []string
	var errs []error
	for i, a := range answers {
		at := where(all[i].cfg)
		switch {
		case a.err == nil:
			says = append(says, at+" is an old primary: another server was promoted since")
		case errors.Is(a.err, errReadOnly):
			says = append(says, at+" is read-only")
		default:
			says = append(says, a.err.Error())
		}
		errs = append(errs, a.err)
	}
	return &connectError{"no server takes writes: " + strings.Join(says, "; "), errors.Join(errs...)}
}

// history says which history of the data a server has. A standby that is promoted begins a new timeline, because the
// old primary may have more, or other, transactions.
type history struct {
	system   string // made once, by initdb; "": the server doesn't say
	timeline uint64
}

// before reports whether a server with the history other was promoted after one with h.
func (h history) before(other history) bool {
	return h.system == other.system && h.timeline < other.timeline
}

// timelineSQL returns the timeline of a primary as text. It's an error on a standby, and on some managed services.
const timelineSQL = `substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)`

const historyKey = "rollcall.history"

// wantPrimaryWithHistory is wantPrimary, and notes the server's history for historyOf.
func wantPrimaryWithHistory(ctx context.Context, conn *pgconn.PgConn) error {
	if err := wantPrimary(ctx, conn); err != nil {
		return err
	}
	results, err := conn.Exec(ctx, "SELECT system_identifier, "+timelineSQL+" FROM pg_control_system()").ReadAll()
	if postgresCode(err) != "" {
		return nil // it doesn't say
	}
	if err != nil {
		return err
	}
	row := results[0].Rows[0]
	timeline, err := strconv.ParseUint(string(row[1]), 16, 64)
	conn.CustomData()[historyKey] = history{string(row[0]), timeline}
	return err
}

func historyOf(conn driver.Conn) history {
	h, _ := conn.(*stdlib.Conn).Conn().PgConn().CustomData()[historyKey].(history)
	return h
}

// watched returns a dial function for a server whose connections are watched.
func (s *servers) watched(i int, dial pgconn.DialFunc) pgconn.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return s.watch(conn, i), nil
	}
}
