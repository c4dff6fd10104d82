package accounts

import (
	"context"
)

// Limits of shares between teams. With many, a page of somebody in such a team takes longer to read.
const (
	MaxShares       = 500 // pairs of teams on the board
	MaxSharesOfTeam = 50  // teams that one team can see besides itself
)

const (
	sqlShares      = `SELECT team_key, other_key, team, other FROM team_shares WHERE team_key > '' ORDER BY team_key, other_key`
	sqlShared      = `SELECT count(*) FROM team_shares WHERE team_key = $1 AND other_key = $2`
	sqlShare       = `INSERT INTO team_shares (team_key, other_key, team, other, shared_at) VALUES ($1, $2, $3, $4, $5)`
	sqlUnshare     = `DELETE FROM team_shares WHERE team_key = $1 AND other_key = $2`
	sqlCountShares = `SELECT count(*) FROM team_shares WHERE team_key > ''`
	sqlSharesOf    = `SELECT other_key, other FROM team_shares WHERE team_key = $1
		UNION ALL SELECT team_key, team FROM team_shares WHERE other_key = $1`
	sqlUnshareFirst = `DELETE FROM team_shares WHERE team_key = $1`
	sqlUnshareOther = `DELETE FROM team_shares WHERE other_key = $1`
	sqlSetSharesRev = `INSERT INTO meta (name, value) VALUES ('shares_rev', $1)
		ON CONFLICT (name) DO UPDATE SET value = excluded.value`
)

// Share is a pair of teams that see each other, although the visibility of the board is VisibleTeams. It stays when
// nobody is left in one of them.
type Share struct {
	Key, OtherKey string // as Person.TeamKey; Key sorts first
	Team, Other   string // their names when they were shared
}

func (x *Share) dest() []any { return []any{&x.Key, &x.OtherKey, &x.Team, &x.Other} }

// newShare returns the pair of two teams, in order.
func newShare(key, name, otherKey, other string) Share {
	if otherKey < key {
		key, name, otherKey, other = otherKey, other, key, name
	}
	return Share{key, otherKey, name, other}
}

// Shares returns all pairs of teams that see each other.
func (s *Store) Shares(ctx context.Context) ([]Share, error) {
	shares, err := readShares(ctx, s.r)
	return shares, wrap("list shares", err)
}

func readShares(ctx context.Context, from reader) ([]Share, error) {
	rows, err := from.query(ctx, sqlShares)
	if err != nil {
		return nil, err
	}
	return collect(rows, (*Share).dest)
}

// ShareTeams lets two teams see each other, and does nothing if they do already. Errors: *FieldError about team, other
// or shares (Detail is "team" if one team has too many): both must be teams that have people, and different ones.
func (s *Store) ShareTeams(ctx context.Context, team, other string) error {
	x, err := pairOf(team, other)
	if err != nil {
		return err
	}
	return wrap("share teams", s.write(ctx, func(ctx context.Context, t *transaction) error {
		if shared, err := t.count(ctx, sqlShared, x.Key, x.OtherKey); err != nil || shared > 0 {
			return err
		}
		if err := wantTeams(ctx, t, team, other); err != nil {
			return err
		}
		if err := wantRoom(ctx, t, x); err != nil {
			return err
		}
		return addShare(ctx, t, x)
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

// wantRoom returns a *FieldError if there are too many shares for another one.
func wantRoom(ctx context.Context, t *transaction, x Share) error {
	all, err := t.count(ctx, sqlCountShares)
	if err != nil {
		return err
	}
	if all >= MaxShares {
		return &FieldError{Field: "shares", Code: TooMany, Limit: MaxShares}
	}
	for _, key := range []string{x.Key, x.OtherKey} {
		with, err := sharesOf(ctx, t, key)
		if err != nil {
			return err
		}
		if len(with) >= MaxSharesOfTeam {
			return &FieldError{Field: "shares", Code: TooMany, Limit: MaxSharesOfTeam, Detail: "team"}
		}
	}
	return nil
}

// addShare stores a pair. The names are those that their people have, if there are any.
func addShare(ctx context.Context, t *transaction, x Share) (err error) {
	if x.Team, err = teamSpelling(ctx, t, x.Key, x.Team); err != nil {
		return err
	}
	if x.Other, err = teamSpelling(ctx, t, x.OtherKey, x.Other); err != nil {
		return err
	}
	if _, err := t.exec(ctx, sqlShare, x.Key, x.OtherKey, x.Team, x.Other, t.now); err != nil {
		return err
	}
	if err := t.changesShares(ctx); err != nil {
		return err
	}
	return t.audit(ctx, TeamsShared, "", map[string]string{"team": x.Team, "other": x.Other})
}

// UnshareTeams undoes ShareTeams. Errors: *FieldError about team or other; ErrNotFound if the teams don't see each
// other.
func (s *Store) UnshareTeams(ctx context.Context, team, other string) error {
	x, err := pairOf(team, other)
	if err != nil {
		return err
	}
	return wrap("unshare teams", s.write(ctx, func(ctx context.Context, t *transaction) error {
		n, err := t.exec(ctx, sqlUnshare, x.Key, x.OtherKey)
		switch {
		case err != nil:
			return err
		case n == 0:
			return ErrNotFound
		}
		if err := t.changesShares(ctx); err != nil {
			return err
		}
		return t.audit(ctx, TeamsUnshared, "", map[string]string{"team": x.Team, "other": x.Other})
	}))
}

// pairOf returns the pair of two teams, in order and in the form in which names are stored.
func pairOf(team, other string) (Share, error) {
	name, key, err := cleanTeam(team)
	switch {
	case err != nil:
		return Share{}, err
	case name == "":
		return Share{}, wrongField("team", Missing)
	}
	otherName, otherKey, err := cleanTeam(other)
	switch wrong := WrongFields(err); {
	case len(wrong) > 0:
		return Share{}, &FieldError{Field: "other", Code: wrong[0].Code, Limit: wrong[0].Limit}
	case otherName == "":
		return Share{}, wrongField("other", Missing)
	case otherKey == key:
		return Share{}, wrongField("other", SameTeam)
	}
	return newShare(key, name, otherKey, otherName), nil
}

// dropShares ends all shares of a team.
func dropShares(ctx context.Context, t *transaction, key string) error {
	n, err := t.exec(ctx, sqlUnshareFirst, key)
	if err != nil {
		return err
	}
	m, err := t.exec(ctx, sqlUnshareOther, key)
	if err != nil || n+m == 0 {
		return err
	}
	return t.changesShares(ctx)
}

// moveShares gives the shares of a team to the team with its new name. What was left of an earlier team with that name
// doesn't count.
func moveShares(ctx context.Context, t *transaction, old, key, name string) error {
	with, err := sharesOf(ctx, t, old)
	if err != nil {
		return err
	}
	if err := dropShares(ctx, t, key); err != nil {
		return err
	}
	if err := dropShares(ctx, t, old); err != nil {
		return err
	}
	for _, other := range with {
		if other.key == key {
			continue // itself, now
		}
		x := newShare(key, name, other.key, other.name)
		if _, err := t.exec(ctx, sqlShare, x.Key, x.OtherKey, x.Team, x.Other, t.now); err != nil {
			return err
		}
	}
	return nil
}

type namedTeam struct{ key, name string }

// sharesOf returns the teams that a team sees besides itself.
func sharesOf(ctx context.Context, t *transaction, key string) ([]namedTeam, error) {
	rows, err := t.query(ctx, sqlSharesOf, key)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(x *namedTeam) []any { return []any{&x.key, &x.name} })
}
