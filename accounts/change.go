package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

const (
	sqlTeamSpelling = `SELECT team FROM users WHERE team_key = $1 LIMIT 1`
	sqlTeamExists   = `SELECT 1 FROM users WHERE team_key = $1 AND NOT disabled LIMIT 1`
	sqlAddWord      = `INSERT INTO search_words (word, sort_key) VALUES ($1, $2)`
	sqlDropWords    = `DELETE FROM search_words WHERE sort_key = $1`
	sqlMove         = `UPDATE users SET display_name = $2, team = $3, team_key = $4, sort_key = $5, name_key = $6,
		disabled = $7, rev = $8 WHERE id = $1`
	sqlDelete         = `DELETE FROM users WHERE id = $1`
	sqlPasswordIs     = `SELECT 1 FROM users WHERE id = $1 AND password_hash = $2`
	sqlSetPassword    = `UPDATE users SET password_hash = $2, rev = $3 WHERE id = $1`
	sqlForgetBrowsers = `DELETE FROM known_browsers WHERE user_id = $1`
)

// teamSpelling returns how a team is spelled: as its current members have it, or else as given.
func teamSpelling(ctx context.Context, t *transaction, key, given string) (string, error) {
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

// updateUser changes what determines a user's position on the board. fn may change the user's display name, team and
// Disabled, and must set teamKey to the key of the team. If it changes nothing, nothing is written.
func updateUser(ctx context.Context, t *transaction, id string,
	fn func(u *User, teamKey *string) error) (changed bool, err error) {
	old, err := readUser(ctx, t, sqlUserByID, []any{id})
	if err != nil {
		return false, err
	}
	u, key := old, old.TeamKey()
	if err := fn(&u, &key); err != nil || u == old {
		return false, err
	}
	if u.Team, err = teamSpelling(ctx, t, key, u.Team); err != nil {
		return false, err
	}
	if key != old.TeamKey() { // no provider can take it back
		if _, err := t.exec(ctx, sqlTeamBy, id, ""); err != nil {
			return false, err
		}
	}
	return true, placeUser(ctx, t, u, key)
}

// placeUser stores u's display name, team, whose key is key, and Disabled, and their place on the board. u.sortKey is
// still that of the old place.
func placeUser(ctx context.Context, t *transaction, u User, key string) error {
	rev, err := t.nextRev(ctx)
	if err != nil {
		return err
	}
	if err := t.changesLists(ctx); err != nil {
		return err
	}
	p := sortKey(key, u.DisplayName, u.ID)
	if _, err := t.exec(ctx, sqlMove, u.ID, u.DisplayName, u.Team, key, p, nameKey(p), u.Disabled, rev); err != nil {
		return err
	}
	if _, err := t.exec(ctx, sqlDropWords, u.sortKey); err != nil || u.Disabled {
		return err
	}
	var words []any
	for _, word := range nameWords(u.DisplayName, u.Username) {
		words = append(words, word, p)
	}
	return insert(ctx, t, sqlAddWord, words)
}

// Rename changes a display name; "" sets it to the username. Errors: *FieldError, ErrNotFound.
func (s *Store) Rename(ctx context.Context, userID, displayName string) error {
	name, err := cleanDisplayName(displayName)
	if err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, t *transaction) error {
		return wrap("rename", rename(ctx, t, userID, name))
	})
}

// SetTeam moves a user to a team; "" is no team. A team exists while somebody is in it, and keeps the spelling of its
// first member until everyone has left it. Errors: *FieldError, ErrNotFound.
func (s *Store) SetTeam(ctx context.Context, userID, team string) error {
	name, key, err := cleanTeam(team)
	if err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, t *transaction) error {
		return wrap("set team", setTeam(ctx, t, userID, name, key))
	})
}

func setTeam(ctx context.Context, t *transaction, userID, name, key string) error {
	var from string
	changed, err := updateUser(ctx, t, userID, func(u *User, k *string) error {
		from = u.Team
		if *k != key {
			u.Team, *k = name, key
		}
		return nil
	})
	if err != nil || !changed {
		return err
	}
	return t.auditUser(ctx, UserMoved, userID, map[string]string{"from": from, "team": name})
}

// SetDisabled disables a user, which takes them off the board and ends all their sessions and tokens, or enables them
// again. Errors: ErrNotFound, ErrLastAdmin.
func (s *Store) SetDisabled(ctx context.Context, userID string, disabled bool) error {
	return wrap("set disabled", s.write(ctx, func(ctx context.Context, t *transaction) error {
		return setDisabled(ctx, t, userID, disabled)
	}))
}

func setDisabled(ctx context.Context, t *transaction, userID string, disabled bool) error {
	var was User
	changed, err := updateUser(ctx, t, userID, func(u *User, _ *string) error {
		was = *u
		u.Disabled = disabled
		return nil
	})
	if err != nil || !changed {
		return err
	}
	if err := ownHooksChanged(ctx, t, userID); err != nil {
		return err
	}
	action := UserEnabled
	if disabled {
		action = UserDisabled
		if err := errors.Join(endAccess(ctx, t, userID, ""), dropLinksBy(ctx, t, userID),
			dropResetLinks(ctx, t, userID), dropShares(ctx, t, userID)); err != nil {
			return err
		}
	} else if _, err := t.exec(ctx, sqlStopWaiting, userID); err != nil {
		return err
	}
	if err := t.audit(ctx, action, TargetUser(userID), nil); err != nil {
		return err
	}
	return wantAdmin(ctx, t, was)
}

// Delete removes a user permanently, with everything that's stored about them: sessions, tokens, browsers, presets. It
// also clears the freed pages of an SQLite file, as far as that is possible without making others wait (wipe). Only the
// id is kept: for a day, so that other processes learn about the deletion, and in the audit log. Errors: ErrNotFound,
// ErrLastAdmin.
func (s *Store) Delete(ctx context.Context, userID string) error {
	err := s.write(ctx, func(ctx context.Context, t *transaction) error { return deleteUser(ctx, t, userID) })
	if err != nil {
		return wrap("delete", err)
	}
	s.wipeDeleted(ctx)
	return nil
}

func deleteUser(ctx context.Context, t *transaction, userID string) error {
	u, err := readUser(ctx, t, sqlUserByID, []any{userID})
	if err != nil {
		return err
	}
	if err := errors.Join(endAccess(ctx, t, userID, ""), dropLinksBy(ctx, t, userID),
		dropResetLinks(ctx, t, userID), dropShares(ctx, t, userID), dropHooksAbout(ctx, t, userID)); err != nil {
		return err
	}
	if _, err := t.exec(ctx, sqlDropWords, u.sortKey); err != nil {
		return err
	}
	if _, err := t.exec(ctx, sqlDelete, userID); err != nil {
		return err
	}
	if err := t.remember(ctx, deletedUser, userID); err != nil {
		return err
	}
	if err := t.audit(ctx, UserDeleted, TargetUser(userID), nil); err != nil {
		return err
	}
	return wantAdmin(ctx, t, u)
}

// wipeDeleted clears what deletions left in an SQLite file. The deletions themselves have succeeded.
func (s *Store) wipeDeleted(ctx context.Context) {
	if !s.w.wipe {
		return
	}
	if err := wipe(ctx, s.w.db, s.small); err != nil {
		s.log.Warn("copies of a deleted account may stay in unused space of the database until it is used again", "err", err)
	}
}

// SetPassword changes a password and ends all tokens of the user, and all sessions except the one with the id
// keepSession ("": all).
// The user's browsers stay known, so that somebody who guesses passwords can't keep the user from signing in with the
// new one. Errors: *FieldError, ErrNotFound, ErrBusy.
func (s *Store) SetPassword(ctx context.Context, userID, password, keepSession string) error {
	u, err := s.UserByID(ctx, userID)
	if err != nil {
		return err
	}
	if err := checkPassword(u.Username, password); err != nil {
		return err
	}
	return wrap("set password", s.putPassword(ctx, userID, password, keepSession, nil))
}

// ChangePassword is SetPassword for a user who knows the old password. It also forgets the browsers that they have
// signed in with. Each wrong password costs one hash, so callers must limit the attempts. Errors: *FieldError about
// password, or about old_password if that is empty; ErrCredentials if old is wrong; ErrNotFound; ErrBusy.
func (s *Store) ChangePassword(ctx context.Context, userID, old, password, keepSession string) error {
	if old == "" {
		return wrongField("old_password", Missing)
	}
	u, err := s.UserByID(ctx, userID)
	if err == nil {
		err = checkPassword(u.Username, password)
	}
	if err != nil {
		return err
	}
	_, stored, err := s.verify(ctx, sqlLoginByID, userID, old)
	if err != nil {
		return err
	}
	return wrap("change password", s.putPassword(ctx, userID, password, keepSession, &stored))
}

// putPassword stores a password. If was isn't nil, the stored hash must still be was, or the error is ErrCredentials.
func (s *Store) putPassword(ctx context.Context, userID, password, keepSession string, was *string) error {
	hash, err := s.hash.hash(ctx, password, hashWait)
	if err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, t *transaction) error {
		if was != nil {
			var one int
			err := t.queryRow(ctx, sqlPasswordIs, []any{userID, *was}, &one)
			if errors.Is(err, sql.ErrNoRows) {
				return ErrCredentials
			}
			if err != nil {
				return err
			}
		}
		rev, err := t.nextRev(ctx)
		if err != nil {
			return err
		}
		n, err := t.exec(ctx, sqlSetPassword, userID, hash, rev)
		if err == nil && n == 0 {
			return ErrNotFound
		}
		if err == nil && was != nil {
			_, err = t.exec(ctx, sqlForgetBrowsers, userID)
		}
		if err == nil {
			err = endAccess(ctx, t, userID, keepSession)
		}
		if err == nil {
			err = dropResetLinks(ctx, t, userID)
		}
		if err == nil {
			err = queueNotice(ctx, t, MailPasswordChanged, userID, MailDetails{})
		}
		if err == nil {
			err = t.auditUser(ctx, PasswordSet, userID, nil)
		}
		return err
	})
}

// wrap adds what was being done to err; nil stays nil.
func wrap(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
