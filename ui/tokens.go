package ui

import (
	"slices"
	"time"
)

// TokensPage is the part of the settings about access tokens.
type TokensPage struct {
	Layout
	Saved   string // what has just been done, or ""
	Made    string // the text of a token that has just been made; nothing else shows it again
	All     []Token
	Max     int // how many tokens there can be
	Admins  bool
	API     string // URL of the API
	Message string // why a change was refused
	Errors  map[string]string

	Name, Expires string // as typed or chosen
	Chosen        []string
}

// Token is one access token of the person.
type Token struct {
	ID, Name            string
	Scopes              []string
	Child               bool // another token made it
	Made, Expires, Used time.Time
}

// MadeAt returns when the token was made.
func (t Token) MadeAt() moment { return momentOf(t.Made, stampLayout) }

// Until returns when the token ends.
func (t Token) Until() moment { return momentOf(t.Expires, stampLayout) }

// Last returns when the token was last used.
func (t Token) Last() moment { return momentOf(t.Used, stampLayout) }

// TokenScope is a choice of what a new token can do.
type TokenScope struct {
	Value, Label string
	Chosen       bool
}

// scopeLabels says what each scope allows, in the order of the form.
var scopeLabels = []TokenScope{
	{Value: "me:read", Label: "See my presence, my account, and my tokens, sign-ins, and share links"},
	{Value: "me:write", Label: "Set my status and privacy, and end my tokens, sign-ins, and share links"},
	{Value: "claims:write", Label: "Set a state for a while, and keep me present (scripts, calendars, devices)"},
	{Value: "roster:read", Label: "See the people whom I see on the board"},
	{Value: "hooks:write", Label: "See and change my webhooks, which send what I see elsewhere"},
	{Value: "admin", Label: "Do what administrators do"},
}

// ScopeChoices returns the scopes to choose from.
func (p TokensPage) ScopeChoices() []TokenScope {
	var all []TokenScope
	for _, s := range scopeLabels {
		if s.Value == "admin" && !p.Admins {
			continue
		}
		s.Chosen = slices.Contains(p.Chosen, s.Value)
		all = append(all, s)
	}
	return all
}

// TokenLife is a choice of how long a new token works.
type TokenLife struct {
	Value, Label string
	Chosen       bool
}

// Lives returns how long a new token can work.
func (p TokensPage) Lives() []TokenLife {
	all := []TokenLife{{Value: "7", Label: "7 days"}, {Value: "30", Label: "30 days"}, {Value: "90", Label: "90 days"},
		{Value: "365", Label: "1 year"}, {Value: "never", Label: "No end"}}
	for i := range all {
		all[i].Chosen = all[i].Value == p.Expires
	}
	return all
}

// Full reports whether there can't be another token.
func (p TokensPage) Full() bool { return len(p.All) >= p.Max }

// Said returns the confirmation that is shown.
func (p TokensPage) Said() string {
	return map[string]string{"revoked": "Revoked. Programs that used the token can't any more."}[p.Saved]
}

func (TokensPage) template() string { return "tokens" }
