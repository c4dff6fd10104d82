package command

import (
	"context"
	"errors"
	"fmt"

	"rollcall/accounts"
)

type teamPairCmd struct {
	Team  string `arg:"" help:"A team."`
	Other string `arg:"" help:"The other team."`
}

// Run lets the teams see each other.
func (c *teamPairCmd) Run(ctx context.Context, con *console, group *teamCmd) error {
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := store.PairTeams(ctx, c.Team, c.Other); err != nil {
		if wrong := accounts.WrongFields(err); len(wrong) == 1 && wrong[0].Code == accounts.UnknownTeam {
			name := c.Team
			if wrong[0].Field == "other" {
				name = c.Other
			}
			return group.explainTeam(con, name, accounts.ErrNotFound)
		}
		return plain(err)
	}
	if _, err := fmt.Fprintf(con.stdout, "%q and %q see each other.\n", c.Team, c.Other); err != nil {
		return err
	}
	stored, err := store.Settings(ctx)
	if err == nil && stored.Visibility != accounts.VisibleTeams && con.env["ROLLCALL_VISIBILITY"] != accounts.VisibleTeams {
		_, err = fmt.Fprintf(con.stdout, "On this board, everyone sees everyone, unless a server has --visibility teams: "+
			"to change that, use %s\n", group.command(con.env, "board", "set", "visibility=teams"))
	}
	return err
}

type teamUnpairCmd struct {
	Team  string `arg:"" help:"A team."`
	Other string `arg:"" help:"The other team."`
}

// Run stops the teams from seeing each other.
func (c *teamUnpairCmd) Run(ctx context.Context, con *console, group *teamCmd) error {
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	switch err := store.UnpairTeams(ctx, c.Team, c.Other); {
	case errors.Is(err, accounts.ErrNotFound):
		return fmt.Errorf("%q and %q don't see each other: %s lists who does", c.Team, c.Other,
			group.command(con.env, "team", "list"))
	case err != nil:
		return plain(err)
	}
	_, err = fmt.Fprintf(con.stdout, "%q and %q no longer see each other.\n", c.Team, c.Other)
	return err
}

// pairedWith returns the names of the teams that a team is paired with.
func pairedWith(key string, pairs []accounts.TeamPair) (names []string) {
	for _, x := range pairs {
		switch key {
		case x.Key:
			names = append(names, x.Other)
		case x.OtherKey:
			names = append(names, x.Team)
		}
	}
	return names
}
