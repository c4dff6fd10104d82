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

// openPatience is how long Open keeps trying while other starting processes hold the database.
const openPatience = 10 * time.Second

// tryPatience is how long one of these tries may take. It must be enough to upgrade a large database.
const tryPatience = 10 * time.Minute

// stepPatience is how long a database server may take for one step: connecting, a statement, or a commit.
const stepPatience = 10 * time.Second

// Store holds the accounts of one Rollcall. Its methods may be called from any goroutine, and other processes may have
// the same database open. A context ends the wait for a turn to write. A write that has begun is finished in any case.
type Store struct {
	w, r      *handle // r can't write
	file      *file   // nil: Postgres
	log       *slog.Logger
	now       func() time.Time
	hash      *hasher
	small     int64 // see wipe
	id        string
	committed chan struct{}
	counted   userCounter

	sendsMail  bool
	mailQueued chan struct{}

	usualActor Actor // Config.Actor
}

// Open opens the accounts at cfg.URL, or at cfg.Path if that is empty. It creates or upgrades the database as needed.
// Its errors tell the operator what to do.
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
	switch {
	case cfg.params != argonParams{}:
	case cfg.CheapHashes:
		cfg.params = cheapParams
	default:
		cfg.params = standardParams
	}
	if cfg.patience == 0 {
		cfg.patience = stepPatience
	}
	s := &Store{
		log: cfg.Log, now: cfg.Now, small: cmp.Or(cfg.small, smallFile),
		committed: make(chan struct{}, 1), usualActor: cfg.Actor, counted: userCounter{turn: make(chan struct{}, 1)},
		sendsMail: cfg.SendsMail, mailQueued: make(chan struct{}, 1),
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
	return retryWhileBusy(ctx, func(ctx context.Context) error { return s.connect(ctx, cfg, steps) })
}

// retryWhileBusy retries try while other processes hold the database. SQLite itself doesn't wait for them in some steps
// of opening a new file.
func retryWhileBusy(ctx context.Context, try func(context.Context) error) error {
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
		if isUnreachable(err) { // the error says that the server is starting
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
		err = cmp.Or(s.file.trackLog(), s.file.check())
	}
	if err != nil {
		s.Close()
		return fmt.Errorf("%s: %w", cfg.Where(), err)
	}
	return nil
}

// openHandles opens a Postgres or SQLite database.
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
	s.w, s.r, s.file = newHandle(w, sqliteDialect), newHandle(r, sqliteDialect), f
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

// identify reads the id of the store. The first process to open it generates it.
func (s *Store) identify(ctx context.Context) error {
	if err := s.r.queryRow(ctx, sqlStoreID, nil, &s.id); !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if _, err := s.w.db.ExecContext(ctx, sqlKeepStoreID, rand.Text()); err != nil {
		return err
	}
	return s.r.queryRow(ctx, sqlStoreID, nil, &s.id)
}

// Close closes all connections. The last process to close an SQLite file leaves no other files beside it.
func (s *Store) Close() error {
	return errors.Join(s.r.close(), s.w.close(), s.file.close())
}

// Ping returns an error if the database doesn't answer or its file is lost.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.file.check(); err != nil {
		return err
	}
	var rev int64
	return s.r.queryRow(ctx, sqlRev, nil, &rev)
}

// ID identifies this store. Replicas that share presence must have the same store.
func (s *Store) ID() string { return s.id }

// Committed receives a value after each commit of this process that took a rev. Values don't accumulate: one means at
// least one commit.
func (s *Store) Committed() <-chan struct{} { return s.committed }

// write runs fn in a transaction while no other write runs, in any process. So the data that fn reads stays current
// until it commits. SQLite has one writer at a time anyway. Postgres transactions would see each other's commits
// between two statements, so each one locks the row of the rev first (dialect.turn), which also prevents deadlocks. ctx
// only limits the wait for a turn. It doesn't interrupt fn, so a caller that gives up leaves nothing half done. fn may
// run again from the start if Postgres aborts it. Errors: ErrBusy if others hold the database for too long, ErrUnknown
// if a commit gets no answer, ErrLost if the file isn't at its path any more, and ErrNoActor for a ctx without an
// actor.
func (s *Store) write(ctx context.Context, fn func(context.Context, *transaction) error) error {
	return s.commit(ctx, s.w.turn, fn)
}

// note is write for changes that read nothing, take no rev and don't depend on order. They may run at the same time as
// other writes.
func (s *Store) note(ctx context.Context, fn func(context.Context, *transaction) error) error {
	return s.commit(ctx, s.w.bound, fn)
}

// commit runs fn in a transaction that begins with the statement first, and signals a new rev to Committed.
func (s *Store) commit(ctx context.Context, first string, fn func(context.Context, *transaction) error) error {
	actor, err := s.actor(ctx)
	if err != nil {
		return err
	}
	if err := s.file.check(); err != nil {
		return err
	}
	t, err := s.commitOrRetry(ctx, first, func(ctx context.Context, t *transaction) error {
		t.actor, t.sendsMail = actor, s.sendsMail
		return fn(ctx, t)
	})
	if err != nil {
		if isBusy(err) && !isUnreachable(err) {
			return fmt.Errorf("%w: %w", ErrBusy, err)
		}
		return err
	}
	if err := s.w.prepareAll(context.WithoutCancel(ctx), t.missing); err != nil {
		s.log.Warn("cannot prepare a statement", "err", err)
	}
	s.logAudited(t)
	s.afterMail(t)
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

// commitOrRetry retries a transaction that certainly wasn't committed.
func (s *Store) commitOrRetry(ctx context.Context, first string,
	fn func(context.Context, *transaction) error) (t *transaction, err error) {
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

// giveBack returns a connection to the pool. It drops the connection if the server has become read-only, because the
// next one may lead to the new primary.
func giveBack(conn *sql.Conn, err error) {
	if postgresCode(err) == readOnly {
		conn.Raw(func(any) error { return driver.ErrBadConn })
	}
	conn.Close()
}

// snapshot runs fn in a read-only transaction whose queries all see the same state. fn may run again from the start if
// the connection is lost.
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

// nextRev returns the rev of this transaction. The first call takes it and makes others that want one wait, so revs are
// committed in order.
func (t *transaction) nextRev(ctx context.Context) (int64, error) {
	if t.rev != 0 {
		return t.rev, nil
	}
	err := t.queryRow(ctx, sqlNextRev, nil, &t.rev)
	return t.rev, err
}

func (s *Store) nowMilli() int64 { return s.now().UnixMilli() }

// milli converts a time to its stored form. at is its inverse.
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

// newID returns a UUIDv7, which sorts by creation time.
func newID() (string, error) {
	id, err := uuid.NewV7()
	return id.String(), err
}
