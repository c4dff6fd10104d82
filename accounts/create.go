package accounts

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

const sqlCreate = `INSERT INTO users (id, username_key, display_name, team, place, last_seen, team_key, admin, disabled,
	idle_after, word_state, word_text, word_emoji, word_until, word_set_at, invisible, invisible_since, created_at, rev, password)
	VALUES ($1, $2, $3, $4, $5, 0, $6, $7, FALSE, 0, '', '', '', 0, 0, FALSE, 0, $8, $9, $10)`

// newRow is a NewUser that has passed all checks but that of its uniqueness.
type newRow struct {
	username, displayName, team, teamKey string
	password                             string // still to be hashed, or ""
	hash                                 string
	admin                                bool
}

// prepareUser checks everything about n that needs no database.
func prepareUser(n NewUser) (newRow, error) {
	r := newRow{admin: n.Admin, password: n.Password}
	var err error
	if r.username, err = FoldUsername(n.Username); err != nil {
		return r, err
	}
	if isReserved(r.username) && !n.Admin {
		return r, &FieldError{"username", "This name is reserved. Choose another."}
	}
	if r.displayName, err = cleanDisplayName(n.DisplayName); err != nil {
		return r, err
	}
	if r.displayName == "" {
		r.displayName = r.username
	}
	if r.team, r.teamKey, err = cleanTeam(n.Team); err != nil {
		return r, err
	}
	if n.PasswordHash == "" {
		return r, checkPassword(r.username, n.Password)
	}
	if n.Password != "" {
		return r, &FieldError{"password", "Give a password or a hash, not both."}
	}
	stored, err := parsePHC(n.PasswordHash)
	if err != nil {
		return r, &FieldError{"password", "This hash cannot be used: " + err.Error() + "."}
	}
	r.hash = stored.String()
	return r, nil
}

// Create adds a user. Errors: *FieldError for what was typed, ErrTaken, and ErrBusy when too many passwords wait to be
// hashed. Of several that create the same name at once, one succeeds. The team is spelt as its first member did.
func (s *Store) Create(ctx context.Context, n NewUser) (User, error) {
	r, err := prepareUser(n)
	if err != nil {
		return User{}, err
	}
	if err := s.checkFree(ctx, r.username); err != nil {
		return User{}, err
	}
	if r.hash == "" {
		if r.hash, err = s.hash.hash(ctx, r.password, hashWait); err != nil {
			return User{}, err
		}
	}
	var user User
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		id, err := t.insertUser(ctx, r)
		if err != nil {
			return err
		}
		user, err = readUser(ctx, t, sqlUserByID, []any{id})
		return err
	})
	if err != nil {
		return User{}, fmt.Errorf("create user: %w", err)
	}
	return user, nil
}

// checkFree saves hashing for a name that is taken. What decides is the unique key, when the row is written.
func (s *Store) checkFree(ctx context.Context, username string) error {
	var one int
	err := s.r.queryRow(ctx, sqlNameTaken, []any{username}, &one)
	switch {
	case err == nil:
		return ErrTaken
	case errors.Is(err, sql.ErrNoRows):
		return nil
	}
	return fmt.Errorf("look for username: %w", err)
}

// Import adds all users or, with an *ImportError about one of them, none. Passwords are hashed by the same few
// workers that logins use, about 40 a second each; hashes are taken as they are.
func (s *Store) Import(ctx context.Context, users []NewUser) error {
	rows := make([]newRow, len(users))
	seen := map[string]bool{}
	for i, n := range users {
		r, err := prepareUser(n)
		if err == nil && seen[r.username] {
			err = ErrTaken
		}
		if err == nil {
			err = s.checkFree(ctx, r.username)
		}
		if err != nil {
			return &ImportError{i, err}
		}
		seen[r.username] = true
		rows[i] = r
	}
	if err := s.hashAll(ctx, rows); err != nil {
		return err
	}
	return s.write(ctx, func(ctx context.Context, t *transaction) error {
		for i, r := range rows {
			if _, err := t.insertUser(ctx, r); err != nil {
				return &ImportError{i, err}
			}
		}
		return nil
	})
}

// hashAll hashes the passwords of rows that have no hash, waiting for its turns as long as ctx lasts.
func (s *Store) hashAll(ctx context.Context, rows []newRow) error {
	const forever = time.Duration(1<<63 - 1)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan *newRow)
	var workers sync.WaitGroup
	for range cap(s.hash.slots) {
		workers.Go(func() {
			for r := range next {
				hash, err := s.hash.hash(ctx, r.password, forever)
				if err != nil {
					cancel(err)
				}
				r.hash = hash
			}
		})
	}
	for i := range rows {
		if rows[i].hash == "" && ctx.Err() == nil {
			next <- &rows[i]
		}
	}
	close(next)
	workers.Wait()
	return context.Cause(ctx)
}

// insertUser adds a row of users and its words, and returns the new id.
func (t *transaction) insertUser(ctx context.Context, r newRow) (id string, err error) {
	rev, err := t.nextRev(ctx)
	if err != nil {
		return "", err
	}
	if id, err = newID(); err != nil {
		return "", err
	}
	team, err := t.teamSpelling(ctx, r.teamKey, r.team)
	if err != nil {
		return "", err
	}
	p := place(r.teamKey, r.displayName, id)
	_, err = t.exec(ctx, sqlCreate, id, r.username, r.displayName, team, p, r.teamKey, r.admin, t.now, rev, r.hash)
	if isDuplicate(err) {
		return "", ErrTaken
	}
	if err != nil {
		return "", err
	}
	return id, t.addWords(ctx, p, r.displayName, r.username)
}
