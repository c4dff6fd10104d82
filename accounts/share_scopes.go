package accounts

import "context"

// maxScopes is the maximum number of shares of a kind that ShareScopes returns.
const maxScopes = 5000

// ShareScope says whom a share can show: people of a team whom its owner sees.
type ShareScope struct {
	Team  string // "": everyone whom the owner sees
	Owner Person // only what decides whom they see: ID, Team and Admin
}

const sqlShareScopes = `SELECT s.team, u.id, u.team, u.admin FROM shares s JOIN users u ON u.id = s.user_id
	WHERE s.kind = $1 AND (s.expires_at = 0 OR s.expires_at > $2) AND NOT u.disabled ORDER BY s.id LIMIT $3`

// ShareScopes returns whom the shares of a kind can show, so that people can learn whether they are shown.
func (s *Store) ShareScopes(ctx context.Context, kind ShareKind) ([]ShareScope, error) {
	rows, err := s.r.query(ctx, sqlShareScopes, string(kind), s.nowMilli(), maxScopes)
	if err != nil {
		return nil, wrap("list scopes of shares", err)
	}
	scopes, err := collect(rows, func(x *ShareScope) []any { return []any{&x.Team, &x.Owner.ID, &x.Owner.Team, &x.Owner.Admin} })
	return scopes, wrap("list scopes of shares", err)
}
