package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

// tries is how often something is tried whose connection was lost, or that another transaction was in the way of.
const tries = 4

// handle is one pool of connections with the statements prepared on it, if its kind keeps any. There are as many
// statements as different texts in this package; none is made of what people typed.
type handle struct {
	db *sql.DB
	kind
	turns chan struct{} // see queue; nil: no limit

	mu    sync.RWMutex
	stmts map[string]*sql.Stmt // guarded by mu; by text
}

func newHandle(db *sql.DB, k kind) *handle {
	return &handle{db: db, kind: k, stmts: map[string]*sql.Stmt{}}
}

// prepared returns the statement for text if there is one.
func (h *handle) prepared(text string) (*sql.Stmt, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	st, ok := h.stmts[text]
	return st, ok
}

// prepare returns the statement for text, made on first use. It needs a free connection.
func (h *handle) prepare(ctx context.Context, text string) (*sql.Stmt, error) {
	if st, ok := h.prepared(text); ok {
		return st, nil
	}
	st, err := h.db.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if other, ok := h.stmts[text]; ok {
		st.Close()
		return other, nil
	}
	h.stmts[text] = st
	return st, nil
}

// prepareAll prepares what a transaction could not.
func (h *handle) prepareAll(ctx context.Context, texts []string) error {
	for _, text := range texts {
		if _, err := h.prepare(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// rows are the result of a query, to be closed.
type rows struct {
	*sql.Rows
	end context.CancelFunc
}

// Close frees the connection.
func (r *rows) Close() error {
	defer r.end()
	return r.Rows.Close()
}

// bounded is ctx with an end that is as far away as a step may take.
func (h *handle) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if h.patience == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, h.patience)
}

// retry runs try until it succeeds or would not the next time either. try changes nothing.
func (h *handle) retry(ctx context.Context, try func(context.Context) error) (err error) {
	for range tries {
		if err = try(ctx); err == nil || h.again == nil || !h.again(err) {
			break
		}
	}
	return err
}

// query runs a statement that reads..
func (h *handle) query(ctx context.Context, text string, args ...any) (*rows, error) {
	return h.queryKept(ctx, true, text, args)
}

// queryKept is query; keep is false for texts that are too many to be prepared.
func (h *handle) queryKept(ctx context.Context, keep bool, text string, args []any) (r *rows, err error) {
	err = h.retry(ctx, func(ctx context.Context) error {
		r = &rows{}
		ctx, r.end = h.bounded(ctx)
		r.Rows, err = h.start(ctx, keep, text, args)
		if err != nil {
			r.end()
		}
		return err
	})
	return r, err
}

func (h *handle) start(ctx context.Context, keep bool, text string, args []any) (*sql.Rows, error) {
	if !keep || !h.prepares {
		return h.db.QueryContext(ctx, text, h.arguments(args)...)
	}
	st, err := h.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(ctx, args...)
}

// queryRow reads one row into dest; sql.ErrNoRows when there is none.
func (h *handle) queryRow(ctx context.Context, text string, args []any, dest ...any) error {
	return h.retry(ctx, func(ctx context.Context) error {
		ctx, end := h.bounded(ctx)
		defer end()
		if !h.prepares {
			return h.db.QueryRowContext(ctx, text, h.arguments(args)...).Scan(dest...)
		}
		st, err := h.prepare(ctx, text)
		if err != nil {
			return err
		}
		return st.QueryRowContext(ctx, args...).Scan(dest...)
	})
}

// arguments are args as the database takes them.
func (h *handle) arguments(args []any) []any {
	if h.argument == nil {
		return args
	}
	taken := make([]any, len(args))
	for i, arg := range args {
		taken[i] = h.argument(arg)
	}
	return taken
}

// close ends the statements and the pool. A second time does nothing.
func (h *handle) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, st := range h.stmts {
		st.Close()
	}
	h.stmts = nil
	return h.db.Close()
}

// queue waits for a place among those who take a turn, who are fewer than there are connections: whoever waits for a
// turn has one, and who only reads must not wait for that, too.
func (h *handle) queue(ctx context.Context) (leave func(), err error) {
	if h.turns == nil {
		return func() {}, nil
	}
	wait, end := h.bounded(ctx)
	defer end()
	select {
	case h.turns <- struct{}{}:
		return func() { <-h.turns }, nil
	case <-wait.Done():
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("%w: others were first for %v", ErrBusy, h.patience)
}

// conn waits for a connection.
func (h *handle) conn(ctx context.Context) (*sql.Conn, error) {
	wait, end := h.bounded(ctx)
	defer end()
	conn, err := h.db.Conn(wait)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) && !isAway(err) {
		return nil, fmt.Errorf("%w: no connection to the database was free within %v", ErrBusy, h.patience)
	}
	return conn, err
}

// transaction is one transaction on a handle.
type transaction struct {
	*sql.Tx
	h       *handle
	watch   *time.Timer // ends the transaction when a step takes too long; nil: none does
	missing []string    // texts to prepare when the connection is free again
	now     int64       // unix milliseconds, one time for all of it
	rev     int64       // taken by nextRev; 0: none yet
}

// transact runs fn in a transaction, which first of all is sent a text ("": nothing), and commits. ctx ends all of it.
// With an error done tells whether that came from the commit itself, and so may have happened.
func (h *handle) transact(ctx context.Context, conn *sql.Conn, options *sql.TxOptions, first string, now int64,
	fn func(context.Context, *transaction) error) (t *transaction, done bool, err error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	t = &transaction{h: h, now: now}
	if h.patience > 0 {
		slow := fmt.Errorf("the database did not answer within %v", h.patience)
		t.watch = time.AfterFunc(h.patience, func() { end(slow) })
		defer t.watch.Stop()
		defer func() { // not the context's own error: callers take that for their caller's
			if err != nil && context.Cause(ctx) == slow {
				err = slow
			}
		}()
	}
	if t.Tx, err = conn.BeginTx(ctx, options); err != nil {
		return nil, false, err
	}
	defer t.Rollback() // does nothing after Commit
	if t.step(); first != "" {
		if _, err := t.ExecContext(ctx, first); err != nil {
			return nil, false, err
		}
		t.step()
	}
	if err := fn(ctx, t); err != nil {
		return nil, false, err
	}
	return t, true, t.Commit()
}

// step notes that the database has answered.
func (t *transaction) step() {
	if t.watch != nil {
		t.watch.Reset(t.h.patience)
	}
}

// stmt returns the prepared statement for text, if there is one. None can be made here: on the writer it would wait
// for the connection that this transaction has.
func (t *transaction) stmt(ctx context.Context, text string) *sql.Stmt {
	if !t.h.prepares {
		return nil
	}
	if st, ok := t.h.prepared(text); ok {
		return t.StmtContext(ctx, st)
	}
	t.missing = append(t.missing, text)
	return nil
}

func (t *transaction) exec(ctx context.Context, text string, args ...any) (affected int64, err error) {
	defer t.step()
	var res sql.Result
	if st := t.stmt(ctx, text); st != nil {
		res, err = st.ExecContext(ctx, args...)
	} else {
		res, err = t.ExecContext(ctx, text, t.h.arguments(args)...)
	}
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// execOnce is exec for texts that are too many to be prepared.
func (t *transaction) execOnce(ctx context.Context, text string, args []any) error {
	defer t.step()
	_, err := t.ExecContext(ctx, text, t.h.arguments(args)...)
	return err
}

func (t *transaction) query(ctx context.Context, text string, args ...any) (*rows, error) {
	defer t.step()
	found, err := t.start(ctx, text, args)
	return &rows{found, func() {}}, err
}

func (t *transaction) start(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	if st := t.stmt(ctx, text); st != nil {
		return st.QueryContext(ctx, args...)
	}
	return t.QueryContext(ctx, text, t.h.arguments(args)...)
}

func (t *transaction) queryRow(ctx context.Context, text string, args []any, dest ...any) error {
	defer t.step()
	if st := t.stmt(ctx, text); st != nil {
		return st.QueryRowContext(ctx, args...).Scan(dest...)
	}
	return t.QueryRowContext(ctx, text, t.h.arguments(args)...).Scan(dest...)
}

// strings runs a query of one text column.
func (t *transaction) strings(ctx context.Context, text string, args ...any) ([]string, error) {
	rows, err := t.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(s *string) []any { return []any{s} })
}

// collect reads all rows, each into the places that dest gives for a new T.
func collect[T any](rows *rows, dest func(*T) []any) ([]T, error) {
	defer rows.Close()
	var all []T
	for rows.Next() {
		var v T
		if err := rows.Scan(dest(&v)...); err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}
