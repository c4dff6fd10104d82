package accounts

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"time"

	"github.com/google/uuid"
)

// openPatience is how long Open goes on trying while other processes that start on the same database hold it.
const openPatience = 10 * time.Second

// tryPatience is how long one of these tries may take: upgrading a large database is not to be broken off.
const tryPatience = 10 * time.Minute

// stepPatience is how long a server of a database may take for one step, be it connecting, a statement, or a commit.
const stepPatience = 10 * time.Second

// Store is the accounts of one Rollcall. Its methods may be called from any goroutine, and other processes may have
// the same database open. A context ends the wait for a turn; a write that has begun is finished regardless.
type Store struct {
	w, r      *handle // r cannot write
	file      *file   // nil: Postgres
	log       *slog.Logger
	now       func() time.Time
	hash      *hasher
	small     int64 // see wipe
	id        string
	committed chan struct{}

	usualActor Actor // Config.Actor
}

// Open opens the accounts at cfg.URL, or at cfg.Path if that is empty. It creates or upgrades the database as needed. Its
// errors tell the operator what to do.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.HashWorkers == 0 {
		cfg.HashWorkers = min(2, runtime.NumCPU())
	}
	if cfg.params == (argonParams{}) {
		cfg.params = standardParams
	}
	if cfg.patience == 0 {
		cfg.patience = stepPatience
	}
	s := &Store{
		log: cfg.Log, now: cfg.Now, small: cmp.Or(cfg.small, smallFile),
		committed: make(chan struct{}, 1), usualActor: cfg.Actor,
	}
	s.hash = newHasher(cfg.HashWorkers, cfg.params)
	if err := s.open(ctx, cfg); err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	return s, nil
}

// open connects and migrates.
func (s *Store) open(ctx context.Context, cfg Config) error {
	steps, err := allMigrations(migrations)
	if err != nil {
		return err
	}
	return patiently(ctx, func(ctx context.Context) error { return s.connect(ctx, cfg, steps) })
}

// patiently calls try again and again while it fails because other processes hold the database, which in some steps
// of starting on a new file SQLite doesn't wait for.
func patiently(ctx context.Context, try func(context.Context) error) error {
	over := time.After(openPatience)
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 200*time.Millisecond) {
		err := tryOnce(ctx, try)
		if err == nil || !isBusy(err) {
			return err
		}
		select {
		case <-time.After(pause):
			continue
		case <-over:
		case <-ctx.Done():
		}
		if isAway(err) { // it says itself that the server is about to be there
			return err
		}
		return fmt.Errorf("another process holds the database: %w", err)
	}
}

func tryOnce(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, tryPatience)
	defer cancel()
	return try(ctx)
}

func (s *Store) connect(ctx context.Context, cfg Config, steps []migration) error {
	err := s.openHandles(ctx, cfg)
	if err != nil {
		return err
	}
	if err = migrate(ctx, s.w, steps, s.nowMilli()); err == nil {
		err = s.identify(ctx)
	}
	if err == nil {
		err = cmp.Or(s.file.noteLog(), s.file.check())
	}
	if err != nil {
		s.Close()
		return fmt.Errorf("%s: %w", cfg.Where(), err)
	}
	return nil
}

// openHandles opens the one kind of database or the other.
func (s *Store) openHandles(ctx context.Context, cfg Config) error {
	if cfg.URL != "" {
		db, k, err := openPostgres(ctx, cfg)
		if err != nil {
			return err
		}
		s.w = newHandle(db, k)
		s.w.turns = make(chan struct{}, max(1, db.Stats().MaxOpenConnections/2))
		s.r = s.w
		return nil
	}
	w, r, f, err := openSQLite(ctx, cfg.Path, s.log)
	if err != nil {
		return err
	}
	s.w, s.r, s.file = newHandle(w, sqliteKind), newHandle(r, sqliteKind), f
	if cfg.Server {
		if f.server, err = markServer(cfg.Path); err != nil {
			s.log.Warn("another server on this database file would not be noticed", "err", err)
		}
	}
	return nil
}

const (
	sqlKeepStoreID = `INSERT INTO meta (name, value, label) VALUES ('store', 0, $1) ON CONFLICT (name) DO NOTHING`
	sqlStoreID     = `SELECT label FROM meta WHERE name = 'store'`
)

// identify reads the id of the store, which the first process to open it makes up.
func (s *Store) identify(ctx context.Context) error {
	if err := s.r.queryRow(ctx, sqlStoreID, nil, &s.id); !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if _, err := s.w.db.ExecContext(ctx, sqlKeepStoreID, rand.Text()); err != nil {
		return err
	}
	return s.r.queryRow(ctx, sqlStoreID, nil, &s.id)
}

// Close ends all connections; the last process to close a SQLite file leaves nothing beside it.
func (s *Store) Close() error {
	return errors.Join(s.r.close(), s.w.close(), s.file.close())
}

// Ping reports whether the database answers and takes what is to be stored.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.file.check(); err != nil {
		return err
	}
	var rev int64
	return s.r.queryRow(ctx, sqlRev, nil, &rev)
}

// ID tells this store from every other: replicas that share presence must have the same.
func (s *Store) ID() string { return s.id }

// Committed has a value after each commit by this process that others must notice (it took a rev). Values do not
// pile up: one means at least one.
func (s *Store) Committed() <-chan struct{} { return s.committed }

// write runs fn in a transaction beside which no other write runs, in any process: what fn reads stays true until it
// commits. SQLite has one writer at a time anyway. On Postgres, whose transactions see each other's commits between two
// statements, each transaction takes the row of the rev first (kind.turn) and other locks after it, so that
// transactions don't deadlock. The wait for a turn ends with ctx; fn is then not interrupted, so a caller that gives up
// leaves nothing half done. fn may run again from the start when Postgres broke it off. A database that others hold for
// too long is ErrBusy, a commit that was not answered ErrUnknown, a file that isn't at its path any more ErrLost, and a
// ctx without an actor ErrNoActor.
func (s *Store) write(ctx context.Context, fn func(context.Context, *transaction) error) error {
	return s.commit(ctx, s.w.turn, fn)
}

// note is write for changes that read nothing, take no rev and depend on no order: it may run beside other writes.
func (s *Store) note(ctx context.Context, fn func(context.Context, *transaction) error) error {
	return s.commit(ctx, s.w.bound, fn)
}

// commit runs fn in a transaction that begins with the statement first, and lets others know of a new rev.
func (s *Store) commit(ctx context.Context, first string, fn func(context.Context, *transaction) error) error {
	actor, err := s.actor(ctx)
	if err != nil {
		return err
	}
	if err := s.file.check(); err != nil {
		return err
	}
	t, err := s.commitOrRetry(ctx, first, func(ctx context.Context, t *transaction) error {
		t.actor = actor
		return fn(ctx, t)
	})
	if err != nil {
		if isBusy(err) && !isAway(err) {
			return fmt.Errorf("%w: %w", ErrBusy, err)
		}
		return err
	}
	if err := s.w.prepareAll(context.WithoutCancel(ctx), t.missing); err != nil {
		s.log.Warn("cannot prepare a statement", "err", err)
	}
	if t.rev > 0 {
		select {
		case s.committed <- struct{}{}:
		default:
		}
	}
	if err := s.file.check(); err != nil { // somebody may have moved the file between the two checks
		return fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return nil
}

// commitOrRetry tries again what was certainly not committed.
func (s *Store) commitOrRetry(ctx context.Context, first string, fn func(context.Context, *transaction) error) (t *transaction, err error) {
	if first == s.w.turn {
		leave, err := s.w.queue(ctx)
		if err != nil {
			return nil, err
		}
		defer leave()
	}
	for range tries {
		var conn *sql.Conn
		if conn, err = s.w.conn(ctx); err != nil {
			return nil, err
		}
		var done bool
		t, done, err = s.w.transact(context.WithoutCancel(ctx), conn, nil, first, s.nowMilli(), fn)
		giveBack(conn, err)
		if err != nil && done && s.w.unknown != nil && s.w.unknown(err) {
			return t, fmt.Errorf("%w: %w", ErrUnknown, err)
		}
		if err == nil || done && !isBusy(err) || s.w.again == nil || !s.w.again(err) {
			break
		}
	}
	return t, err
}

// giveBack frees a connection, or drops it when it leads to a server that takes no changes any more: the next one may
// lead to the server that does.
func giveBack(conn *sql.Conn, err error) {
	if postgresCode(err) == readOnly {
		conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	conn.Close()
}

// snapshot runs fn in a transaction that only reads: all its queries see the same moment. fn may run again from the
// start when the connection was lost.
func (s *Store) snapshot(ctx context.Context, fn func(context.Context, *transaction) error) error {
	var t *transaction
	err := s.r.retry(ctx, func(ctx context.Context) error {
		conn, err := s.r.conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		t, _, err = s.r.transact(ctx, conn, s.r.snapshot, "", s.nowMilli(), fn)
		return err
	})
	if err != nil {
		return err
	}
	return s.r.prepareAll(ctx, t.missing)
}

const (
	sqlRev     = `SELECT value FROM meta WHERE name = 'rev'`
	sqlNextRev = `UPDATE meta SET value = value + 1 WHERE name = 'rev' RETURNING value`
)

// nextRev returns the rev of this transaction, taking it on the first call. Whoever takes it keeps others that want
// one waiting, so revs are committed in their order.
func (t *transaction) nextRev(ctx context.Context) (int64, error) {
	if t.rev != 0 {
		return t.rev, nil
	}
	err := t.queryRow(ctx, sqlNextRev, nil, &t.rev)
	return t.rev, err
}

func (s *Store) nowMilli() int64 { return s.now().UnixMilli() }

// milli is a time as it is stored; at is its inverse.
func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func at(milli int64) time.Time {
	if milli == 0 {
		return time.Time{}
	}
	return time.UnixMilli(milli).UTC()
}

// newID returns a UUID of version 7, whose order is that of its making.
func newID() (string, error) {
	id, err := uuid.NewV7()
	return id.String(), err
}
