package identity

import (
	"cmp"
	"errors"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// SignUp says what happens to people of a provider who have no account yet.
type SignUp string

const (
	SignUpCreate  SignUp = "create"  // they get an account
	SignUpApprove SignUp = "approve" // they get one after an administrator approves it
	SignUpNo      SignUp = "no"      // they get none
)

// ProviderOptions is the configuration of a provider as operators write it. Lists are divided by commas.
type ProviderOptions struct {
	Name         string // shown to visitors; the key by default
	Issuer       string
	ClientID     string
	ClientSecret string
	Scopes       string // divided by spaces or commas; "openid profile email" by default
	Domains      string // email domains whose people can have an account; all by default
	Teams        string // CLAIM VALUE=TEAM; the first one that matches wins
	Admins       string // values of the groups claim
	Absent       string // none: a missing groups claim means no groups; keep, the default: it changes nothing
	SignUp       string // create, approve or no; by default create if Domains, Teams or Admins is set, or else no
}

// ProviderConfig is the configuration of a provider. ParseProvider fills in all fields but the last two.
type ProviderConfig struct {
	Key          string // 1 to 16 of a-z and 0-9
	Name         string
	Issuer       string
	ClientID     string
	ClientSecret string
	Scopes       []string // with openid
	Domains      []string // in lower case; empty for all
	Teams        []TeamRule
	Admins       []string // values of the groups claim
	AbsentNone   bool     // a missing groups claim means no groups
	SignUp       SignUp

	RedirectURL  string // of the callback, as registered at the provider
	SignedOutURL string // where the provider sends people after it has signed them out; "" for nowhere
}

// String keeps the client secret out of logs and messages.
func (c ProviderConfig) String() string { return "provider " + c.Key }

// GoString does the same for %#v.
func (c ProviderConfig) GoString() string { return c.String() }

// TeamRule puts people with a value in their groups claim in a team.
type TeamRule struct{ Value, Team string }

// OptionError says what an operator should write instead.
type OptionError struct {
	Provider string // its key
	Option   string // the end of the name of its variable, such as CLIENT_ID; KEY for the key
	Problem  string // a sentence without a capital letter or a period
}

func (e *OptionError) Error() string {
	return "provider " + e.Provider + ": " + e.Option + ": " + e.Problem
}

var (
	providerKey = regexp.MustCompile(`^[a-z0-9]{1,16}$`)
	domainName  = regexp.MustCompile(`^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]*[a-z0-9]$`)
	scopeToken  = regexp.MustCompile(`^[!#-\[\]-~]+$`) // RFC 6749 section 3.3
	visible     = regexp.MustCompile(`^[ -~]+$`)       // RFC 6749 appendix A
)

const maxProviderName = 64 // runes

// ParseProvider checks the configuration of a provider and fills in the defaults. Its error joins an *OptionError for
// each problem.
func ParseProvider(key string, o ProviderOptions) (ProviderConfig, error) {
	p := optionParser{key: key}
	if !providerKey.MatchString(key) {
		p.problem("KEY", "use 1 to 16 of the characters a-z and 0-9")
	}
	c := ProviderConfig{
		Key:          key,
		Name:         p.name(o.Name),
		Issuer:       p.issuer(o.Issuer),
		ClientID:     p.clientID(o.ClientID),
		ClientSecret: p.clientSecret(o.ClientSecret),
		Scopes:       p.scopes(o.Scopes),
		Domains:      p.domains(o.Domains, o.Issuer),
		Teams:        p.teams(o.Teams),
		Admins:       list(o.Admins),
		AbsentNone:   p.absent(o.Absent),
	}
	c.SignUp = p.signUp(o.SignUp, len(c.Domains)+len(c.Teams)+len(c.Admins) > 0)
	return c, errors.Join(p.problems...)
}

type optionParser struct {
	key      string
	problems []error
}

func (p *optionParser) problem(option, text string) {
	p.problems = append(p.problems, &OptionError{p.key, option, text})
}

func (p *optionParser) name(text string) string {
	name := cmp.Or(strings.TrimSpace(text), p.key)
	if utf8.RuneCountInString(name) > maxProviderName || strings.ContainsFunc(name, unprintable) {
		p.problem("NAME", "use at most 64 printable characters")
	}
	return name
}

// issuer returns text unchanged: an issuer is compared character by character, including a slash at the end.
func (p *optionParser) issuer(text string) string {
	if text == "" {
		p.problem("ISSUER", "it's missing: write the provider's issuer URL, such as https://login.example.com")
		return ""
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		p.problem("ISSUER", "write a URL, such as https://login.example.com")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		p.problem("ISSUER", "write the URL without a username, a query, and a fragment")
	case !isSecure(u):
		p.problem("ISSUER", "use https; http is only allowed for this machine (localhost, 127.0.0.1)")
	case strings.Contains(u.Path, "/.well-known/"):
		p.problem("ISSUER", `leave out "/.well-known/" and what follows it`)
	case isEveryTenant(u):
		p.problem("ISSUER", "use the issuer of your tenant, https://"+u.Host+"/TENANT-ID/v2.0: common, "+
			"organizations, and consumers stand for many tenants, and no token has such an issuer")
	}
	return text
}

// isSecure reports whether a URL uses https, or http to this machine.
func isSecure(u *url.URL) bool {
	return u.Scheme == "https" || u.Scheme == "http" && isLoopback(u)
}

func isLoopback(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// isEveryTenant reports whether u is an issuer of Microsoft Entra that stands for many tenants. Entra has several
// hosts.
func isEveryTenant(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	tenant, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	return (strings.HasPrefix(host, "login.") && strings.Contains(host, "microsoftonline.") ||
		host == "login.windows.net" || host == "login.chinacloudapi.cn") &&
		slices.Contains([]string{"common", "organizations", "consumers"}, strings.ToLower(tenant))
}

func (p *optionParser) clientID(text string) string {
	switch {
	case text == "":
		p.problem("CLIENT_ID", "it's missing: register Rollcall at the provider and write the client ID that it shows")
	case !visible.MatchString(text) || strings.TrimSpace(text) != text:
		p.problem("CLIENT_ID", "use printable ASCII characters, and no spaces around them")
	}
	return text
}

func (p *optionParser) clientSecret(text string) string {
	switch {
	case text == "":
		p.problem("CLIENT_SECRET", "it's missing: register Rollcall as a confidential client (a web application) "+
			"and write the client secret")
	case !visible.MatchString(text) || strings.TrimSpace(text) != text:
		p.problem("CLIENT_SECRET", "use printable ASCII characters, and no spaces around them")
	}
	return text
}

func (p *optionParser) scopes(text string) []string {
	scopes := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' })
	if len(scopes) == 0 {
		return []string{"openid", "profile", "email"}
	}
	for _, scope := range scopes {
		if !scopeToken.MatchString(scope) {
			p.problem("SCOPES", "divide scopes by spaces, such as openid profile email groups")
		}
	}
	if !slices.Contains(scopes, "openid") {
		scopes = append([]string{"openid"}, scopes...)
	}
	return scopes
}

func (p *optionParser) domains(text, issuer string) []string {
	domains := list(strings.ToLower(text))
	for _, domain := range domains {
		switch {
		case !domainName.MatchString(domain):
			p.problem("DOMAINS", "write whole domains, such as example.com,example.org, with each subdomain by itself")
		case issuer == googleIssuer && (domain == "gmail.com" || domain == "googlemail.com"):
			p.problem("DOMAINS", "write domains of Google Workspace; "+domain+" isn't one")
		}
	}
	return domains
}

func (p *optionParser) teams(text string) []TeamRule {
	var rules []TeamRule
	for _, item := range list(text) {
		i := strings.LastIndexByte(item, '=') // values may contain it
		rule := TeamRule{strings.TrimSpace(item[:max(i, 0)]), strings.TrimSpace(item[i+1:])}
		if rule.Value == "" || rule.Team == "" {
			p.problem("TEAMS", "write value=Team,value=Team, such as /eng=Engineering,/sales=Sales")
			continue
		}
		rules = append(rules, rule)
	}
	return rules
}

func (p *optionParser) absent(text string) bool {
	if text != "" && text != "keep" && text != "none" {
		p.problem("ABSENT", "write none if the provider leaves out the groups claim of people without groups, or keep")
	}
	return text == "none"
}

func (p *optionParser) signUp(text string, restricted bool) SignUp {
	switch policy := SignUp(text); {
	case policy == SignUpCreate || policy == SignUpApprove || policy == SignUpNo:
		return policy
	case text != "":
		p.problem("SIGNUP", "write create, approve, or no")
	case restricted:
		return SignUpCreate
	}
	return SignUpNo
}

// list returns the items of a list divided by commas, each once.
func list(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" && !slices.Contains(items, item) {
			items = append(items, item)
		}
	}
	return items
}
