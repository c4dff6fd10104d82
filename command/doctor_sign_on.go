package command

import (
	"context"
	"fmt"
	"time"

	"rollcall/handlers"
	"rollcall/identity"
)

const providerTimeout = 15 * time.Second // for a provider to answer the doctor

// checkSignOn asks each provider for its settings, prints what to register there, and prints who may sign in by a
// header.
func (c *doctorCmd) checkSignOn(ctx context.Context, f *findings) {
	for _, config := range c.Providers {
		c.checkProvider(ctx, f, config)
	}
	if c.Header == nil {
		return
	}
	f.line("proxy", "%s from %s signs people in", c.AuthHeader, prefixList(c.AuthProxies))
	for _, p := range c.AuthProxies {
		if p.Addr().IsLoopback() && c.AuthAccessTeam == "" {
			f.warn("every user of this machine can sign in as anyone with %s, because --auth-proxies has %s", c.AuthHeader, p)
		}
	}
}

func (c *doctorCmd) checkProvider(ctx context.Context, f *findings, config identity.ProviderConfig) {
	at := handlers.URLsAtProvider(c.Public, config.Key)
	ctx, cancel := context.WithTimeout(ctx, providerTimeout)
	defer cancel()
	p, err := identity.NewProvider(config)
	if err != nil {
		f.problem(err)
		return
	}
	defer p.Close()
	report, err := p.Check(ctx)
	if err != nil {
		f.line("provider", "%s: %s can't be used", config.Key, config.Issuer)
		f.problem(err)
	} else {
		f.line("provider", "%s: %s answers, with %s", config.Key, config.Issuer, count(report.Keys, "key"))
	}
	f.line("", "register the redirect URI %s", at.Redirect)
	f.line("", "new people: %s", signUpWords(config))
	if report.BackChannelLogout {
		f.line("", "register the back-channel logout URI %s", at.BackChannel)
	}
	if report.EndSession {
		f.line("", "register the post-logout redirect URI %s", at.SignedOut)
	}
	if config.SignUp == identity.SignUpCreate && len(config.Domains) == 0 {
		f.warn("everyone whom %s lets in gets an account: to choose, set %s", config.Key, providerVariable(config.Key, "DOMAINS"))
	}
}

func signUpWords(config identity.ProviderConfig) string {
	switch config.SignUp {
	case identity.SignUpCreate:
		return "get an account"
	case identity.SignUpApprove:
		return "wait for approval"
	}
	return "get no account"
}

func prefixList(all []prefix) (text string) {
	for i, p := range all {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprint(p)
	}
	return text
}
