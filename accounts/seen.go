package accounts

import (
	"context"
	"maps"
	"slices"
	"time"
)

// stampsAtOnce is how many rows one transaction stamps, so that others who write need not wait for a long batch.
const stampsAtOnce = 500

const sqlStampSeen = `UPDATE users SET last_seen = $2 WHERE id = $1 AND last_seen < $2`

// StampSeen notes when people, by id, were last seen. It never moves a time back, ignores unknown ids, and others
// need not notice.
func (s *Store) StampSeen(ctx context.Context, seen map[string]time.Time) error {
	return wrap("stamp last seen", s.stampAll(ctx, sqlStampSeen, seen))
}

// stampAll runs text for each id and time, in batches.
func (s *Store) stampAll(ctx context.Context, text string, times map[string]time.Time) error {
	for batch := range slices.Chunk(slices.Sorted(maps.Keys(times)), stampsAtOnce) {
		err := s.note(ctx, func(ctx context.Context, t *transaction) error {
			for _, id := range batch {
				if _, err := t.exec(ctx, text, id, milli(times[id])); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
