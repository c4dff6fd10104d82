package command

import (
	"context"
	"errors"
	"fmt"
	"time"

	"rollcall/accounts"
)

type userWaitingCmd struct {
	JSON bool `help:"Print a JSON array."`
}

// waitingPerson is one person in user waiting --json.
type waitingPerson struct {
	Username    string    `json:"username"`
	DisplayName string    `json:"display_name"`
	Note        string    `json:"note"`
	Since       time.Time `json:"since"`
}

// Run prints who waits, those who have waited longest first.
func (c *userWaitingCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	all, err := store.WaitingPeople(ctx)
	if err != nil {
		return err
	}
	people := []waitingPerson{}
	for _, w := range all {
		people = append(people, waitingPerson{w.Username, w.DisplayName, w.Note, w.Since.UTC()})
	}
	if c.JSON {
		return printJSON(con.stdout, people)
	}
	if len(people) == 0 {
		_, err := fmt.Fprintln(con.stdout, "Nobody waits for approval.")
		return err
	}
	rows := [][]string{{"USERNAME", "SINCE (UTC)", "NAME", "NOTE"}}
	for _, p := range people {
		rows = append(rows, []string{p.Username, p.Since.Format(tableTime), p.DisplayName, dash(p.Note)})
	}
	return printTable(con.stdout, rows)
}

type userApproveCmd struct {
	Username string `arg:"" help:"The person."`
}

// Run lets the person in.
func (c *userApproveCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	return group.decide(ctx, con, c.Username, "Approved %s, who can sign in now.", (*accounts.Store).Approve)
}

type userDeclineCmd struct {
	Username string `arg:"" help:"The person."`
}

// Run deletes the account.
func (c *userDeclineCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	return group.decide(ctx, con, c.Username, "Declined %s and deleted the account.", (*accounts.Store).Decline)
}

// decide calls do for somebody who waits.
func (c *userCmd) decide(ctx context.Context, con *console, username, done string,
	do func(*accounts.Store, context.Context, string) error) error {
	return c.change(ctx, con, username, done, func(ctx context.Context, s *accounts.Store, u accounts.User) error {
		err := do(s, ctx, u.ID)
		if errors.Is(err, accounts.ErrNotFound) {
			return fmt.Errorf("%s doesn't wait for approval: %s lists who does", u.Username,
				c.command(con.env, "user", "waiting"))
		}
		return err
	})
}
