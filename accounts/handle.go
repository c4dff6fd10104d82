package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
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
