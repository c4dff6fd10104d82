package command

import (
	"context"
	"strings"
	"time"

	"rollcall/accounts"
)

type userListCmd struct {
	JSON bool `help:"Print a JSON array."`
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

// Run prints everyone, by username.
func (c *userListCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	users := []listedUser{}
	query := accounts.UserQuery{Order: accounts.ByUsername, Limit: accounts.MaxPage}
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
