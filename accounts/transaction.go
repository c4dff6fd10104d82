package accounts

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// transaction is one transaction on a handle.
type transaction struct {
	*sql.Tx
	h       *handle
	watch   *time.Timer // ends the transaction when a step takes too long; nil: none does
	missing []string    // texts to prepare when the connection is free again
	now     int64       // unix milliseconds, one time for all of it
	rev     int64       // taken by nextRev; 0: none yet
	actor   Actor       // who is behind the changes; "" in a transaction that only reads
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
