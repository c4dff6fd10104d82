package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

const (
	sqlTeamSpelling = `SELECT team FROM users WHERE team_key = $1 LIMIT 1`
	sqlAddWord      = `INSERT INTO name_words (word, place) VALUES ($1, $2)`
	sqlDropWords    = `DELETE FROM name_words WHERE place = $1`
	sqlMove         = `UPDATE users SET display_name = $2, team = $3, team_key = $4, place = $5, disabled = $6, rev = $7 WHERE id = $1`
	sqlDelete       = `DELETE FROM users WHERE id = $1`
	sqlSetPassword  = `UPDATE users SET password = $2, rev = $3 WHERE id = $1`
	sqlForget       = `DELETE FROM browsers WHERE user_id = $1`
)

// teamSpelling returns how a team is spelt: as those in it already have it, else as given.
func (t *transaction) teamSpelling(ctx context.Context, key, given string) (string, error) {
	if key == noTeam {
		return "", nil
	}
	var spelling string
	err := t.queryRow(ctx, sqlTeamSpelling, []any{key}, &spelling)
	if errors.Is(err, sql.ErrNoRows) {
		return given, nil
	}
	return spelling, err
}

func (t *transaction) addWords(ctx context.Context, place string, names ...string) error {
	for _, word := range nameWords(names...) {
		if _, err := t.exec(ctx, sqlAddWord, word, place); err != nil {
			return err
		}
	}
	return nil
}

// move changes where a user stands on the board, and whether they do at all. fn changes the user's display name, team
// or Disabled, with the key of the team as it results; nothing is written when it changes nothing.
func (t *transaction) move(ctx context.Context, id string, fn func(u *User, teamKey *string) error) (changed bool, err error) {
	old, err := readUser(ctx, t, sqlUserByID, []any{id})
	if err != nil {
		return false, err
	}
	u, key := old, old.TeamKey()
	if err := fn(&u, &key); err != nil || u == old {
		return false, err
	}
	rev, err := t.nextRev(ctx)
	if err != nil {
		return false, err
	}
	if u.Team, err = t.teamSpelling(ctx, key, u.Team); err != nil {
		return false, err
	}
	p := place(key, u.DisplayName, id)
	if _, err := t.exec(ctx, sqlMove, id, u.DisplayName, u.Team, key, p, u.Disabled, rev); err != nil {
		return false, err
	}
	if _, err := t.exec(ctx, sqlDropWords, old.place); err != nil || u.Disabled {
		return true, err
	}
	return true, t.addWords(ctx, p, u.DisplayName, u.Username)
}

// Rename changes a display name; "" makes it the username. Errors: *FieldError, ErrNotFound.
func (s *Store) Rename(ctx context.Context, userID, displayName string) error {
	name, err := cleanDisplayName(displayName)
	if err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, t *transaction) error {
		_, err := t.move(ctx, userID, func(u *User, _ *string) error {
			u.DisplayName = name
			if name == "" {
				u.DisplayName = u.Username
			}
			return nil
		})
		return wrap("rename", err)
	})
}

// SetTeam moves a user to a team, "" to none. A team exists while somebody is in it, and is spelt as the first of them
// did: to spell it otherwise, everyone has to leave it. Errors: *FieldError, ErrNotFound.
func (s *Store) SetTeam(ctx context.Context, userID, team string) error {
	name, key, err := cleanTeam(team)
	if err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, t *transaction) error {
		_, err := t.move(ctx, userID, func(u *User, k *string) error {
			if *k != key {
				u.Team, *k = name, key
			}
			return nil
		})
		return wrap("set team", err)
	})
}

// SetDisabled takes a user off the board and ends all their sessions, or lets them back in. Error: ErrNotFound.
func (s *Store) SetDisabled(ctx context.Context, userID string, disabled bool) error {
	return s.write(ctx, func(ctx context.Context, t *transaction) error {
		changed, err := t.move(ctx, userID, func(u *User, _ *string) error {
			u.Disabled = disabled
			return nil
		})
		if err == nil && changed && disabled {
			err = t.endSessionsOf(ctx, userID, "")
		}
		return wrap("set disabled", err)
	})
}

// Delete removes a user with all their sessions for good. Error: ErrNotFound.
func (s *Store) Delete(ctx context.Context, userID string) error {
	return s.write(ctx, func(ctx context.Context, t *transaction) error {
		u, err := readUser(ctx, t, sqlUserByID, []any{userID})
		if err != nil {
			return err
		}
		if err := t.endSessionsOf(ctx, userID, ""); err != nil {
			return wrap("delete", err)
		}
		if _, err := t.exec(ctx, sqlDropWords, u.place); err != nil {
			return wrap("delete", err)
		}
		if _, err := t.exec(ctx, sqlDelete, userID); err != nil {
			return wrap("delete", err)
		}
		return wrap("delete", t.remember(ctx, goneUser, userID))
	})
}

// SetPassword changes a password and ends all sessions of the user but keepSession, a session's id ("": all). The
// browsers they were seen with are forgotten, too. Errors: *FieldError, ErrNotFound, ErrBusy.
func (s *Store) SetPassword(ctx context.Context, userID, password, keepSession string) error {
	u, err := s.UserByID(ctx, userID)
	if err != nil {
		return err
	}
	if err := checkPassword(u.Username, password); err != nil {
		return err
	}
	hash, err := s.hash.hash(ctx, password, hashWait)
	if err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, t *transaction) error {
		rev, err := t.nextRev(ctx)
		if err != nil {
			return wrap("set password", err)
		}
		n, err := t.exec(ctx, sqlSetPassword, userID, hash, rev)
		if err == nil && n == 0 {
			return ErrNotFound
		}
		if err == nil {
			_, err = t.exec(ctx, sqlForget, userID)
		}
		if err == nil {
			err = t.endSessionsOf(ctx, userID, keepSession)
		}
		return wrap("set password", err)
	})
}

// wrap says what was being done when err came up; nil stays nil.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
