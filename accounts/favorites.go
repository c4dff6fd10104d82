package accounts

import "context"

// MaxFavorites is how many favorites one person can have.
const MaxFavorites = 200

const (
	sqlFavorites      = `SELECT person_id FROM favorites WHERE user_id = $1 ORDER BY person_id LIMIT $2`
	sqlIsFavorite     = `SELECT count(*) FROM favorites WHERE user_id = $1 AND person_id = $2`
	sqlCountFavorites = `SELECT count(*) FROM favorites WHERE user_id = $1`
	sqlAddFavorite    = `INSERT INTO favorites (user_id, person_id, created_at) VALUES ($1, $2, $3) ON CONFLICT (user_id, person_id) DO NOTHING`
	sqlDropFavorite   = `DELETE FROM favorites WHERE user_id = $1 AND person_id = $2`
	sqlFavoritesMoved = `UPDATE users SET favorites_rev = favorites_rev + 1 WHERE id = $1`
	sqlFavoriteNames  = `SELECT u.username_key FROM favorites f JOIN users u ON u.id = f.person_id WHERE f.user_id = $1
		ORDER BY u.username_key LIMIT $2`
)

// SetFavorite adds a person to somebody's favorites, or removes them. Either may be repeated. Nobody else needs to
// notice. Errors: *FieldError about favorites, if there are too many; ErrNotFound if there's no such person, they're
// disabled, or they're userID.
func (s *Store) SetFavorite(ctx context.Context, userID, personID string, on bool) error {
	return wrap("set favorite", s.write(ctx, func(ctx context.Context, t *transaction) error {
		var changed int64
		var err error
		if on {
			changed, err = addFavorite(ctx, t, userID, personID)
		} else {
			changed, err = t.exec(ctx, sqlDropFavorite, userID, personID)
		}
		if err != nil || changed == 0 {
			return err
		}
		_, err = t.exec(ctx, sqlFavoritesMoved, userID)
		return err
	}))
}

func addFavorite(ctx context.Context, t *transaction, userID, personID string) (added int64, err error) {
	if err := wantOther(ctx, t, userID, personID); err != nil {
		return 0, err
	}
	var n, has int
	if err := t.queryRow(ctx, sqlCountFavorites, []any{userID}, &n); err != nil {
		return 0, err
	}
	if err := t.queryRow(ctx, sqlIsFavorite, []any{userID, personID}, &has); err != nil || has > 0 {
		return 0, err
	}
	if n >= MaxFavorites {
		return 0, &FieldError{Field: "favorites", Code: TooMany, Limit: MaxFavorites}
	}
	return t.exec(ctx, sqlAddFavorite, userID, personID, t.now)
}

// wantOther returns ErrNotFound unless both people exist, are different, and the person is enabled.
func wantOther(ctx context.Context, t *transaction, userID, personID string) error {
	if userID == personID {
		return ErrNotFound
	}
	if _, err := readUser(ctx, t, sqlUserByID, []any{userID}); err != nil {
		return err
	}
	person, err := readUser(ctx, t, sqlUserByID, []any{personID})
	if err == nil && person.Disabled {
		return ErrNotFound
	}
	return err
}

// Favorites returns the ids of somebody's favorites.
func (s *Store) Favorites(ctx context.Context, userID string) ([]string, error) {
	rows, err := s.r.query(ctx, sqlFavorites, userID, MaxFavorites)
	if err != nil {
		return nil, wrap("list favorites", err)
	}
	ids, err := collect(rows, func(id *string) []any { return []any{id} })
	return ids, wrap("list favorites", err)
}

// IsFavorite reports whether a person is one of somebody's favorites.
func (s *Store) IsFavorite(ctx context.Context, userID, personID string) (bool, error) {
	var n int
	err := s.r.queryRow(ctx, sqlIsFavorite, []any{userID, personID}, &n)
	return n > 0, wrap("read favorite", err)
}
