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
	watch   *time.Timer // ends the transaction if a step takes too long; nil: no timeout
	missing []string    // texts to prepare after the transaction
	now     int64       // Unix milliseconds; the same time for the whole transaction
	rev     int64       // taken by nextRev; 0: none yet
	actor   Actor       // of the changes; "" in a transaction that only reads
	audited []Entry     // lines that it adds to the audit log
	acted   int         // lines of the actor within 24 hours, these included; -1: not known yet
	lists   bool        // it has called changesLists

	sendsMail bool // as in Config
	mailed    bool // it has queued an email
	unmailed  int  // emails that it couldn't queue
}

// transact runs fn in a transaction and commits it. first is its first statement ("": none). ctx ends the whole
// transaction. If an error comes from the commit itself, done is true, and the commit may have happened.
func (h *handle) transact(ctx context.Context, conn *sql.Conn, options *sql.TxOptions, first string, now int64,
	fn func(context.Context, *transaction) error) (t *transaction, done bool, err error) {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	t = &transaction{h: h, now: now, acted: -1}
	if h.patience > 0 {
		slow := fmt.Errorf("the database did not answer within %v", h.patience)
		t.watch = time.AfterFunc(h.patience, func() { end(slow) })
		defer t.watch.Stop()
		defer func() { // replace the context's error, which callers would mistake for that of their own context
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

// step restarts the timeout, because the database has answered.
func (t *transaction) step() {
	if t.watch != nil {
		t.watch.Reset(t.h.patience)
	}
}

// stmt returns the prepared statement for text, if there is one. It can't prepare one, because on the writer that would
// wait for the connection of this transaction.
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

// execOnce is exec without preparing text, for texts with many variants.
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

// strings runs a query with one text column.
func (t *transaction) strings(ctx context.Context, text string, args ...any) ([]string, error) {
	rows, err := t.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(s *string) []any { return []any{s} })
}

// collect reads all rows. dest returns the destinations for Scan in a new T.
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

// count returns the number that text selects.
func (t *transaction) count(ctx context.Context, text string, args ...any) (n int, err error) {
	err = t.queryRow(ctx, text, args, &n)
	return n, err
}
