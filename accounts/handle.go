package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// tries is how often an operation is tried that lost its connection or conflicted with another transaction.
const tries = 4

// handle is a connection pool with its prepared statements, if its dialect uses any. The number of statements is
// bounded, because no text contains user input.
type handle struct {
	db *sql.DB
	dialect
	turns chan struct{} // see queue; nil: no limit

	mu    sync.RWMutex
	stmts map[string]*sql.Stmt // guarded by mu; by text
}

func newHandle(db *sql.DB, k dialect) *handle {
	return &handle{db: db, dialect: k, stmts: map[string]*sql.Stmt{}}
}

// prepared returns the statement for text, if it has been prepared.
func (h *handle) prepared(text string) (*sql.Stmt, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	st, ok := h.stmts[text]
	return st, ok
}

// prepare returns the statement for text and prepares it on first use. It needs a free connection.
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

// prepareAll prepares the statements that a transaction couldn't.
func (h *handle) prepareAll(ctx context.Context, texts []string) error {
	for _, text := range texts {
		if _, err := h.prepare(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// rows is the result of a query. It must be closed.
type rows struct {
	*sql.Rows
	end context.CancelFunc
}

// Close frees the connection.
func (r *rows) Close() error {
	defer r.end()
	return r.Rows.Close()
}

// bounded returns ctx with the timeout of one step.
func (h *handle) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if h.patience == 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, h.patience)
}

// retry runs try until it succeeds or another attempt is pointless. try must not change anything.
func (h *handle) retry(ctx context.Context, try func(context.Context) error) (err error) {
	for range tries {
		if err = try(ctx); err == nil || h.again == nil || !h.again(err) {
			break
		}
	}
	return err
}

// query runs a statement that only reads.
func (h *handle) query(ctx context.Context, text string, args ...any) (*rows, error) {
	return h.queryKept(ctx, true, text, args)
}

// queryKept is query with the choice whether to prepare text. keep is false if there are too many different texts.
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

// queryRow reads one row into dest, or returns sql.ErrNoRows.
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

// arguments converts args for the database.
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

// close closes the statements and the pool. It may be called more than once.
func (h *handle) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, st := range h.stmts {
		st.Close()
	}
	h.stmts = nil
	return h.db.Close()
}

// queue waits until the caller may wait for its turn to write. Writers hold a connection while they wait for their
// turn, so their number is limited to keep connections free for readers.
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
	return nil, fmt.Errorf("%w: other writes were first for %v", ErrBusy, h.patience)
}

// conn waits for a connection.
func (h *handle) conn(ctx context.Context) (*sql.Conn, error) {
	wait, end := h.bounded(ctx)
	defer end()
	conn, err := h.db.Conn(wait)
	if err != nil && ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) && !isUnreachable(err) {
		return nil, fmt.Errorf("%w: no connection to the database was free within %v", ErrBusy, h.patience)
	}
	return conn, err
}
