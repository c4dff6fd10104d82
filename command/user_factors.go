package command

import (
	"context"

	"rollcall/accounts"
)

// userFactorsCmd is about what people prove who they are with, besides passwords.
type userFactorsCmd struct {
	Reset userFactorsResetCmd `cmd:"" help:"Remove a person's passkeys, authenticator app, and recovery codes."`
}

type userFactorsResetCmd struct {
	Username string `arg:"" help:"The person."`
}

// Run removes the passkeys, the authenticator app, and the recovery codes. What it prints doesn't depend on whether
// there were any.
func (c *userFactorsResetCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	return group.change(ctx, con, c.Username, "%s has no passkeys, no authenticator app and no recovery codes now.",
		func(ctx context.Context, s *accounts.Store, u accounts.User) error { return s.ResetFactors(ctx, u.ID) })
}
