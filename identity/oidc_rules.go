package identity

import (
	"slices"
	"strings"
)

// googleIssuer is the issuer of all Google accounts. Their email addresses don't say whether they belong to a Google
// Workspace; the claim hd does: https://developers.google.com/identity/openid-connect/openid-connect#hd-param
const googleIssuer = "https://accounts.google.com"

// Admits returns nil if the provider's domains allow the person to have an account. Otherwise, it returns a
// *ProviderError with ErrUnverified or ErrDomain. Domains are compared exactly, without their subdomains.
func (c *ProviderConfig) Admits(person Person) error {
	if len(c.Domains) == 0 {
		return nil
	}
	if c.Issuer == googleIssuer {
		if !slices.Contains(c.Domains, lowerASCII(person.HostedDomain)) {
			return &ProviderError{Provider: c.Key, Code: ErrDomain}
		}
		return nil
	}
	if person.EmailVerified != Yes {
		return &ProviderError{Provider: c.Key, Code: ErrUnverified}
	}
	domain := person.Email[strings.LastIndexByte(person.Email, '@')+1:]
	if !slices.Contains(c.Domains, lowerASCII(domain)) {
		return &ProviderError{Provider: c.Key, Code: ErrDomain}
	}
	return nil
}

// Grants is what a provider's rules make of a person's groups. If nothing is known of the groups, or there are no
// rules, it changes nothing.
type Grants struct {
	SetTeam  bool   // apply Team
	Team     string // "" takes back a team that this provider gave
	SetAdmin bool   // apply Admin
	Admin    bool   // false takes back administration that this provider gave
}

// Grants applies the rules. Values are compared exactly. The first rule that matches gives the team.
func (c *ProviderConfig) Grants(groups Groups) Grants {
	if groups.State != GroupsListed && (groups.State != GroupsAbsent || !c.AbsentNone) {
		return Grants{}
	}
	grants := Grants{SetTeam: len(c.Teams) > 0, SetAdmin: len(c.Admins) > 0}
	for _, rule := range c.Teams {
		if slices.Contains(groups.Values, rule.Value) {
			grants.Team = rule.Team
			break
		}
	}
	grants.Admin = slices.ContainsFunc(c.Admins, func(value string) bool { return slices.Contains(groups.Values, value) })
	return grants
}

// lowerASCII leaves letters outside ASCII alone, unlike strings.ToLower, which makes a k of the Kelvin sign.
func lowerASCII(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}, text)
}
