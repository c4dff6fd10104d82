package command

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"rollcall/accounts"
)

// tokenCmd manages access tokens, while servers run or not.
type tokenCmd struct {
	storage

	Create tokenCreateCmd `cmd:"" help:"Print a new access token of a person, once."`
	List   tokenListCmd   `cmd:"" help:"List access tokens."`
	Revoke tokenRevokeCmd `cmd:"" help:"End an access token."`
	Check  tokenCheckCmd  `cmd:"" help:"Check whether a text can be an access token, without a database or a network."`
}

type tokenCreateCmd struct {
	User    string   `required:"" placeholder:"NAME" help:"The person for whom programs with this token act."`
	Scope   []string `required:"" placeholder:"SCOPE" help:"What it can do; give it several times, or separate scopes by commas. ${scopes}."`
	Name    string   `placeholder:"TEXT" help:"What it's for. Default: Token."`
	Expires string   `default:"90d" placeholder:"DAYS" help:"When it ends: a number of days up to 365, such as 90d, or never."`
}

// Run prints the token. There's no other way to see it.
func (c *tokenCreateCmd) Run(ctx context.Context, con *console, group *tokenCmd) error {
	life, err := c.life()
	if err != nil {
		return err
	}
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	user, err := group.person(ctx, con, store, c.User)
	if err != nil {
		return err
	}
	n := accounts.NewToken{UserID: user.ID, Name: c.Name, Life: life}
	for _, scope := range c.Scope {
		n.Scopes = append(n.Scopes, accounts.Scope(scope))
	}
	text, made, err := store.CreateToken(ctx, n)
	switch {
	case errors.Is(err, accounts.ErrNotFound):
		return fmt.Errorf("%s is disabled, so a token can't be used", user.Username)
	case err != nil:
		return group.explainToken(con, user, err)
	}
	fmt.Fprintf(con.stdout, "Token %s of %s, %s.\n", tokenID(made.ID), user.Username, untilWords(made.ExpiresAt))
	if made.ExpiresAt.IsZero() {
		fmt.Fprintln(con.stderr, "If this token leaks, it works until somebody revokes it.")
	}
	_, err = fmt.Fprintln(con.stdout, text)
	return err
}

// life returns how long the token works.
func (c *tokenCreateCmd) life() (time.Duration, error) {
	const max = int(accounts.MaxTokenLife / (24 * time.Hour))
	if c.Expires == "never" {
		return accounts.Forever, nil
	}
	days, err := strconv.Atoi(strings.TrimSuffix(c.Expires, "d"))
	if err != nil || days < 1 || days > max {
		return 0, fmt.Errorf("--expires %s: write a number of days from 1d to %dd, or never", c.Expires, max)
	}
	return time.Duration(days) * 24 * time.Hour, nil
}

// explainToken converts the error of a new token to a message that says what to do.
func (c *tokenCmd) explainToken(con *console, user accounts.User, err error) error {
	for _, wrong := range accounts.WrongFields(err) {
		switch {
		case wrong.Code == accounts.TooMany:
			return fmt.Errorf("%s has %d tokens, which is the limit: end one with %s", user.Username, wrong.Limit,
				c.command(con.env, "token", "revoke", "ID"))
		case wrong.Field == "scopes" && wrong.Code == accounts.NotAllowed:
			return fmt.Errorf("%s isn't an administrator, so there can't be a token with the scope admin", user.Username)
		case wrong.Field == "scopes":
			return fmt.Errorf("--scope %s: write some of %s", dash(wrong.Detail), scopeNames())
		}
	}
	return plain(err)
}

func scopeNames() string {
	names := make([]string, len(accounts.Scopes))
	for i, s := range accounts.Scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}

func untilWords(end time.Time) string {
	if end.IsZero() {
		return "which never ends"
	}
	return "until " + end.Format(tableTime) + " UTC"
}

// tokenID is the part of a token's ID that tables show: the last characters, because the first ones are a time.
func tokenID(id string) string { return id[max(0, len(id)-12):] }

type tokenListCmd struct {
	User string `placeholder:"NAME" help:"Only tokens of this person."`
	JSON bool   `help:"Print a JSON array."`
}

// listedToken is one token in token list --json.
type listedToken struct {
	ID        string           `json:"id"`
	User      string           `json:"user"`
	Name      string           `json:"name"`
	Scopes    []accounts.Scope `json:"scopes"`
	ByToken   bool             `json:"made_by_token"`
	CreatedAt time.Time        `json:"created_at"`
	ExpiresAt time.Time        `json:"expires_at,omitzero"`
}

// Run prints the tokens. When they were last used is nobody's business but their owners'.
func (c *tokenListCmd) Run(ctx context.Context, con *console, group *tokenCmd) error {
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	all, err := c.tokens(ctx, con, group, store)
	if err != nil {
		return err
	}
	list, names := []listedToken{}, newAccountNames(store)
	for _, x := range all {
		name, err := names.of(ctx, string(accounts.ByUser(x.UserID)))
		if err != nil {
			return err
		}
		list = append(list, listedToken{tokenID(x.ID), name, x.Name, x.Scopes, x.Parent != "", x.CreatedAt, x.ExpiresAt})
	}
	if c.JSON {
		return printJSON(con.stdout, list)
	}
	if len(list) == 0 {
		_, err := fmt.Fprintln(con.stdout, "There are no tokens.")
		return err
	}
	rows := [][]string{{"ID", "USER", "EXPIRES (UTC)", "SCOPES", "NAME"}}
	for _, x := range list {
		end := "never"
		if !x.ExpiresAt.IsZero() {
			end = x.ExpiresAt.Format(tableTime)
		}
		var scopes []string
		for _, s := range x.Scopes {
			scopes = append(scopes, string(s))
		}
		rows = append(rows, []string{x.ID, x.User, end, strings.Join(scopes, ","), x.Name})
	}
	return printTable(con.stdout, rows)
}

// tokens returns the tokens to list.
func (c *tokenListCmd) tokens(ctx context.Context, con *console, group *tokenCmd, store *accounts.Store) ([]accounts.Token,
	error) {
	if c.User == "" {
		return allTokens(ctx, store)
	}
	user, err := group.person(ctx, con, store, c.User)
	if err != nil {
		return nil, err
	}
	return store.Tokens(ctx, user.ID)
}

func allTokens(ctx context.Context, store *accounts.Store) (all []accounts.Token, err error) {
	for after := ""; ; after = all[len(all)-1].ID {
		part, err := store.AllTokens(ctx, after)
		if err != nil || len(part) == 0 {
			return all, err
		}
		all = append(all, part...)
	}
}

type tokenRevokeCmd struct {
	ID string `arg:"" help:"The ID in token list."`
}

// Run ends the token with this ID.
func (c *tokenRevokeCmd) Run(ctx context.Context, con *console, group *tokenCmd) error {
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	all, err := allTokens(ctx, store)
	if err != nil {
		return err
	}
	for _, x := range all {
		if tokenID(x.ID) != strings.ToLower(c.ID) && x.ID != c.ID {
			continue
		}
		if err := store.RevokeToken(ctx, x.UserID, x.ID); err != nil && !errors.Is(err, accounts.ErrNoToken) {
			return err
		}
		_, err = fmt.Fprintf(con.stdout, "Revoked token %s.\n", tokenID(x.ID))
		return err
	}
	return fmt.Errorf("there is no token with the ID %q: %s lists all", c.ID, group.command(con.env, "token", "list"))
}

type tokenCheckCmd struct {
	Token string `arg:"" optional:"" help:"The text. Without it, the first line of standard input."`
}

// Run says whether the text has the form of a token. It never prints the text.
func (c *tokenCheckCmd) Run(con *console) error {
	if c.Token == "" {
		line, err := bufio.NewReader(io.LimitReader(con.stdin, 4<<10)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("read the token: %w", err)
		}
		c.Token = strings.TrimSpace(line)
	}
	if !accounts.IsToken(c.Token) {
		return errors.New("that isn't an access token: the beginning, the length, or the checksum is wrong")
	}
	_, err := fmt.Fprintln(con.stdout, "That has the form of an access token. Whether it works, only the server knows.")
	return err
}
