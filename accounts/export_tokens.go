package accounts

import (
	"context"
	"time"
)

// ExportedToken is an access token. Its text isn't stored.
type ExportedToken struct {
	Name      string    `json:"name"`
	Scopes    []Scope   `json:"scopes"`
	ByToken   bool      `json:"made_by_token,omitempty"` // another token of the person made it
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`   // missing: never
	UsedAt    time.Time `json:"last_used_at,omitzero"` // to about 10 minutes; missing: never
}

// exportTokens adds the access tokens.
func exportTokens(ctx context.Context, t *transaction, userID string, x *Export) error {
	all, err := readTokens(ctx, t, sqlTokensOf, userID, 0, MaxTokens)
	for _, k := range all {
		x.Tokens = append(x.Tokens, ExportedToken{k.Name, k.Scopes, k.Parent != "", k.CreatedAt, k.ExpiresAt, k.UsedAt})
	}
	return err
}
