package accounts

import (
	"context"
	"time"
)

// ExportedClaim is what a program said about the person.
type ExportedClaim struct {
	Key    string    `json:"name"`
	State  string    `json:"state"` // away, dnd, or "" for none
	Text   string    `json:"text"`
	Emoji  string    `json:"emoji"`
	Until  time.Time `json:"until,omitzero"` // what others are told about its end; missing if they aren't told
	EndsAt time.Time `json:"ends_at"`        // unless the program renews it; it's deleted within an hour after that
	SetAt  time.Time `json:"set_at"`
	Token  string    `json:"token,omitempty"` // ID of the token that set it
}

// exportClaims adds the claims about the person, also those that have ended and weren't deleted yet.
func exportClaims(ctx context.Context, t *transaction, userID string, x *Export) error {
	claims, err := readClaims(ctx, t, userID)
	for _, c := range claims {
		x.Claims = append(x.Claims, ExportedClaim{c.Key, c.State, c.Text, c.Emoji, c.Until, c.Ends, c.SetAt, c.Token})
	}
	return err
}
