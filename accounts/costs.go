package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// costsOf extracts the costs from the text of a stored hash by removing its key and salt. The index users_hash_costs is
// on this expression, for all hashes that don't begin with usual.
const (
	base64Letters = `'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'`
	costsOf       = `substr(rtrim(rtrim(rtrim(rtrim(password_hash, ` + base64Letters + `), '$'), ` + base64Letters +
		`), '$'), 16)`
	usual = `$argon2id$v=19$m=19456,t=2,p=1$`

	sqlNextCosts = `SELECT ` + costsOf + ` FROM users WHERE substr(password_hash, 1, 31) <> '` + usual + `' AND ` + costsOf + ` > $1
		ORDER BY ` + costsOf + ` LIMIT 1`
)

const (
	maxCosts = 4  // maximum number of different costs that each failed check of a password pays
	lookAt   = 16 // maximum number of costs that are read to find these; few boards import from more than two systems
)

// hashCosts returns at most maxCosts different costs of stored hashes, the highest first, including the current ones.
// Each takes one step in an index, which is empty while all hashes have the current costs.
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

// otherCosts returns the costs that a failed check against a hash with the costs own still has to pay, so that all
// failures cost the same: costs without own. If own isn't among costs, it replaces the lowest of them.
func otherCosts(own argonParams, costs []argonParams) []argonParams {
	i := slices.Index(costs, own)
	if i < 0 {
		i = len(costs) - 1
	}
	return slices.Delete(slices.Clone(costs), i, i+1)
}
