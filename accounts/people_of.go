package accounts

import (
	"context"
	"slices"
	"strings"
)

// A team's people stand together on the board, so a page of several teams is read team by team: each reading is a
// search by an index, and the number of teams that somebody sees is small.

// peopleOf is People for a query that names several teams.
func (s *Store) peopleOf(ctx context.Context, q PeopleQuery, back bool, limit int) (people []Person, err error) {
	seen := map[string]bool{} // somebody may move between two readings
	for _, key := range q.teamsInOrder(back) {
		one := q
		one.Team, one.Teams = &key, nil
		found, err := s.page(ctx, one, back, limit-len(people))
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			if !seen[p.ID] {
				seen[p.ID] = true
				people = append(people, p)
			}
		}
		if len(people) >= limit {
			break
		}
	}
	return people, nil
}

// teamsInOrder returns q.Teams in board order, or in reverse.
func (q PeopleQuery) teamsInOrder(back bool) []string {
	keys := slices.Clone(q.Teams)
	slices.SortFunc(keys, func(a, b string) int { return strings.Compare(a+sortKeySep, b+sortKeySep) })
	keys = slices.Compact(keys)
	if back {
		slices.Reverse(keys)
	}
	return keys
}
