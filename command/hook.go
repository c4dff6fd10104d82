package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"

	"rollcall/accounts"
	"rollcall/handlers"
)

// hookCmd manages the webhooks of everybody, while servers run or not.
type hookCmd struct {
	storage

	List   hookListCmd   `cmd:"" help:"List all webhooks, without their addresses, which can be secrets."`
	Delete hookDeleteCmd `cmd:"" help:"Delete a webhook."`
	Test   hookTestCmd   `cmd:"" help:"Send a test to a webhook from this machine."`
}

type hookListCmd struct {
	JSON bool `help:"Print a JSON array."`
}

// listedHook is one webhook in hook list --json.
type listedHook struct {
	ID     string `json:"id"`
	Owner  string `json:"owner"` // username
	Format string `json:"format"`
	About  string `json:"about"` // all, team or person
	State  string `json:"state"` // on, failing, or why it's stopped
	Host   string `json:"host"`
}

// Run prints the webhooks, the oldest first.
func (c *hookListCmd) Run(ctx context.Context, con *console, group *hookCmd) error {
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	all, err := store.AllHooks(ctx)
	if err != nil {
		return err
	}
	hooks := []listedHook{}
	for _, h := range all {
		owner, err := store.UserByID(ctx, h.UserID)
		if err != nil {
			return err
		}
		state := cmp.Or(string(h.Stopped), "on")
		if h.Stopped == "" && h.Failures > 0 {
			state = "failing"
		}
		host := ""
		if u, err := url.Parse(h.URL); err == nil {
			host = u.Host
		}
		hooks = append(hooks, listedHook{h.ID, owner.Username, string(h.Format), string(h.About), state, host})
	}
	if c.JSON {
		return printJSON(con.stdout, hooks)
	}
	if len(hooks) == 0 {
		_, err := fmt.Fprintln(con.stdout, "There are no webhooks.")
		return err
	}
	rows := [][]string{{"ID", "OWNER", "FORMAT", "ABOUT", "STATE", "HOST"}}
	for _, h := range hooks {
		rows = append(rows, []string{h.ID, h.Owner, h.Format, h.About, h.State, h.Host})
	}
	return printTable(con.stdout, rows)
}

type hookDeleteCmd struct {
	ID string `arg:"" help:"The webhook, as hook list prints it."`
}

// Run deletes a webhook.
func (c *hookDeleteCmd) Run(ctx context.Context, con *console, group *hookCmd) error {
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	if err := store.DeleteHook(ctx, "", c.ID); err != nil {
		return group.explainHook(con, c.ID, err)
	}
	_, err = fmt.Fprintln(con.stdout, "Deleted the webhook.")
	return err
}

type hookTestCmd struct {
	webhooks

	ID string `arg:"" help:"The webhook, as hook list prints it."`
}

// Run sends a test to a webhook, and fails if it isn't accepted.
func (c *hookTestCmd) Run(ctx context.Context, con *console, group *hookCmd) error {
	if err := c.check(); err != nil {
		return err
	}
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	h, err := store.Hook(ctx, "", c.ID)
	if err != nil {
		return group.explainHook(con, c.ID, err)
	}
	d, _ := c.sender().Test(ctx, h)
	if err := store.AddTest(ctx, h, d); err != nil {
		return group.explainHook(con, c.ID, err)
	}
	said := handlers.DeliveryMessage(d)
	if d.Reason != "" {
		return errors.New(said)
	}
	_, err = fmt.Fprintln(con.stdout, said)
	return err
}

// explainHook says where to find the webhooks that exist.
func (g *hookCmd) explainHook(con *console, id string, err error) error {
	if errors.Is(err, accounts.ErrNoHook) {
		return fmt.Errorf("there's no webhook %q: %s lists all of them", id, g.command(con.env, "hook", "list"))
	}
	return err
}
