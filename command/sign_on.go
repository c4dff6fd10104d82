package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"rollcall/accounts"
	"rollcall/handlers"
	"rollcall/identity"
)

// signOn holds the settings for signing in at providers and by a proxy.
type signOn struct {
	OIDC               []string `variable:"ROLLCALL_OIDC" placeholder:"KEY" help:"Comma-separated keys of OpenID Connect providers, in the order of the sign-in page. The settings of each are variables, such as ROLLCALL_OIDC_CORP_ISSUER for the key corp. Needs --public-url."`
	AuthHeader         string   `variable:"ROLLCALL_AUTH_HEADER" placeholder:"NAME" help:"Header in which a proxy names the person whom it has signed in, such as Remote-User, Tailscale-User-Login, or Cf-Access-Jwt-Assertion. Needs --auth-proxies."`
	AuthProxies        []prefix `variable:"ROLLCALL_AUTH_PROXIES" placeholder:"CIDR" help:"Comma-separated addresses or ranges of proxies that can sign in anyone with --auth-header. --trusted-proxies is another list."`
	AuthHeaderSignup   bool     `variable:"ROLLCALL_AUTH_HEADER_SIGNUP" default:"false" help:"Create accounts for people whom --auth-header names and who have none."`
	AuthSignoutURL     string   `variable:"ROLLCALL_AUTH_SIGNOUT_URL" placeholder:"URL" help:"Page on which people sign out of the proxy. The sign-in page links to it after they sign out of the board."`
	AuthAccessTeam     string   `variable:"ROLLCALL_AUTH_ACCESS_TEAM" placeholder:"URL" help:"With Cf-Access-Jwt-Assertion: https://NAME.cloudflareaccess.com."`
	AuthAccessAudience string   `variable:"ROLLCALL_AUTH_ACCESS_AUDIENCE" placeholder:"TAG" help:"With Cf-Access-Jwt-Assertion: the AUD tag of the application."`

	Providers []identity.ProviderConfig `kong:"-"` // of OIDC
	Header    *identity.Header          `kong:"-"` // of AuthHeader; nil: not set
}

// check reads the settings of the providers, and returns an error if a setting is invalid.
func (s *signOn) check(env environment, public *url.URL) error {
	if err := s.checkProviders(env, public); err != nil {
		return err
	}
	return s.checkHeader()
}

func (s *signOn) checkProviders(env environment, public *url.URL) error {
	s.Providers = nil
	if len(s.OIDC) == 0 {
		return nil
	}
	if public == nil {
		return errors.New("--oidc needs --public-url: providers send people back to it")
	}
	for i, key := range s.OIDC {
		s.OIDC[i] = strings.TrimSpace(key)
		key = s.OIDC[i]
		if slices.Contains(s.OIDC[:i], key) {
			return fmt.Errorf("--oidc: the key %s is there twice", key)
		}
		config, err := env.provider(key)
		if err != nil {
			return err
		}
		at := handlers.URLsAtProvider(public, key)
		config.RedirectURL, config.SignedOutURL = at.Redirect, at.SignedOut
		s.Providers = append(s.Providers, config)
	}
	return nil
}

// provider reads the settings of a provider. The error says which variables to change.
func (env environment) provider(key string) (identity.ProviderConfig, error) {
	var o identity.ProviderOptions
	for option, field := range providerFields(&o) {
		*field = env[providerVariable(key, option)]
	}
	secret, err := env.secret(providerVariable(key, "CLIENT_SECRET"))
	if err != nil {
		return identity.ProviderConfig{}, err
	}
	o.ClientSecret = string(secret)
	config, err := identity.ParseProvider(key, o)
	problems := optionErrors(err)
	for _, rule := range config.Teams {
		var wrong *accounts.FieldError
		if errors.As(accounts.CheckTeam(rule.Team), &wrong) {
			problems = append(problems, fmt.Errorf("%s: team %q: %s", providerVariable(key, "TEAMS"), rule.Team,
				handlers.FieldMessage(wrong)))
		}
	}
	return config, errors.Join(problems...)
}

// optionErrors returns the errors of identity.ParseProvider, with the names of variables.
func optionErrors(err error) (problems []error) {
	all, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return nil
	}
	for _, one := range all.Unwrap() {
		var wrong *identity.OptionError
		switch {
		case !errors.As(one, &wrong):
			problems = append(problems, one)
		case wrong.Option == "KEY":
			problems = append(problems, fmt.Errorf("--oidc: the key %q: %s", wrong.Provider, wrong.Problem))
		default:
			problems = append(problems, fmt.Errorf("%s: %s", providerVariable(wrong.Provider, wrong.Option), wrong.Problem))
		}
	}
	return problems
}

// providerVariable returns the name of the variable for an option of a provider.
func providerVariable(key, option string) string {
	return "ROLLCALL_OIDC_" + strings.ToUpper(key) + "_" + option
}

// providerFields returns the fields of o but for the client secret, by option.
func providerFields(o *identity.ProviderOptions) map[string]*string {
	return map[string]*string{
		"NAME": &o.Name, "ISSUER": &o.Issuer, "CLIENT_ID": &o.ClientID, "SCOPES": &o.Scopes, "DOMAINS": &o.Domains,
		"TEAMS": &o.Teams, "ADMINS": &o.Admins, "ABSENT": &o.Absent, "SIGNUP": &o.SignUp,
	}
}

// providerOptions lists the options of a provider in the order in which people read them.
func providerOptions() []string {
	return []string{"ISSUER", "CLIENT_ID", "CLIENT_SECRET", "CLIENT_SECRET_FILE", "NAME", "SCOPES", "SIGNUP", "DOMAINS",
		"TEAMS", "ADMINS", "ABSENT"}
}

// variables returns the names of all variables about the configured providers.
func (s *signOn) variables() (names []string) {
	for _, key := range s.OIDC {
		for _, option := range providerOptions() {
			names = append(names, providerVariable(key, option))
		}
	}
	return names
}

func (s *signOn) checkHeader() (err error) {
	if s.AuthHeader == "" {
		for flag, set := range map[string]bool{
			"--auth-proxies": len(s.AuthProxies) > 0, "--auth-header-signup": s.AuthHeaderSignup,
			"--auth-signout-url": s.AuthSignoutURL != "", "--auth-access-team": s.AuthAccessTeam != "",
			"--auth-access-audience": s.AuthAccessAudience != "",
		} {
			if set {
				return fmt.Errorf("%s needs --auth-header", flag)
			}
		}
		return nil
	}
	if u, err := url.Parse(s.AuthSignoutURL); s.AuthSignoutURL != "" &&
		(err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil) {
		return fmt.Errorf("--auth-signout-url %q: write a whole address, like https://auth.example.org/logout", s.AuthSignoutURL)
	}
	if len(s.AuthProxies) == 0 {
		return errors.New("--auth-header needs --auth-proxies: the addresses of the proxies that set the header")
	}
	var proxies []netip.Prefix
	for _, p := range s.AuthProxies {
		proxies = append(proxies, p.Prefix)
	}
	s.Header, err = identity.NewHeader(identity.HeaderConfig{
		Name: s.AuthHeader, Proxies: proxies, SignUp: s.AuthHeaderSignup, Team: s.AuthAccessTeam, Audience: s.AuthAccessAudience,
	})
	if err != nil {
		return fmt.Errorf("--auth-header: %w", err)
	}
	return nil
}

// openProviders returns the providers. The caller closes them.
func (s *signOn) openProviders() (all []*identity.Provider, err error) {
	for _, config := range s.Providers {
		p, err := identity.NewProvider(config)
		if err != nil {
			return all, err
		}
		all = append(all, p)
	}
	return all, nil
}

// warnOfProviders logs a warning if people who have no password sign in at a provider that isn't configured any more.
func warnOfProviders(ctx context.Context, a *app) error {
	people, err := a.store.OnlyElsewhere(ctx)
	if err != nil {
		return err
	}
	for _, p := range a.logins {
		delete(people, p.Config().Key)
	}
	if a.settings.Header != nil {
		delete(people, a.settings.Header.Issuer())
	}
	for _, key := range slices.Sorted(maps.Keys(people)) {
		a.log.Warn("people who have no password sign in at a provider that isn't configured; to let them in, configure it, "+
			"or print links for a password with rollcall user link", "provider", key, "people", people[key])
	}
	return nil
}
