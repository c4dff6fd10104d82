package command

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"rollcall/accounts"
	"rollcall/identity"
)

// passkeyHost returns the host to which passkeys are bound, or "" if browsers don't allow any at the public URL.
func passkeyHost(public *url.URL) string {
	p, err := identity.NewPasskeys(public, "")
	if err != nil {
		return ""
	}
	return p.RPID()
}

// warnOfPasskeys logs a warning if there are passkeys that don't work, because they were made for another host.
func warnOfPasskeys(ctx context.Context, a *app) error {
	all, err := a.store.PasskeyHosts(ctx)
	if err != nil {
		return err
	}
	delete(all, passkeyHost(a.settings.Public))
	for _, host := range slices.Sorted(maps.Keys(all)) {
		a.log.Warn("passkeys were made for another host than that of the public URL, so they don't work; "+
			"see docs/sign-in.md", "host", host, "passkeys", all[host])
	}
	return nil
}

// checkPasskeys prints for which host passkeys work, and warns of those that were made for another one.
func (c *doctorCmd) checkPasskeys(ctx context.Context, f *findings, exists bool) {
	here, all := passkeyHost(c.Public), map[string]int{}
	if here == "" {
		f.line("passkeys", "not offered: they need a public URL with https and a host name")
	} else {
		f.line("passkeys", "work at %s", here)
	}
	if !exists {
		return
	}
	err := c.asOwner(func(path string) (err error) {
		at := c.storage
		at.DB = path
		all, err = accounts.PeekPasskeyHosts(ctx, at.accounts(nil))
		return err
	})
	if err != nil {
		f.problem(err)
	}
	delete(all, here)
	for _, host := range slices.Sorted(maps.Keys(all)) {
		f.warn("%s", lostPasskeys(host, all[host]))
	}
}

// lostPasskeys says what another host means.
func lostPasskeys(host string, n int) string {
	text := "1 passkey was made for %s, so it doesn't"
	if n != 1 {
		text = fmt.Sprint(n) + " passkeys were made for %s, so they don't"
	}
	return fmt.Sprintf(text+" work: set --public-url to that host again, or make sure that everyone has a password", host)
}
