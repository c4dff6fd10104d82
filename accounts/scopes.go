package accounts

import (
	"slices"
	"strings"
)

// Scope is something that a token lets a program do.
type Scope string

// The scopes.
const (
	ReadMe     Scope = "me:read"      // the person's account, presence, tokens, sign-ins, and shares
	WriteMe    Scope = "me:write"     // their status and privacy; ending their sign-ins, tokens, and shares
	WriteClaim Scope = "claims:write" // claims and devices that make the person present
	ReadRoster Scope = "roster:read"  // the people whom the person sees on the board
	WriteHooks Scope = "hooks:write"  // their webhooks
	Administer Scope = "admin"        // what administrators do; worth nothing while the person isn't one
)

// Scopes lists all scopes in the order in which they're shown and stored.
var Scopes = []Scope{ReadMe, WriteMe, WriteClaim, ReadRoster, WriteHooks, Administer}

// cleanScopes returns scopes in their order, each once. Errors: *FieldError about scopes.
func cleanScopes(given []Scope) ([]Scope, error) {
	var clean []Scope
	for _, s := range Scopes {
		if slices.Contains(given, s) {
			clean = append(clean, s)
		}
	}
	for _, s := range given {
		if !slices.Contains(Scopes, s) {
			return nil, &FieldError{Field: "scopes", Code: NotAnOption, Detail: clip(string(s), maxLabel)}
		}
	}
	if len(clean) == 0 {
		return nil, wrongField("scopes", Missing)
	}
	return clean, nil
}

// joinScopes and splitScopes convert scopes to their stored form and back.
func joinScopes(scopes []Scope) string {
	all := make([]string, len(scopes))
	for i, s := range scopes {
		all[i] = string(s)
	}
	return strings.Join(all, " ")
}

func splitScopes(text string) []Scope {
	words := strings.Fields(text)
	all := make([]Scope, len(words))
	for i, word := range words {
		all[i] = Scope(word)
	}
	return all
}
