package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	wipeLimit = 2 * time.Second // for all of it
	wipeBusy  = 250             // milliseconds that wipe waits for other processes
	smallFile = 8 << 20         // bytes: 7,000 accounts or so, which take 0.2 s to write anew
)

// wipe takes what was deleted out of the bytes of a SQLite database. The write-ahead log, which has it all, is emptied.
// In the file, secure_delete has zeroed what was deleted, but when SQLite moves rows to other pages to make room, it now
// and then leaves a copy behind; writing the file anew drops those, and what versions without secure_delete left. A file of more
// bytes than small is left as it is: others would wait for seconds.
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
	return errors.Join(writeAnew(ctx, conn, small), emptyLog(ctx, conn))
}

// writeAnew writes a small database into its file without unused space.
func writeAnew(ctx context.Context, conn *sql.Conn, small int64) error {
	var size int64
	err := conn.QueryRowContext(ctx, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").Scan(&size)
	if err != nil || size > small {
		return err
	}
	_, err = conn.ExecContext(ctx, "VACUUM")
	return err
}

// emptyLog moves the write-ahead log into the file and cuts it to nothing.
func emptyLog(ctx context.Context, conn *sql.Conn) error {
	var busy, frames, moved int
	err := conn.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &frames, &moved)
	if err == nil && busy != 0 {
		return errors.New("others were reading the write-ahead log")
	}
	return err
}
