package command

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
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
	CreatedAt   time.Time `json:"created_at"`
}

// Run prints everyone, by username.
func (c *userListCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	users := []listedUser{}
	for after := ""; ; {
		page, err := store.Users(ctx, after, 200)
		if err != nil {
			return err
		}
		for _, u := range page {
			users = append(users, listedUser{u.Username, u.DisplayName, u.Team, u.Admin, u.Disabled, u.CreatedAt.UTC()})
			after = u.Username
		}
		if len(page) == 0 {
			break
		}
	}
	if c.JSON {
		out := json.NewEncoder(con.stdout)
		out.SetIndent("", "  ")
		return out.Encode(users)
	}
	return listTable(con.stdout, users)
}

// listTable prints users as a table. Display names come last, because their width depends on the script.
func listTable(w io.Writer, users []listedUser) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "USERNAME\tTEAM\tNOTES\tNAME")
	for _, u := range users {
		var notes []string
		if u.Admin {
			notes = append(notes, "admin")
		}
		if u.Disabled {
			notes = append(notes, "disabled")
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", u.Username, dash(u.Team), dash(strings.Join(notes, ",")), u.DisplayName)
	}
	return table.Flush()
}

// dash marks an empty column.
func dash(s string) string { return cmp.Or(s, "-") }
