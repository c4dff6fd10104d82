package command

import (
	"context"
	"errors"
	"strings"
	"time"

	"rollcall/accounts"
)

type userListCmd struct {
	Search   string  `placeholder:"TEXT" help:"Only people whose name, username, or team has words that begin like this."`
	Team     *string `placeholder:"TEAM" help:"Only people of this team; \"\" for those without a team."`
	Admins   bool    `help:"Only administrators."`
	Disabled bool    `help:"Only people who are disabled or wait for approval."`
	JSON     bool    `help:"Print a JSON array."`
}

// query returns what the flags choose. People are listed by username, or by name if there are such flags.
func (c *userListCmd) query() (accounts.UserQuery, error) {
	q := accounts.UserQuery{Search: c.Search, Team: c.Team, Limit: accounts.MaxPage}
	switch {
	case c.Admins && c.Disabled, c.Team != nil && (c.Admins || c.Disabled):
		return q, errors.New("choose one of --team, --admins, and --disabled")
	case c.Admins:
		q.Which = accounts.AdminUsers
	case c.Disabled:
		q.Which = accounts.DisabledUsers
	case c.Team == nil && c.Search == "":
		q.Order = accounts.ByUsername
	}
	return q, nil
}

// listedUser is one person in user list --json. It leaves out when they were last online, which is private.
type listedUser struct {
	Username    string    `json:"username"`
	DisplayName string    `json:"display_name"`
	Team        string    `json:"team"`
	Admin       bool      `json:"admin"`
	Disabled    bool      `json:"disabled"`
	Waiting     bool      `json:"waiting"` // for approval; then they're also disabled
	CreatedAt   time.Time `json:"created_at"`
}

// notes says what sets a person apart.
func (u *listedUser) notes() string {
	var notes []string
	if u.Admin {
		notes = append(notes, "admin")
	}
	if u.Waiting {
		notes = append(notes, "waiting")
	} else if u.Disabled {
		notes = append(notes, "disabled")
	}
	return strings.Join(notes, ",")
}

// Run prints people.
func (c *userListCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	query, err := c.query()
	if err != nil {
		return err
	}
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	users := []listedUser{}
	for more := true; more; more = query.After != "" {
		page, err := store.ListUsers(ctx, query)
		if err != nil {
			return err
		}
		for _, u := range page.Users {
			users = append(users,
				listedUser{u.Username, u.DisplayName, u.Team, u.Admin, u.Disabled, u.Waiting, u.CreatedAt.UTC()})
		}
		query.After = page.Next
	}
	if c.JSON {
		return printJSON(con.stdout, users)
	}
	rows := [][]string{{"USERNAME", "TEAM", "NOTES", "NAME"}}
	for _, u := range users {
		rows = append(rows, []string{u.Username, dash(u.Team), dash(u.notes()), u.DisplayName})
	}
	return printTable(con.stdout, rows)
}
