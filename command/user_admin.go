package command

import (
	"context"

	"rollcall/accounts"
)

type userAdminCmd struct {
	Username string `arg:"" help:"The person."`
	State    string `arg:"" name:"on|off" optional:"" enum:"on,off" default:"on" help:"on (the default): administrator. off: member."`
	Force    bool   `help:"With off: even if no other administrator can sign in."`
}

// Run makes the person an administrator or a member.
func (c *userAdminCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	done := "%s is an administrator now."
	if c.State == "off" {
		done = "%s is a member now."
	}
	return group.change(forced(ctx, c.Force), con, c.Username, done,
		func(ctx context.Context, s *accounts.Store, u accounts.User) error {
			return s.SetAdmin(ctx, u.ID, c.State == "on")
		})
}

type userSignOutCmd struct {
	Username string `arg:"" help:"The person."`
}

// Run ends the sessions. What it prints doesn't depend on whether there were any.
func (c *userSignOutCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	return group.change(ctx, con, c.Username, "%s is signed out everywhere.",
		func(ctx context.Context, s *accounts.Store, u accounts.User) error {
			_, err := s.SignOut(ctx, []string{u.ID})
			return err
		})
}
