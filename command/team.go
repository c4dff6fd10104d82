package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"rollcall/accounts"
)

// teamCmd manages teams, while servers run or not. A team exists while somebody is in it.
type teamCmd struct {
	storage

	List   teamListCmd   `cmd:"" help:"List the teams and how many people are in each."`
	Rename teamRenameCmd `cmd:"" help:"Rename a team. If there is a team with the new name, the two become one."`
	Delete teamDeleteCmd `cmd:"" help:"Delete a team. Its people stay, without a team."`
	Pair   teamPairCmd   `cmd:"" help:"Let two teams see each other while people see only their own team (--visibility teams)."`
	Unpair teamUnpairCmd `cmd:"" help:"Stop two teams from seeing each other."`
}

type teamListCmd struct {
	JSON bool `help:"Print a JSON array."`
}

// listedTeam is one team in team list --json.
type listedTeam struct {
	Name       string   `json:"name"`
	People     int      `json:"people"`
	PairedWith []string `json:"paired_with,omitempty"` // names of teams
}

// Run prints the teams in the order of the board.
func (c *teamListCmd) Run(ctx context.Context, con *console, group *teamCmd) error {
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	all, err := store.Tally(ctx)
	if err != nil {
		return err
	}
	pairs, err := store.TeamPairs(ctx)
	if err != nil {
		return err
	}
	teams := []listedTeam{}
	for _, t := range all {
		if t.Name != "" {
			teams = append(teams, listedTeam{t.Name, t.People, pairedWith(t.Key, pairs)})
		}
	}
	if c.JSON {
		return printJSON(con.stdout, teams)
	}
	if len(teams) == 0 {
		_, err := fmt.Fprintln(con.stdout, "There are no teams.")
		return err
	}
	rows := [][]string{{"PEOPLE", "TEAM"}}
	if len(pairs) > 0 {
		rows[0] = append(rows[0], "PAIRED WITH")
	}
	for _, t := range teams {
		row := []string{strconv.Itoa(t.People), t.Name}
		if len(pairs) > 0 {
			row = append(row, dash(strings.Join(t.PairedWith, ", ")))
		}
		rows = append(rows, row)
	}
	return printTable(con.stdout, rows)
}

type teamRenameCmd struct {
	From string `arg:"" help:"The team."`
	To   string `arg:"" help:"Its new name, or the name of the team that takes its people."`
}

// Run renames the team or merges it into another.
func (c *teamRenameCmd) Run(ctx context.Context, con *console, group *teamCmd) error {
	if c.To == "" {
		return fmt.Errorf("the new name is empty: to leave people without a team, use %s",
			group.command(con.env, "team", "delete", "NAME"))
	}
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	all, err := store.Tally(ctx)
	if err != nil {
		return err
	}
	done, to := "Renamed %q to %q (%s).\n", accounts.TeamKey(c.To)
	if to != accounts.TeamKey(c.From) && slices.ContainsFunc(all, func(t accounts.Team) bool { return t.Key == to }) {
		done = "Merged %q into %q (%s).\n"
	}
	n, err := store.RenameTeam(ctx, c.From, c.To)
	if err != nil {
		return group.explainTeam(con, c.From, err)
	}
	_, err = fmt.Fprintf(con.stdout, done, c.From, c.To, countPeople(n))
	return err
}

type teamDeleteCmd struct {
	Name string `arg:"" help:"The team."`
	Yes  bool   `help:"Confirm; nothing remembers who was in the team."`
}

// Run takes everybody out of the team.
func (c *teamDeleteCmd) Run(ctx context.Context, con *console, group *teamCmd) error {
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	if !c.Yes {
		return fmt.Errorf("you can't undo deleting the team %q: add --yes, or give it another name with %s", c.Name,
			group.command(con.env, "team", "rename", "FROM", "TO"))
	}
	n, err := store.RenameTeam(ctx, c.Name, "")
	if err != nil {
		return group.explainTeam(con, c.Name, err)
	}
	_, err = fmt.Fprintf(con.stdout, "Deleted the team %q (%s without a team now).\n", c.Name, countPeople(n))
	return err
}

// explainTeam converts the error of a change of a team to a message that says what to do.
func (c *teamCmd) explainTeam(con *console, team string, err error) error {
	if errors.Is(err, accounts.ErrNotFound) {
		return fmt.Errorf("nobody is in a team called %q: %s lists the teams", team, c.command(con.env, "team", "list"))
	}
	if wrong := accounts.WrongFields(err); len(wrong) == 1 && wrong[0].Code == accounts.TooMany {
		return fmt.Errorf("more than %d people are in the team %q, which is too many for one change: "+
			"first move some of them with %s", wrong[0].Limit, team, c.command(con.env, "user", "team", "NAME", "TEAM"))
	}
	return plain(err)
}
