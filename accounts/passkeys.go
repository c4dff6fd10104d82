package accounts

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// MaxPasskeys is the maximum number of passkeys of one user.
const MaxPasskeys = 20

// Errors of passkeys.
var (
	ErrNoPasskey    = errors.New("no such passkey")
	ErrPasskeyTaken = errors.New("this passkey is registered already")
)

// Passkey is a WebAuthn credential of a user. Binary values are base64url without padding.
type Passkey struct {
	Credential string // its ID
	UserID     string
	RPID       string // host name that it was made for; it works at no other
	PublicKey  string // COSE key
	SignCount  uint32
	Eligible   bool   // it can be synced to other devices
	BackedUp   bool   // it's synced now
	AAGUID     string // model of the authenticator
	Transports string // separated by commas
	Label      string // its name, at most 64 runes
	CreatedAt  time.Time
	UsedAt     time.Time // zero: never
}

// PasskeyUse is a sign-in or a proof with a passkey, and what has to be stored about it.
type PasskeyUse struct {
	Credential         string
	SignCount          uint32
	Eligible, BackedUp bool
}

const (
	passkeyColumns = `credential, user_id, rp_id, public_key, sign_count, eligible, backed_up, aaguid, transports, label,
		created_at, used_at`

	sqlPasskeys     = `SELECT ` + passkeyColumns + ` FROM passkeys WHERE user_id = $1 ORDER BY created_at, credential LIMIT $2`
	sqlPasskeyOwner = `SELECT user_id FROM passkeys WHERE credential = $1`
	sqlPasskeyCount = `SELECT count(*) FROM passkeys WHERE user_id = $1`
	sqlAddPasskey   = `INSERT INTO passkeys (` + passkeyColumns + `)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0) ON CONFLICT (credential) DO NOTHING`
	sqlRenamePasskey = `UPDATE passkeys SET label = $3 WHERE credential = $1 AND user_id = $2`
	sqlUsePasskey    = `UPDATE passkeys SET sign_count = $3, eligible = $4, backed_up = $5, used_at = $6
		WHERE credential = $1 AND user_id = $2`
	sqlDropPasskey  = `DELETE FROM passkeys WHERE credential = $1 AND user_id = $2 RETURNING label`
	sqlDropPasskeys = `DELETE FROM passkeys WHERE user_id = $1`
	sqlPasskeyHosts = `SELECT rp_id, count(*) FROM passkeys GROUP BY rp_id`
	sqlHandle       = `SELECT handle FROM users WHERE id = $1`
	sqlSetHandle    = `UPDATE users SET handle = $2 WHERE id = $1 AND handle = ''`
)

func readPasskeys(ctx context.Context, from reader, userID string) ([]Passkey, error) {
	type passkeyRow struct {
		Passkey
		created, used int64
	}
	rows, err := from.query(ctx, sqlPasskeys, userID, MaxPasskeys)
	if err != nil {
		return nil, err
	}
	found, err := collect(rows, func(r *passkeyRow) []any {
		return []any{&r.Credential, &r.UserID, &r.RPID, &r.PublicKey, &r.SignCount, &r.Eligible, &r.BackedUp, &r.AAGUID,
			&r.Transports, &r.Label, &r.created, &r.used}
	})
	all := make([]Passkey, len(found))
	for i, r := range found {
		all[i] = r.Passkey
		all[i].CreatedAt, all[i].UsedAt = at(r.created), at(r.used)
	}
	return all, err
}

// PasskeyOwner returns the ID of the user who has a passkey, by the ID of its credential. Error: ErrNoPasskey.
func (s *Store) PasskeyOwner(ctx context.Context, credential string) (userID string, err error) {
	err = s.r.queryRow(ctx, sqlPasskeyOwner, []any{credential}, &userID)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ErrNoPasskey
	}
	return userID, wrap("find passkey", err)
}

// PasskeyHosts returns how many passkeys were made for which host. It reads all passkeys.
func (s *Store) PasskeyHosts(ctx context.Context) (map[string]int, error) {
	type host struct {
		name     string
		passkeys int
	}
	rows, err := s.r.query(ctx, sqlPasskeyHosts)
	if err != nil {
		return nil, wrap("count passkeys", err)
	}
	found, err := collect(rows, func(h *host) []any { return []any{&h.name, &h.passkeys} })
	all := map[string]int{}
	for _, h := range found {
		all[h.name] = h.passkeys
	}
	return all, wrap("count passkeys", err)
}

// AddPasskey stores a new passkey and spends its challenge. Errors: *FieldError about label, or passkeys if there are
// too many; ErrSpent, ErrPasskeyTaken, ErrNotFound.
func (s *Store) AddPasskey(ctx context.Context, p Passkey, challenge Once) error {
	label, err := cleanPasskeyLabel(p.Label)
	if err != nil {
		return err
	}
	return wrap("add passkey", s.write(ctx, func(ctx context.Context, t *transaction) error {
		if err := spendOnce(ctx, t, challenge); err != nil {
			return err
		}
		var have int
		if err := t.queryRow(ctx, sqlPasskeyCount, []any{p.UserID}, &have); err != nil {
			return err
		}
		if have >= MaxPasskeys {
			return &FieldError{Field: "passkeys", Code: TooMany, Limit: MaxPasskeys}
		}
		n, err := t.exec(ctx, sqlAddPasskey, p.Credential, p.UserID, p.RPID, p.PublicKey, int64(p.SignCount), p.Eligible,
			p.BackedUp, p.AAGUID, p.Transports, label, t.now)
		switch {
		case isOrphan(err):
			return ErrNotFound
		case err == nil && n == 0:
			return ErrPasskeyTaken
		case err != nil:
			return err
		}
		return queueNotice(ctx, t, MailFactorAdded, p.UserID, MailDetails{Factor: PasskeyFactor, Label: label})
	}))
}

func cleanPasskeyLabel(label string) (string, error) {
	label, err := cleanLine("label", label, maxLabel)
	if err == nil && label == "" {
		err = wrongField("label", Missing)
	}
	return label, err
}

// RenamePasskey changes the name of a user's passkey. Errors: *FieldError, ErrNoPasskey.
func (s *Store) RenamePasskey(ctx context.Context, userID, credential, label string) error {
	label, err := cleanPasskeyLabel(label)
	if err != nil {
		return err
	}
	return wrap("rename passkey", s.write(ctx, func(ctx context.Context, t *transaction) error {
		n, err := t.exec(ctx, sqlRenamePasskey, credential, userID, label)
		if err == nil && n == 0 {
			err = ErrNoPasskey
		}
		return err
	}))
}

// RemovePasskey deletes a user's passkey. Errors: ErrNoPasskey, and ErrLastWayIn if the user couldn't sign in any more.
func (s *Store) RemovePasskey(ctx context.Context, userID, credential string, offered Ways) error {
	return wrap("remove passkey", s.write(ctx, func(ctx context.Context, t *transaction) error {
		var label string
		err := t.queryRow(ctx, sqlDropPasskey, []any{credential, userID}, &label)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return ErrNoPasskey
		case err != nil:
			return err
		}
		if err := wantWayIn(ctx, t, userID, offered); err != nil {
			return err
		}
		return queueNotice(ctx, t, MailFactorRemoved, userID, MailDetails{Factor: PasskeyFactor, Label: label})
	}))
}

// usePasskey stores what the authenticator told during a use.
func usePasskey(ctx context.Context, t *transaction, userID string, u PasskeyUse) error {
	n, err := t.exec(ctx, sqlUsePasskey, u.Credential, userID, int64(u.SignCount), u.Eligible, u.BackedUp, t.now)
	if err == nil && n == 0 {
		err = ErrNoPasskey // removed while it was being used
	}
	return err
}

// WantHandle returns the user's WebAuthn handle, which never changes. If there is none yet, it stores fresh.
// Error: ErrNotFound.
func (s *Store) WantHandle(ctx context.Context, userID, fresh string) (handle string, err error) {
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		if _, err := t.exec(ctx, sqlSetHandle, userID, fresh); err != nil {
			return err
		}
		handle, err = readHandle(ctx, t, userID)
		return err
	})
	return handle, wrap("make handle", err)
}

func readHandle(ctx context.Context, from reader, userID string) (handle string, err error) {
	err = from.queryRow(ctx, sqlHandle, []any{userID}, &handle)
	if errors.Is(err, sql.ErrNoRows) {
		return "", ErrNotFound
	}
	return handle, err
}
