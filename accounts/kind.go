package accounts

import (
	"context"
	"database/sql"
	"time"
)

// kind is what one kind of database does otherwise than the other. All else, every statement of every day among it, is
// shared.
type kind struct {
	schema func(text string) string // a migration in the words of this kind
	// claim waits until no other process migrates, refuses the database of another program, marks it as ours if it has
	// marks, and reports whether a migration ran before.
	claim func(context.Context, *sql.Tx) (used bool, err error)

	prepares bool           // statements are prepared once and kept
	snapshot *sql.TxOptions // of a transaction whose queries all see the same moment
	migrates string         // sent first in a transaction that migrates; "": nothing
	bound    string         // sent first in a transaction that writes; "": nothing
	turn     string         // the same in one that must not run beside another; "": none ever does
	patience time.Duration  // how long one step may take; 0: for ever, since it has bounds of its own

	argument func(any) any    // an argument as the database takes it; nil: as it is
	again    func(error) bool // whether a transaction that was not committed is to be tried again; nil: never
	unknown  func(error) bool // whether a commit that ended so may have happened; nil: never
	wipe     bool             // see wipe
}
