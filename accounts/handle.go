package accounts

import (
	"context"
	"database/sql"
	"sync"
)

// handle is one pool of connections with the statements prepared on it. There are as many statements as different
// texts in this package; none is made of what people typed.
type handle struct {
	db *sql.DB

	mu    sync.RWMutex
	stmts map[string]*sql.Stmt // guarded by mu; by text
}

func newHandle(db *sql.DB) *handle { return &handle{db: db, stmts: map[string]*sql.Stmt{}} }

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

func (h *handle) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	st, err := h.prepare(ctx, text)
	if err != nil {
		return nil, err
	}
	return st.QueryContext(ctx, args...)
}

// queryRow reads one row into dest; sql.ErrNoRows when there is none.
func (h *handle) queryRow(ctx context.Context, text string, args []any, dest ...any) error {
	st, err := h.prepare(ctx, text)
	if err != nil {
		return err
	}
	return st.QueryRowContext(ctx, args...).Scan(dest...)
}

// close ends the statements and the pool.
func (h *handle) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, st := range h.stmts {
		st.Close()
	}
	h.stmts = nil
	return h.db.Close()
}

// transaction is one transaction on a handle.
type transaction struct {
	*sql.Tx
	h       *handle
	missing []string // texts to prepare when the connection is free again
	now     int64    // unix milliseconds, one time for all of it
	rev     int64    // taken by nextRev; 0: none yet
}

// stmt returns the prepared statement for text, if there is one. None can be made here: on the writer it would wait
// for the connection that this transaction has.
func (t *transaction) stmt(ctx context.Context, text string) *sql.Stmt {
	if st, ok := t.h.prepared(text); ok {
		return t.StmtContext(ctx, st)
	}
	t.missing = append(t.missing, text)
	return nil
}

func (t *transaction) exec(ctx context.Context, text string, args ...any) (affected int64, err error) {
	var res sql.Result
	if st := t.stmt(ctx, text); st != nil {
		res, err = st.ExecContext(ctx, args...)
	} else {
		res, err = t.ExecContext(ctx, text, args...)
	}
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

func (t *transaction) query(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	if st := t.stmt(ctx, text); st != nil {
		return st.QueryContext(ctx, args...)
	}
	return t.QueryContext(ctx, text, args...)
}

func (t *transaction) queryRow(ctx context.Context, text string, args []any, dest ...any) error {
	if st := t.stmt(ctx, text); st != nil {
		return st.QueryRowContext(ctx, args...).Scan(dest...)
	}
	return t.QueryRowContext(ctx, text, args...).Scan(dest...)
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
func collect[T any](rows *sql.Rows, dest func(*T) []any) ([]T, error) {
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
