package accounts

import (
	"context"
	"time"
)

// ExportedShare is a link that the person made. Its token is left out.
type ExportedShare struct {
	Kind      ShareKind `json:"kind"` // wall, person or embed
	Label     string    `json:"name"`
	Team      string    `json:"team"` // "": everyone whom the person sees
	Counts    bool      `json:"only_counts"`
	Texts     bool      `json:"texts"`
	Origins   []string  `json:"origins"` // of pages that may embed it
	CreatedAt time.Time `json:"created_on"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`   // missing: never
	UsedAt    time.Time `json:"last_used_on,omitzero"` // missing: never
}

// exportShares adds the links that the person made.
func exportShares(ctx context.Context, t *transaction, userID string, x *Export) error {
	all, err := readShares(ctx, t, userID, 0)
	for _, s := range all {
		x.Shares = append(x.Shares, ExportedShare{s.Kind, s.Label, s.Team, s.Counts, s.Texts, append([]string{}, s.Origins...),
			s.CreatedAt, s.ExpiresAt, s.UsedAt})
	}
	return err
}
