package command

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rollcall/accounts"
)

type userUnlinkCmd struct {
	publicFlag

	Username string `arg:"" help:"The person."`
	Provider string `arg:"" optional:"" help:"Key of the provider, as in ROLLCALL_OIDC; for a proxy, proxy: and the name of its header. Without it, prints what is linked."`
}

// Run takes the person's accounts at the provider away. All providers count as ways in, because a command can't know
// which ones the servers offer.
func (c *userUnlinkCmd) Run(ctx context.Context, con *console, group *userCmd) error {
	if c.Provider == "" {
		return c.show(ctx, con, group)
	}
	public, err := c.public(con.env)
	if err != nil {
		return err
	}
	var offered accounts.Ways
	if public != nil {
		offered.RPID = public.Hostname()
	}
	done := "%s can't sign in with " + strings.ReplaceAll(c.Provider, "%", "%%") + " now."
	return group.change(ctx, con, c.Username, done, func(ctx context.Context, s *accounts.Store, u accounts.User) error {
		all, err := s.Identities(ctx, u.ID)
		if err != nil {
			return err
		}
		var gone []string
		for _, i := range all {
			if i.Provider == c.Provider {
				gone = append(gone, i.ID())
			} else {
				offered.Providers = append(offered.Providers, i.Provider)
			}
		}
		if len(gone) == 0 {
			return notLinked(u, c.Provider, offered.Providers)
		}
		for _, id := range gone { // the first one is refused if there's no way in besides this provider
			if err = s.Unlink(ctx, u.ID, id, "", offered); err != nil {
				break
			}
		}
		if errors.Is(err, accounts.ErrLastWayIn) {
			return fmt.Errorf("this is the only way in which %s can sign in: first run %s, and let them choose a password",
				u.Username, group.command(con.env, "user", "link", u.Username))
		}
		return err
	})
}

// show prints the providers at which the person has an account.
func (c *userUnlinkCmd) show(ctx context.Context, con *console, group *userCmd) error {
	store, err := group.open(ctx, con)
	if err != nil {
		return err
	}
	defer store.Close()
	user, err := group.person(ctx, con, store, c.Username)
	if err != nil {
		return err
	}
	all, err := store.Identities(ctx, user.ID)
	if err != nil {
		return err
	}
	for _, i := range all {
		fmt.Fprintln(con.stdout, i.Provider)
	}
	if len(all) == 0 {
		fmt.Fprintln(con.stdout, "-")
	}
	return nil
}

// notLinked says with what somebody can sign in instead.
func notLinked(u accounts.User, provider string, others []string) error {
	if len(others) == 0 {
		return fmt.Errorf("%s has no account at a provider", u.Username)
	}
	slices.Sort(others)
	return fmt.Errorf("%s has no account at %q, but at %s", u.Username, provider,
		strings.Join(slices.Compact(others), ", "))
}
