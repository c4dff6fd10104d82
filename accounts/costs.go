package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// costsOf is the costs of a stored hash as its text says them: what is left without its key and its salt. It is the
// expression that users_hash_costs is an index on, and usual is what that index leaves out.
const (
	base64Letters = `'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'`
	costsOf       = `substr(rtrim(rtrim(rtrim(rtrim(password_hash, ` + base64Letters + `), '$'), ` + base64Letters + `), '$'), 16)`
	usual         = `$argon2id$v=19$m=19456,t=2,p=1$`

	sqlNextCosts = `SELECT ` + costsOf + ` FROM users WHERE substr(password_hash, 1, 31) <> '` + usual + `' AND ` + costsOf + ` > $1
		ORDER BY ` + costsOf + ` LIMIT 1`
)

const (
	maxCosts = 4  // different costs that each failed check of a password pays for
	lookAt   = 16 // that are looked at to find these; a board gets its accounts from one or two other systems
)

// hashCosts returns the costs that stored hashes have, the highest first and today's among them: at most maxCosts. Each
// answer takes one step in an index, which is empty while all hashes have today's costs.
func (s *Store) hashCosts(ctx context.Context) ([]argonParams, error) {
	costs, after := []argonParams{s.hash.params}, ""
	for range lookAt {
		err := s.r.queryRow(ctx, sqlNextCosts, []any{after}, &after)
		if errors.Is(err, sql.ErrNoRows) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read the costs of hashes: %w", err)
		}
		if p, err := parseParams(after); err == nil && !slices.Contains(costs, p) {
			costs = append(costs, p)
		}
	}
	slices.SortStableFunc(costs, func(a, b argonParams) int { return b.work() - a.work() })
	return costs[:min(len(costs), maxCosts)], nil
}

// otherCosts returns what a failed check against a hash with the costs own still has to pay for, so that all failures come to
// the same: costs without own. Where own is none of the highest costs, the lowest of these is paid by it.
func otherCosts(own argonParams, costs []argonParams) []argonParams {
	i := slices.Index(costs, own)
	if i < 0 {
		i = len(costs) - 1
	}
	return slices.Delete(slices.Clone(costs), i, i+1)
}
