package accounts

import "context"

const sqlPublicPeople = `SELECT ` + personColumns + ` FROM users u
	WHERE u.public_pages AND NOT u.disabled AND u.sort_key > $1 AND u.sort_key < $2 ORDER BY u.sort_key LIMIT $3`

// PublicPeople returns the enabled people who agreed to be on public web pages, in board order: of a team, or of the
// whole board if team is "". It returns at most MaxPage of them.
func (s *Store) PublicPeople(ctx context.Context, team string) ([]Person, error) {
	q := PeopleQuery{}
	if team != "" {
		q.Team = &team
	}
	low, high, ok, err := q.bounds()
	if err != nil || !ok {
		return nil, err
	}
	rows, err := s.r.query(ctx, sqlPublicPeople, low, high, MaxPage)
	if err != nil {
		return nil, wrap("list public people", err)
	}
	people, err := collectPeople(rows, MaxPage)
	return people, wrap("list public people", err)
}
