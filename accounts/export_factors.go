package accounts

import (
	"context"
	"errors"
	"time"
)

// ExportedPasskey is a passkey. Its key is left out.
type ExportedPasskey struct {
	Label      string    `json:"name"`
	Host       string    `json:"host"`       // that it was made for
	Model      string    `json:"model"`      // AAGUID of the authenticator
	Transports string    `json:"transports"` // how browsers reach it
	Syncable   bool      `json:"can_be_synced"`
	Synced     bool      `json:"synced"`
	CreatedAt  time.Time `json:"created_at"`
	UsedAt     time.Time `json:"last_used_at,omitzero"`
}

// ExportedApp is an authenticator app with its recovery codes. Its secret and the codes are left out.
type ExportedApp struct {
	AddedAt   time.Time   `json:"added_at"`
	CodesLeft int         `json:"recovery_codes_left"`
	CodesUsed []time.Time `json:"recovery_codes_used"` // when
	CodesMade time.Time   `json:"recovery_codes_created_at,omitzero"`
}

const sqlCodeUses = `SELECT used_at FROM recovery_codes WHERE user_id = $1 ORDER BY used_at, hash`

// exportFactors adds the passkeys and the authenticator app.
func exportFactors(ctx context.Context, t *transaction, userID string, x *Export) error {
	passkeys, err := readPasskeys(ctx, t, userID)
	if err != nil {
		return err
	}
	for _, p := range passkeys {
		x.Passkeys = append(x.Passkeys, ExportedPasskey{p.Label, p.RPID, p.AAGUID, p.Transports, p.Eligible, p.BackedUp,
			p.CreatedAt, p.UsedAt})
	}
	app, err := readTOTP(ctx, t, userID)
	switch {
	case errors.Is(err, ErrNoTOTP):
		return nil
	case err != nil:
		return err
	}
	x.App = &ExportedApp{AddedAt: app.ConfirmedAt, CodesUsed: []time.Time{}}
	rows, err := t.query(ctx, sqlCodeUses, userID)
	if err != nil {
		return err
	}
	uses, err := collect(rows, func(ms *int64) []any { return []any{ms} })
	for _, ms := range uses {
		if ms == 0 {
			x.App.CodesLeft++
		} else {
			x.App.CodesUsed = append(x.App.CodesUsed, at(ms))
		}
	}
	if err == nil {
		x.App.CodesMade, err = codesMade(ctx, t, userID)
	}
	return err
}
