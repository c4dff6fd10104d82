package accounts

import (
	"context"
)

// Limits of pairs of teams. With many, a page of somebody in such a team takes longer to read.
const (
	MaxTeamPairs   = 500 // pairs of teams on the board
	MaxPairsOfTeam = 50  // teams that one team can see besides itself
)

const (
	sqlTeamPairs  = `SELECT team_key, other_key, team, other FROM team_pairs WHERE team_key > '' ORDER BY team_key, other_key`
	sqlPaired     = `SELECT count(*) FROM team_pairs WHERE team_key = $1 AND other_key = $2`
	sqlPair       = `INSERT INTO team_pairs (team_key, other_key, team, other, paired_at) VALUES ($1, $2, $3, $4, $5)`
	sqlUnpair     = `DELETE FROM team_pairs WHERE team_key = $1 AND other_key = $2`
	sqlCountPairs = `SELECT count(*) FROM team_pairs WHERE team_key > ''`
	sqlPairsOf    = `SELECT other_key, other FROM team_pairs WHERE team_key = $1
		UNION ALL SELECT team_key, team FROM team_pairs WHERE other_key = $1`
	sqlUnpairFirst = `DELETE FROM team_pairs WHERE team_key = $1`
	sqlUnpairOther = `DELETE FROM team_pairs WHERE other_key = $1`
	sqlSetPairsRev = `INSERT INTO meta (name, value) VALUES ('team_pairs_rev', $1)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`
)

// TeamPair is a pair of teams that see each other, although the visibility of the board is VisibleTeams. It stays when
// nobody is left in one of them.
type TeamPair struct {
	Key, OtherKey string // as Person.TeamKey; Key sorts first
	Team, Other   string // their names when they were paired
}

func (x *TeamPair) dest() []any { return []any{&x.Key, &x.OtherKey, &x.Team, &x.Other} }

// newTeamPair returns the pair of two teams, in order.
func newTeamPair(key, name, otherKey, other string) TeamPair {
	if otherKey < key {
		key, name, otherKey, other = otherKey, other, key, name
	}
	return TeamPair{key, otherKey, name, other}
}

// TeamPairs returns all pairs of teams that see each other.
func (s *Store) TeamPairs(ctx context.Context) ([]TeamPair, error) {
	pairs, err := readTeamPairs(ctx, s.r)
	return pairs, wrap("list team pairs", err)
}

func readTeamPairs(ctx context.Context, from reader) ([]TeamPair, error) {
	rows, err := from.query(ctx, sqlTeamPairs)
	if err != nil {
		return nil, err
	}
	return collect(rows, (*TeamPair).dest)
}

// PairTeams lets two teams see each other, and does nothing if they do already. Errors: *FieldError about team, other
// or team_pairs (Detail is "team" if one team has too many): both must be teams that have people, and different ones.
func (s *Store) PairTeams(ctx context.Context, team, other string) error {
	x, err := pairOf(team, other)
	if err != nil {
		return err
	}
	return wrap("pair teams", s.write(ctx, func(ctx context.Context, t *transaction) error {
		if paired, err := t.count(ctx, sqlPaired, x.Key, x.OtherKey); err != nil || paired > 0 {
			return err
		}
		if err := wantTeams(ctx, t, team, other); err != nil {
			return err
		}
		if err := wantRoom(ctx, t, x); err != nil {
			return err
		}
		return addPair(ctx, t, x)
	}))
}

// wantTeams returns a *FieldError about the first of two teams that has no enabled people.
func wantTeams(ctx context.Context, t *transaction, team, other string) error {
	for _, x := range []struct{ field, name string }{{"team", team}, {"other", other}} {
		if err := wantTeam(ctx, t, teamKey(x.name)); err != nil {
			if len(WrongFields(err)) > 0 {
				return wrongField(x.field, UnknownTeam)
			}
			return err
		}
	}
	return nil
}

// wantRoom returns a *FieldError if there are too many pairs for another one.
func wantRoom(ctx context.Context, t *transaction, x TeamPair) error {
	all, err := t.count(ctx, sqlCountPairs)
	if err != nil {
		return err
	}
	if all >= MaxTeamPairs {
		return &FieldError{Field: "team_pairs", Code: TooMany, Limit: MaxTeamPairs}
	}
	for _, key := range []string{x.Key, x.OtherKey} {
		with, err := pairedWith(ctx, t, key)
		if err != nil {
			return err
		}
		if len(with) >= MaxPairsOfTeam {
			return &FieldError{Field: "team_pairs", Code: TooMany, Limit: MaxPairsOfTeam, Detail: "team"}
		}
	}
	return nil
}

// addPair stores a pair. The names are those that their people have, if there are any.
func addPair(ctx context.Context, t *transaction, x TeamPair) (err error) {
	if x.Team, err = teamSpelling(ctx, t, x.Key, x.Team); err != nil {
		return err
	}
	if x.Other, err = teamSpelling(ctx, t, x.OtherKey, x.Other); err != nil {
		return err
	}
	if _, err := t.exec(ctx, sqlPair, x.Key, x.OtherKey, x.Team, x.Other, t.now); err != nil {
		return err
	}
	if err := t.changesTeamPairs(ctx); err != nil {
		return err
	}
	return t.audit(ctx, TeamsPaired, "", map[string]string{"team": x.Team, "other": x.Other})
}

// UnpairTeams undoes PairTeams. Errors: *FieldError about team or other; ErrNotFound if the teams don't see each
// other.
func (s *Store) UnpairTeams(ctx context.Context, team, other string) error {
	x, err := pairOf(team, other)
	if err != nil {
		return err
	}
	return wrap("unpair teams", s.write(ctx, func(ctx context.Context, t *transaction) error {
		n, err := t.exec(ctx, sqlUnpair, x.Key, x.OtherKey)
		switch {
		case err != nil:
			return err
		case n == 0:
			return ErrNotFound
		}
		if err := t.changesTeamPairs(ctx); err != nil {
			return err
		}
		return t.audit(ctx, TeamsUnpaired, "", map[string]string{"team": x.Team, "other": x.Other})
	}))
}

// pairOf returns the pair of two teams, in order and in the form in which names are stored.
func pairOf(team, other string) (TeamPair, error) {
	name, key, err := cleanTeam(team)
	switch {
	case err != nil:
		return TeamPair{}, err
	case name == "":
		return TeamPair{}, wrongField("team", Missing)
	}
	otherName, otherKey, err := cleanTeam(other)
	switch wrong := WrongFields(err); {
	case len(wrong) > 0:
		return TeamPair{}, &FieldError{Field: "other", Code: wrong[0].Code, Limit: wrong[0].Limit}
	case otherName == "":
		return TeamPair{}, wrongField("other", Missing)
	case otherKey == key:
		return TeamPair{}, wrongField("other", SameTeam)
	}
	return newTeamPair(key, name, otherKey, otherName), nil
}

// dropPairs ends all pairs of a team.
func dropPairs(ctx context.Context, t *transaction, key string) error {
	n, err := t.exec(ctx, sqlUnpairFirst, key)
	if err != nil {
		return err
	}
	m, err := t.exec(ctx, sqlUnpairOther, key)
	if err != nil || n+m == 0 {
		return err
	}
	return t.changesTeamPairs(ctx)
}

// movePairs gives the pairs of a team to the team with its new name. What was left of an earlier team with that name
// doesn't count.
func movePairs(ctx context.Context, t *transaction, old, key, name string) error {
	with, err := pairedWith(ctx, t, old)
	if err != nil {
		return err
	}
	if err := dropPairs(ctx, t, key); err != nil {
		return err
	}
	if err := dropPairs(ctx, t, old); err != nil {
		return err
	}
	for _, other := range with {
		if other.key == key {
			continue // itself, now
		}
		x := newTeamPair(key, name, other.key, other.name)
		if _, err := t.exec(ctx, sqlPair, x.Key, x.OtherKey, x.Team, x.Other, t.now); err != nil {
			return err
		}
	}
	return nil
}

type namedTeam struct{ key, name string }

// pairedWith returns the teams that a team sees besides itself.
func pairedWith(ctx context.Context, t *transaction, key string) ([]namedTeam, error) {
	rows, err := t.query(ctx, sqlPairsOf, key)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(x *namedTeam) []any { return []any{&x.key, &x.name} })
}
