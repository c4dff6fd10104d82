package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	wipeLimit = 2 * time.Second // for the whole wipe
	wipeBusy  = 250             // milliseconds that wipe waits for other processes
	smallFile = 8 << 20         // bytes: about 7,000 accounts, which take 0.2 s to rewrite
)

// wipe removes deleted data from the files of an SQLite database. It empties the write-ahead log, which still holds it.
// In the file, secure_delete has zeroed it, but when SQLite moves rows to other pages, it sometimes leaves a copy
// behind. Rewriting the file removes those copies and data that versions without secure_delete left. A file of more
// than small bytes isn't rewritten, because others would wait for seconds.
func wipe(ctx context.Context, w *sql.DB, small int64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), wipeLimit)
	defer cancel()
	conn, err := w.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", wipeBusy)); err != nil {
		return err
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), fmt.Sprintf("PRAGMA busy_timeout = %d", busyTimeout))
	return errors.Join(vacuum(ctx, conn, small), emptyLog(ctx, conn))
}

// vacuum rewrites a small database file without unused space.
func vacuum(ctx context.Context, conn *sql.Conn, small int64) error {
	var size int64
	err := conn.QueryRowContext(ctx, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").Scan(&size)
	if err != nil || size > small {
		return err
	}
	_, err = conn.ExecContext(ctx, "VACUUM")
	return err
}

// emptyLog moves the write-ahead log into the file and truncates it.
func emptyLog(ctx context.Context, conn *sql.Conn) error {
	var busy, frames, moved int
	err := conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved)
	if err == nil && busy != 0 {
		return errors.New("others were reading the write-ahead log")
	}
	return err
}
