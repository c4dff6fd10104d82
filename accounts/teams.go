package accounts

import (
	"context"
	"strconv"
)

// teamAtOnce is the maximum number of people whose team changes in one transaction.
const teamAtOnce = 2000

const (
	sqlTeamMembers  = `SELECT id FROM users WHERE team_key = $1 LIMIT $2`
	sqlInvitedTeams = `SELECT DISTINCT team FROM links WHERE kind = 'invite' AND team <> ''`
	sqlInviteTo     = `UPDATE links SET team = $2 WHERE kind = 'invite' AND team = $1`
)

// RenameTeam gives a team another name, for everybody in it, disabled people included. If another team has that name,
// the two become one. A name that only differs in case changes the spelling. to = "" leaves its people without a team.
// Errors: *FieldError, and ErrNotFound if nobody is in the team.
func (s *Store) RenameTeam(ctx context.Context, from, to string) (people int, err error) {
	name, key, err := cleanTeam(to)
	if err != nil {
		return 0, err
	}
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		people, err = renameTeam(ctx, t, from, name, key)
		return err
	})
	return people, wrap("rename team", err)
}

func renameTeam(ctx context.Context, t *transaction, from, name, key string) (int, error) {
	old := teamKey(from)
	ids, err := t.strings(ctx, sqlTeamMembers, old, teamAtOnce+1)
	switch {
	case err != nil:
		return 0, err
	case old == noTeam || len(ids) == 0:
		return 0, ErrNotFound
	case len(ids) > teamAtOnce:
		return 0, &FieldError{Field: "team", Code: TooMany, Limit: teamAtOnce}
	}
	action := TeamRenamed
	switch there, err := t.strings(ctx, sqlTeamMembers, key, 1); {
	case err != nil:
		return 0, err
	case key == noTeam:
		action = TeamDeleted
	case key != old && len(there) > 0:
		action = TeamMerged
		if name, err = teamSpelling(ctx, t, key, name); err != nil {
			return 0, err
		}
	}
	if err := renamePairs(ctx, t, action, old, key, name); err != nil {
		return 0, err
	}
	if err := moveTeamHooks(ctx, t, action, old, key, name); err != nil {
		return 0, err
	}
	for i, id := range ids {
		u, err := readUser(ctx, t, sqlUserByID, []any{id})
		if i == 0 {
			from = u.Team // as it's spelled; the caller's spelling can be anything with the same key
		}
		if err == nil {
			u.Team = name
			err = placeUser(ctx, t, u, key)
		}
		if err != nil {
			return 0, err
		}
	}
	if err := renameInInvitations(ctx, t, old, name); err != nil {
		return 0, err
	}
	if err := moveShares(ctx, t, old, name); err != nil {
		return 0, err
	}
	return len(ids), t.audit(ctx, action, "",
		map[string]string{"from": from, "team": name, "people": strconv.Itoa(len(ids))})
}

// renameInInvitations gives those who join by an invitation to the team with the key old another team.
func renameInInvitations(ctx context.Context, t *transaction, old, name string) error {
	teams, err := t.strings(ctx, sqlInvitedTeams)
	if err != nil {
		return err
	}
	for _, team := range teams {
		if teamKey(team) != old {
			continue
		}
		if _, err := t.exec(ctx, sqlInviteTo, team, name); err != nil {
			return err
		}
	}
	return nil
}

// renamePairs keeps the pairs of a team that gets another name. A team that becomes part of another one takes none
// along: nobody sees more people because of it than an administrator said.
func renamePairs(ctx context.Context, t *transaction, action Action, old, key, name string) error {
	switch {
	case action != TeamRenamed:
		return dropPairs(ctx, t, old)
	case key != old:
		return movePairs(ctx, t, old, key, name)
	}
	return nil
}
