package accounts

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
)

// Profile is how a user appears on the board.
type Profile struct{ DisplayName, Team string }

// SetProfile changes display name and team together. Only with newTeam may the team be a new one. Otherwise it must be
// the user's current team, a team with enabled people, or none. Errors: *FieldError, ErrNotFound.
func (s *Store) SetProfile(ctx context.Context, userID, displayName, team string, newTeam bool) error {
	return s.ChangeProfile(ctx, userID, newTeam, func(p *Profile) error {
		*p = Profile{displayName, team}
		return nil
	})
}

// ChangeProfile is SetProfile with a function that changes the current profile, and whose error it returns. What change
// leaves as it is isn't checked.
func (s *Store) ChangeProfile(ctx context.Context, userID string, newTeam bool, change func(*Profile) error) error {
	return wrap("set profile", s.write(ctx, func(ctx context.Context, t *transaction) error {
		was, err := readUser(ctx, t, sqlUserByID, []any{userID})
		if err != nil {
			return err
		}
		p := Profile{was.DisplayName, was.Team}
		if err := change(&p); err != nil {
			return err
		}
		key := was.TeamKey()
		if p.DisplayName != was.DisplayName {
			if p.DisplayName, err = cleanDisplayName(p.DisplayName); err != nil {
				return err
			}
		}
		if p.Team != was.Team {
			if p.Team, key, err = cleanTeam(p.Team); err != nil {
				return err
			}
		}
		p.DisplayName = cmp.Or(p.DisplayName, was.Username)
		return putProfile(ctx, t, was, p, key, newTeam)
	}))
}

// putProfile stores a profile whose team has the key. was is the user before.
func putProfile(ctx context.Context, t *transaction, was User, p Profile, key string, newTeam bool) error {
	_, err := updateUser(ctx, t, was.ID, func(u *User, k *string) error {
		u.DisplayName = p.DisplayName
		if *k == key {
			return nil
		}
		u.Team, *k = p.Team, key
		if newTeam || key == noTeam {
			return nil
		}
		return wantTeam(ctx, t, key)
	})
	if err != nil {
		return err
	}
	return auditProfile(ctx, t, was, p.DisplayName, p.Team, key)
}

// auditProfile adds what somebody else changed in a profile to the audit log.
func auditProfile(ctx context.Context, t *transaction, was User, name, team, key string) error {
	if name != was.DisplayName {
		if err := t.auditUser(ctx, UserRenamed, was.ID, nil); err != nil {
			return err
		}
	}
	if key == was.TeamKey() {
		return nil
	}
	return t.auditUser(ctx, UserMoved, was.ID, map[string]string{"from": was.Team, "team": team})
}

// wantTeam returns a *FieldError unless a team has enabled people.
func wantTeam(ctx context.Context, t *transaction, key string) error {
	var one int
	err := t.queryRow(ctx, sqlTeamExists, []any{key}, &one)
	if errors.Is(err, sql.ErrNoRows) {
		return wrongField("team", UnknownTeam)
	}
	return err
}
