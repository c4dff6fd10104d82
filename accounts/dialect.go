package accounts

import (
	"context"
	"database/sql"
	"time"
)

// dialect holds the differences between SQLite and Postgres. Everything else, including all regular statements, is
// shared.
type dialect struct {
	schema func(text string) string // adapts a migration to this dialect
	// adopt waits until no other process migrates, refuses the database of another program, marks the database as ours
	// if that is possible, and reports whether a migration has run before.
	adopt func(context.Context, *sql.Tx) (used bool, err error)

	prepares bool           // statements are prepared once and kept
	snapshot *sql.TxOptions // options of a transaction whose queries all see the same state
	migrates string         // first statement of a transaction that migrates; "": none
	bound    string         // first statement of a transaction that writes; "": none
	turn     string         // the same for transactions that must run one at a time; "": they always do
	rev      string         // reads the last rev and its history; see Changes
	patience time.Duration  // timeout of one step; 0: none, because the database has its own

	argument func(any) any    // converts an argument for the database; nil: unchanged
	again    func(error) bool // whether to retry a transaction that wasn't committed; nil: never
	unknown  func(error) bool // whether a commit with this error may have happened; nil: never
	wipe     bool             // see wipe
}
