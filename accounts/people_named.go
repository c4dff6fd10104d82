package accounts

import (
	"context"
	"fmt"
	"slices"
)

// PeopleByName returns the enabled people with these usernames, in any spelling that folds to them, each once, in board
// order. It ignores names that nobody has.
func (s *Store) PeopleByName(ctx context.Context, names []string) ([]Person, error) {
	var keys []string
	for _, name := range names {
		if key, err := FoldUsername(name); err == nil {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	people := make([]Person, 0, len(keys))
	for batch := range slices.Chunk(keys, idsAtOnce) {
		args := make([]any, len(batch))
		for i, key := range batch {
			args[i] = key
		}
		rows, err := s.r.queryKept(ctx, len(batch) == idsAtOnce, byNamesSQL(len(batch)), args)
		if err != nil {
			return nil, fmt.Errorf("people by name: %w", err)
		}
		found, err := collectPeople(rows, len(batch))
		if err != nil {
			return nil, fmt.Errorf("people by name: %w", err)
		}
		people = append(people, found...)
	}
	slices.SortFunc(people, ComparePeople)
	return people, nil
}

func byNamesSQL(n int) string {
	return `SELECT ` + personColumns + ` FROM users u WHERE NOT u.disabled AND u.username_key IN (` + parameters(n) + `)`
}
