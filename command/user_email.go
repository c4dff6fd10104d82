package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"rollcall/accounts"
)

// queued says what happens to an email that a command has queued.
const queued = "It's sent within seconds if a server with " + smtpURL + " runs."

type userEmailCmd struct {
	Username string `arg:"" help:"The person."`
	Address  string `arg:"" optional:"" help:"Their email address. It's used at once, so be sure that it's theirs."`
	Remove   bool   `help:"Remove the address."`
}

// Run sets, removes, or prints an address.
func (c *userEmailCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	switch {
	case c.Address != "" && c.Remove:
		return errors.New("write an address or --remove, not both")
	case c.Address == "" && !c.Remove:
		return c.show(ctx, con, group)
	}
	done := "Changed the email address of %s."
	if c.Remove {
		done = "Removed the email address of %s."
	}
	return group.change(ctx, con, c.Username, done,
		func(ctx context.Context, s *accounts.Store, u accounts.User) error {
			return s.SetEmail(ctx, u.ID, c.Address)
		})
}

func (c *userEmailCmd) show(ctx context.Context, con *console, group *userCmd) error {
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	user, err := group.person(ctx, con, store, c.Username)
	if err != nil {
		return err
	}
	email, err := store.Email(ctx, user.ID)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(con.stdout, cmp.Or(email, "-"))
	return err
}

// mailLink queues an email with the link.
func (c *userLinkCmd) mailLink(ctx context.Context, con *console, group *userCmd) error {
	done := "An email with a link for %s is in the queue. " + queued
	return group.change(ctx, con, c.Username, done, func(ctx context.Context, s *accounts.Store, u accounts.User) error {
		if err := group.canUseLink(ctx, con, s, u); err != nil {
			return err
		}
		err := s.MailResetLink(ctx, u.ID)
		if wrong := accounts.WrongFields(err); len(wrong) == 1 && wrong[0].Code == accounts.Missing {
			return fmt.Errorf("%s has no email address: add one with %s", u.Username,
				group.command(con.env, "user", "email", u.Username, "ADDRESS"))
		}
		return err
	})
}
