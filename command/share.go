package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"rollcall/accounts"
)

// shareCmd manages the share links of people, while servers run or not. The command line doesn't make any: a link sees
// with its owner's eyes, so its owner makes it.
type shareCmd struct {
	storage

	List   shareListCmd   `cmd:"" help:"List the share links of a person."`
	Revoke shareRevokeCmd `cmd:"" help:"End a share link of a person. Open wall boards close."`
}

type shareListCmd struct {
	Username string `arg:"" help:"The person."`
	JSON     bool   `help:"Print a JSON array."`
}

// listedShare is one link in share list --json.
type listedShare struct {
	ID        string             `json:"id"`
	Kind      accounts.ShareKind `json:"kind"`
	Label     string             `json:"label"`
	Team      string             `json:"team"` // "": everyone whom the person sees
	Counts    bool               `json:"only_counts"`
	Texts     bool               `json:"texts"`
	Origins   []string           `json:"origins"`
	CreatedAt time.Time          `json:"created_on"`
	ExpiresAt time.Time          `json:"expires_at,omitzero"`
	UsedAt    time.Time          `json:"last_used_on,omitzero"`
}

// Run prints the links, the newest first. They can't be used with what it prints.
func (c *shareListCmd) Run(ctx context.Context, con *console, group *shareCmd) error {
	store, user, err := group.owner(ctx, con, c.Username)
	if err != nil {
		return err
	}
	defer store.Close()
	all, err := store.Shares(ctx, user.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		list := []listedShare{}
		for _, x := range all {
			list = append(list, listedShare{x.ID, x.Kind, x.Label, x.Team, x.Counts, x.Texts, append([]string{}, x.Origins...),
				x.CreatedAt, x.ExpiresAt, x.UsedAt})
		}
		return printJSON(con.stdout, list)
	}
	if len(all) == 0 {
		_, err := fmt.Fprintf(con.stdout, "%s has no share links.\n", user.Username)
		return err
	}
	rows := [][]string{{"ID", "KIND", "CREATED", "LAST USED", "EXPIRES", "TEAM", "NAME"}}
	for _, x := range all {
		rows = append(rows, []string{short(x.ID), string(x.Kind), dayOf(x.CreatedAt), dayOf(x.UsedAt), dayOf(x.ExpiresAt),
			dash(x.Team), dash(x.Label)})
	}
	return printTable(con.stdout, rows)
}

func dayOf(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.DateOnly)
}

// owner opens the store and finds a person.
func (c *shareCmd) owner(ctx context.Context, con *console, name string) (*accounts.Store, accounts.User, error) {
	store, err := c.open(ctx, con)
	if err != nil {
		return nil, accounts.User{}, err
	}
	user, err := store.UserByName(ctx, name)
	if errors.Is(err, accounts.ErrNotFound) {
		err = fmt.Errorf("there is nobody called %q: %s lists everyone", name, c.command(con.env, "user", "list"))
	}
	if err != nil {
		store.Close()
		return nil, accounts.User{}, err
	}
	return store, user, nil
}

type shareRevokeCmd struct {
	Username string `arg:"" help:"The person."`
	ID       string `arg:"" help:"The ID in share list, or its first characters."`
}

// Run ends the link whose ID begins with the argument.
func (c *shareRevokeCmd) Run(ctx context.Context, con *console, group *shareCmd) error {
	store, user, err := group.owner(ctx, con, c.Username)
	if err != nil {
		return err
	}
	defer store.Close()
	all, err := store.Shares(ctx, user.ID)
	if err != nil {
		return err
	}
	var found []accounts.Share
	for _, x := range all {
		if c.ID != "" && strings.HasPrefix(x.ID, strings.ToUpper(c.ID)) {
			found = append(found, x)
		}
	}
	list := group.command(con.env, "share", "list", user.Username)
	switch len(found) {
	case 0:
		return fmt.Errorf("%s has no share link whose ID begins with %q: %s lists all", user.Username, c.ID, list)
	case 1:
	default:
		return fmt.Errorf("%d share links have an ID that begins with %q: add more characters of the one in %s --json",
			len(found), c.ID, list)
	}
	if err := store.RevokeShare(ctx, user.ID, found[0].ID); err != nil && !errors.Is(err, accounts.ErrNoShare) {
		return err
	}
	_, err = fmt.Fprintf(con.stdout, "Revoked share link %s of %s.\n", short(found[0].ID), user.Username)
	return err
}
