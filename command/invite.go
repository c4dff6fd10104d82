package command

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"rollcall/accounts"
)

// inviteCmd manages invitations, while servers run or not.
type inviteCmd struct {
	storage

	Create inviteCreateCmd `cmd:"" help:"Print a link with which people create an account."`
	List   inviteListCmd   `cmd:"" help:"List the invitations that can still be used."`
	Revoke inviteRevokeCmd `cmd:"" help:"End an invitation. Accounts made with it stay."`
}

type inviteCreateCmd struct {
	publicFlag

	Uses  int    `default:"1" help:"How many people can use the link: 1 to 100."`
	Days  int    `default:"7" help:"How many days the link works: 1 to 30."`
	Team  string `placeholder:"TEAM" help:"Team of those who use it."`
	Email string `placeholder:"ADDRESS" help:"Send the link to this address instead of printing it."`
	Label string `placeholder:"TEXT" help:"What the invitation is for. Only administrators see it."`
}

// Run prints the link. There's no other way to see it.
func (c *inviteCreateCmd) Run(ctx context.Context, con *console, group *inviteCmd) error {
	public, err := c.public(con.env)
	if err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	token, made, err := store.Invite(ctx, accounts.NewInvitation{
		Label: c.Label, Team: c.Team, Uses: c.Uses, Age: time.Duration(c.Days) * 24 * time.Hour, Email: c.Email,
	})
	if err != nil {
		return group.explainInvite(con, err)
	}
	if c.Email != "" { // the invitation gets another ID when it's sent
		_, err = fmt.Fprintf(con.stdout, "An email with an invitation for %s, until %s UTC, is in the queue. %s\n",
			countPeople(c.Uses), made.ExpiresAt.Format(tableTime), queued)
		return err
	}
	fmt.Fprintf(con.stdout, "Invitation %s for %s, until %s UTC.\n", shortID(made.ID), countPeople(c.Uses),
		made.ExpiresAt.Format(tableTime))
	return printLink(con.stdout, public, "/join/"+token)
}

func (c *inviteCreateCmd) check() error {
	const maxDays = int(accounts.MaxInviteAge / (24 * time.Hour))
	switch {
	case c.Uses < 1 || c.Uses > accounts.MaxInviteUses:
		return fmt.Errorf("--uses %d: write a number from 1 to %d", c.Uses, accounts.MaxInviteUses)
	case c.Days < 1 || c.Days > maxDays:
		return fmt.Errorf("--days %d: write a number from 1 to %d", c.Days, maxDays)
	}
	return nil
}

// explainInvite converts the error of a new invitation to a message that says what to do.
func (c *inviteCmd) explainInvite(con *console, err error) error {
	if wrong := accounts.WrongFields(err); len(wrong) == 1 && wrong[0].Code == accounts.TooMany {
		return fmt.Errorf("there are %d invitations already: end one with %s, or wait until one expires",
			wrong[0].Limit, c.command(con.env, "invite", "revoke", "ID"))
	}
	return plain(err)
}

type inviteListCmd struct {
	JSON bool `help:"Print a JSON array."`
}

// listedInvitation is one invitation in invite list --json.
type listedInvitation struct {
	ID        string    `json:"id"`
	Label     string    `json:"label"`
	Team      string    `json:"team"`
	Uses      int       `json:"uses"`
	UsesLeft  int       `json:"uses_left"`
	MadeBy    string    `json:"made_by"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Run prints the invitations, the newest first.
func (c *inviteListCmd) Run(ctx context.Context, con *console, group *inviteCmd) error {
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	all, err := store.Invitations(ctx)
	if err != nil {
		return err
	}
	list, names := []listedInvitation{}, newAccountNames(store)
	for _, i := range all {
		by, err := names.of(ctx, string(i.MadeBy))
		if err != nil {
			return err
		}
		list = append(list, listedInvitation{longID(i.ID), i.Label, i.Team, i.Uses, i.UsesLeft, by, i.CreatedAt, i.ExpiresAt})
	}
	if c.JSON {
		return printJSON(con.stdout, list)
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(con.stdout, "There are no invitations.")
		return err
	}
	rows := [][]string{{"ID", "USED", "LEFT", "EXPIRES (UTC)", "BY", "TEAM", "LABEL"}}
	for _, i := range list {
		rows = append(rows, []string{short(i.ID), strconv.Itoa(i.Uses), strconv.Itoa(i.UsesLeft),
			i.ExpiresAt.Format(tableTime), i.MadeBy, dash(i.Team), dash(i.Label)})
	}
	return printTable(con.stdout, rows)
}

type inviteRevokeCmd struct {
	ID string `arg:"" help:"The ID in invite list, or its first characters."`
}

// Run ends the invitation whose ID begins with the argument.
func (c *inviteRevokeCmd) Run(ctx context.Context, con *console, group *inviteCmd) error {
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	all, err := store.Invitations(ctx)
	if err != nil {
		return err
	}
	var found []accounts.Invitation
	for _, i := range all {
		if c.ID != "" && strings.HasPrefix(longID(i.ID), strings.ToLower(c.ID)) {
			found = append(found, i)
		}
	}
	list := group.command(con.env, "invite", "list")
	switch len(found) {
	case 0:
		return fmt.Errorf("there is no invitation whose ID begins with %q: %s lists all", c.ID, list)
	case 1:
	default:
		return fmt.Errorf("%d invitations have an ID that begins with %q: add more characters of the one in %s --json",
			len(found), c.ID, list)
	}
	err = store.Revoke(ctx, found[0].ID)
	if errors.Is(err, accounts.ErrNoLink) { // revoked meanwhile
		err = nil
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.stdout, "Revoked invitation %s.\n", shortID(found[0].ID))
	return err
}

// shortIDLen is how many characters of an ID tables show.
const shortIDLen = 8

// longID returns the ID of an invitation in hexadecimal. As it's stored, it can begin with a dash, like a flag.
func longID(stored string) string {
	raw, err := base64.RawURLEncoding.DecodeString(stored)
	if err != nil {
		return stored
	}
	return hex.EncodeToString(raw)
}

func shortID(stored string) string { return short(longID(stored)) }

func short(id string) string { return id[:min(len(id), shortIDLen)] }

func countPeople(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}
