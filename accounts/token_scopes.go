package accounts

import "context"

// maxReaders is the maximum number of tokens that TokenReaders returns.
const maxReaders = 5000

const sqlTokenReaders = `SELECT u.id, u.team, u.admin FROM tokens t JOIN users u ON u.id = t.user_id
	WHERE t.id > '' AND t.scopes LIKE '%roster:read%' AND (t.expires_at = 0 OR t.expires_at > $1) AND NOT u.disabled
	ORDER BY t.id LIMIT $2`

// TokenReaders returns the owner of each token that can read whom its owner sees, so that people can learn how many
// tokens of others can see them. The owners have only what decides whom they see: ID, Team and Admin.
func (s *Store) TokenReaders(ctx context.Context) ([]Person, error) {
	rows, err := s.r.query(ctx, sqlTokenReaders, s.nowMilli(), maxReaders)
	if err != nil {
		return nil, wrap("list readers", err)
	}
	owners, err := collect(rows, func(p *Person) []any { return []any{&p.ID, &p.Team, &p.Admin} })
	return owners, wrap("list readers", err)
}
