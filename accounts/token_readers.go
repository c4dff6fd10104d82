package accounts

import (
	"context"
	"slices"
)

// maxReaders is how many tokens TokenReaders looks at.
const maxReaders = 5000

const sqlTokenReaders = `SELECT t.scopes, u.id, u.team, u.admin FROM tokens t JOIN users u ON u.id = t.user_id
	WHERE t.id > '' AND (t.expires_at = 0 OR t.expires_at > $1) AND NOT u.disabled ORDER BY t.id LIMIT $2`

// tokenOwner is a scanned row of sqlTokenReaders.
type tokenOwner struct {
	Person
	scopes string
}

// TokenReaders returns the owner of each token that can read whom its owner sees, so that people can learn how many
// tokens of others can see them. The owners have only what decides whom they see: ID, Team and Admin.
func (s *Store) TokenReaders(ctx context.Context) ([]Person, error) {
	rows, err := s.r.query(ctx, sqlTokenReaders, s.nowMilli(), maxReaders)
	if err != nil {
		return nil, wrap("list readers", err)
	}
	all, err := collect(rows, func(o *tokenOwner) []any { return []any{&o.scopes, &o.ID, &o.Team, &o.Admin} })
	var readers []Person
	for _, o := range all {
		if slices.Contains(splitScopes(o.scopes), ReadRoster) {
			readers = append(readers, o.Person)
		}
	}
	return readers, wrap("list readers", err)
}
