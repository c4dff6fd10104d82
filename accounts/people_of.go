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

// countOf is CountPeople for a query that names several teams.
func (s *Store) countOf(ctx context.Context, q PeopleQuery) (n int, err error) {
	for _, key := range q.teamsInOrder(false) {
		one := q
		one.Team, one.Teams = &key, nil
		in, err := s.CountPeople(ctx, one)
		if err != nil {
			return 0, err
		}
		n += in
	}
	return n, nil
}

// CursorBehindIn is CursorBehind among the people of several teams, by key.
func (s *Store) CursorBehindIn(ctx context.Context, teams []string, n int) (string, error) {
	for _, key := range (PeopleQuery{Teams: teams}).teamsInOrder(false) {
		in, err := s.CountPeople(ctx, PeopleQuery{Team: &key})
		if err != nil {
			return "", err
		}
		if n <= in {
			return s.CursorBehind(ctx, &key, n)
		}
		n -= in
	}
	return "", nil
}
