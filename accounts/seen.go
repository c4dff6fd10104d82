package accounts

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// StampsAtOnce is the number of rows that one transaction stamps, in one statement, so that other writers don't wait
// for a long batch. StampSeen, TouchSessions, and TouchTokens accept any number. If they fail, they may have stored
// some batches of this size.
const StampsAtOnce = 500

// StampSeen stores when people, by id, were last seen. It never moves a time back and ignores unknown ids. Other
// processes don't need to notice.
func (s *Store) StampSeen(ctx context.Context, seen map[string]time.Time) error {
	return wrap("stamp last seen", s.stampAll(ctx, seenSQL, seen))
}

// stampAll stores each id's time, in batches. text returns the statement for n rows.
func (s *Store) stampAll(ctx context.Context, text func(n int) string, times map[string]time.Time) error {
	for batch := range slices.Chunk(slices.Sorted(maps.Keys(times)), StampsAtOnce) {
		args := make([]any, 0, 2*len(batch))
		for _, id := range batch {
			args = append(args, id, milli(times[id]))
		}
		err := s.note(ctx, func(ctx context.Context, t *transaction) error {
			return t.execOnce(ctx, text(len(batch)), args)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// seenSQL returns the statement that stamps n people, touchSQL the one for n sessions, and touchTokensSQL the one for n
// tokens.
func seenSQL(n int) string        { return stampSQL("users", "last_seen", n) }
func touchSQL(n int) string       { return stampSQL("sessions", "used_at", n) }
func touchTokensSQL(n int) string { return stampSQL("tokens", "used_at", n) }

// stampSQL returns the statement that sets a column of n rows if that increases it. Its arguments are an id and a value
// for each row.
func stampSQL(table, column string, n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "UPDATE %s SET %s = v.column2 FROM (VALUES (CAST($1 AS TEXT), CAST($2 AS BIGINT))", table, column)
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, ", ($%d, $%d)", 2*i+1, 2*i+2)
	}
	fmt.Fprintf(&b, ") AS v WHERE %s.id = v.column1 AND %s.%s < v.column2", table, table, column)
	return b.String()
}
