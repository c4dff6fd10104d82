package accounts

import (
	"cmp"
	"context"
)

// UserChange is what somebody else changes about a user, all of it or nothing. A nil field stays as it is.
type UserChange struct {
	DisplayName *string // "": the username
	Team        *string // "": none
	Email       *string // "": none; nobody has to confirm it
	Admin       *bool
	Disabled    *bool
}

// clean checks c and returns it in the form in which it's stored, with the key of the team.
func (c UserChange) clean() (clean UserChange, teamKey string, wrong FieldErrors) {
	if c.DisplayName != nil {
		name, err := cleanDisplayName(*c.DisplayName)
		wrong.add(err)
		c.DisplayName = &name
	}
	if c.Team != nil {
		team, key, err := cleanTeam(*c.Team)
		wrong.add(err)
		c.Team, teamKey = &team, key
	}
	if c.Email != nil {
		email, _, err := CleanEmail(*c.Email)
		wrong.add(err)
		c.Email = &email
	}
	return c, teamKey, wrong
}

// ChangeUser changes a user. Errors: FieldErrors, ErrNotFound, ErrLastAdmin.
func (s *Store) ChangeUser(ctx context.Context, userID string, c UserChange) error {
	c, key, wrong := c.clean()
	if len(wrong) > 0 {
		return wrong
	}
	return wrap("change user", s.write(ctx, func(ctx context.Context, t *transaction) error {
		if _, err := readUser(ctx, t, sqlUserByID, []any{userID}); err != nil {
			return err
		}
		if c.DisplayName != nil {
			if err := rename(ctx, t, userID, *c.DisplayName); err != nil {
				return err
			}
		}
		if c.Team != nil {
			if err := setTeam(ctx, t, userID, *c.Team, key); err != nil {
				return err
			}
		}
		if c.Email != nil {
			if err := giveEmail(ctx, t, userID, *c.Email); err != nil {
				return err
			}
		}
		if c.Admin != nil {
			if err := setAdmin(ctx, t, userID, *c.Admin); err != nil {
				return err
			}
		}
		if c.Disabled != nil {
			return setDisabled(ctx, t, userID, *c.Disabled)
		}
		return nil
	}))
}

// rename changes a display name, which has passed cleanDisplayName.
func rename(ctx context.Context, t *transaction, userID, name string) error {
	changed, err := updateUser(ctx, t, userID, func(u *User, _ *string) error {
		u.DisplayName = cmp.Or(name, u.Username)
		return nil
	})
	if err == nil && changed {
		err = t.auditUser(ctx, UserRenamed, userID, nil)
	}
	return err
}
