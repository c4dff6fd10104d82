package command

import (
	"context"
	"fmt"

	"rollcall/accounts"
)

type userLinkCmd struct {
	publicFlag

	Username string `arg:"" help:"The person."`
	Mail     bool   `help:"Send the link to the person's email address instead of printing it."`
}

// Run prints the link, or sends it. There's no other way to see it.
func (c *userLinkCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	if c.Mail {
		return c.mailLink(ctx, con, group)
	}
	public, err := c.public(con.env)
	if err != nil {
		return err
	}
	var token string
	err = group.change(ctx, con, c.Username, "With this link, %s can choose a new password, once, within 24 hours.",
		func(ctx context.Context, s *accounts.Store, u accounts.User) (err error) {
			if err := group.canUseLink(ctx, con, s, u); err != nil {
				return err
			}
			token, err = s.MakeResetLink(ctx, u.ID)
			return err
		})
	if err != nil {
		return err
	}
	return printLink(con.stdout, public, "/reset/"+token)
}

// canUseLink returns an error if a person can't sign in, so that a link would be no use to them.
func (c *userCmd) canUseLink(ctx context.Context, con *console, s *accounts.Store, u accounts.User) error {
	if !u.Disabled {
		return nil
	}
	waits, err := s.IsWaiting(ctx, u.ID)
	switch {
	case err != nil:
		return err
	case waits:
		return fmt.Errorf("%s waits for approval, so a link can't be used: first run %s", u.Username,
			c.command(con.env, "user", "approve", u.Username))
	}
	return fmt.Errorf("%s is disabled, so a link can't be used: first run %s", u.Username,
		c.command(con.env, "user", "enable", u.Username))
}
