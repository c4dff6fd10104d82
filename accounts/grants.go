package accounts

import (
	"context"
	"database/sql"
	"errors"
)

// Grants is what a provider's groups give a person. A provider takes back only what it gave.
type Grants struct {
	SetTeam  bool   // apply Team
	Team     string // "": none
	SetAdmin bool   // apply Admin
	Admin    bool
}

const (
	sqlGivenBy     = `SELECT admin_by, team_by FROM users WHERE id = $1`
	sqlAdminBy     = `UPDATE users SET admin_by = $2 WHERE id = $1`
	sqlTeamBy      = `UPDATE users SET team_by = $2 WHERE id = $1`
	sqlOtherAdmins = `SELECT 1 FROM users u WHERE admin AND NOT disabled AND name_key > '' AND id <> $1 AND (password_hash <> ''
		OR EXISTS (SELECT 1 FROM passkeys p WHERE p.user_id = u.id)
		OR EXISTS (SELECT 1 FROM identities i WHERE i.user_id = u.id)) LIMIT 1`
)

// applyGrants gives u what a provider's groups say, or takes it back. The last administrator stays one, and then kept
// is true.
func applyGrants(ctx context.Context, t *transaction, u User, provider string, g Grants) (kept bool, err error) {
	var adminBy, teamBy string
	if err := t.queryRow(ctx, sqlGivenBy, []any{u.ID}, &adminBy, &teamBy); err != nil {
		return false, err
	}
	switch {
	case !g.SetAdmin:
	case g.Admin && !u.Admin:
		if err = setAdmin(ctx, t, u.ID, true); err == nil {
			_, err = t.exec(ctx, sqlAdminBy, u.ID, provider)
		}
	case !g.Admin && u.Admin && adminBy == provider:
		var one int
		err = t.queryRow(ctx, sqlOtherAdmins, []any{u.ID}, &one)
		if kept = errors.Is(err, sql.ErrNoRows); kept {
			err = nil
		} else if err == nil {
			err = setAdmin(ctx, t, u.ID, false)
		}
	}
	if err != nil || !g.SetTeam || g.Team == "" && teamBy != provider {
		return kept, err
	}
	return kept, grantTeam(ctx, t, u, provider, g.Team)
}

// grantTeam moves u to a team, or out of a provider's team if team is "". A team that u is in already stays theirs.
func grantTeam(ctx context.Context, t *transaction, u User, provider, team string) error {
	name, key, err := cleanTeam(team)
	if err != nil || key == u.TeamKey() {
		return err
	}
	if err := setTeam(ctx, t, u.ID, name, key); err != nil || key == noTeam {
		return err
	}
	_, err = t.exec(ctx, sqlTeamBy, u.ID, provider)
	return err
}

// CheckTeam returns a *FieldError if a team can't have this name.
func CheckTeam(name string) error {
	_, _, err := cleanTeam(name)
	return err
}
