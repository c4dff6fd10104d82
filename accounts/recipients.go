package accounts

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Links that are sent by email.
const (
	MailedResetAge = time.Hour // of a link for somebody who forgot the password

	mailedLabel = "mail" // of links for people who forgot the password; those of administrators have none
	signUpLink  = "signup"
)

// MailsPerHour is how many emails of one kind that others can cause one person gets in an hour.
const MailsPerHour = 3

// Recipient is a user who may get an email.
type Recipient struct {
	User
	Email   string // "": none
	Resets  bool   // a link for a new password is of use: they have one, or nothing else to sign in with
	Waiting bool   // for approval
}

const (
	recipientColumns = `SELECT ` + userColumns + `, u.email, u.waiting_since > 0, u.password_hash <> '' OR
		NOT EXISTS (SELECT 1 FROM identities i WHERE i.user_id = u.id) AND
		NOT EXISTS (SELECT 1 FROM passkeys p WHERE p.user_id = u.id) FROM users u `

	sqlRecipientByID    = recipientColumns + `WHERE u.id = $1`
	sqlRecipientByName  = recipientColumns + `WHERE u.username_key = $1`
	sqlRecipientByEmail = recipientColumns + `WHERE u.email_key = $1 AND u.email_key <> ''`
	sqlMailedAdmins     = `SELECT id FROM users WHERE admin AND name_key > '' AND NOT disabled AND email <> ''
		ORDER BY name_key LIMIT $1`
	sqlDropMailedResets = `DELETE FROM links WHERE user_id = $1 AND kind = 'reset' AND label = $2`
	sqlAddMailedReset   = `INSERT INTO links (token_hash, kind, user_id, team, label, uses, uses_left, made_by, created_at,
		expires_at) VALUES ($1, 'reset', $2, '', $3, 0, 1, $4, $5, $6)`
	sqlRenewInvitation = `UPDATE links SET token_hash = $2 WHERE token_hash = $1 AND kind = 'invite' AND uses_left > 0
		AND expires_at > $3 RETURNING made_by, expires_at`
	sqlMailLink = `UPDATE mails SET argument = $2 WHERE id = $1`
)

// Recipient returns a user as a recipient, or ErrNotFound.
func (s *Store) Recipient(ctx context.Context, userID string) (Recipient, error) {
	return s.recipient(ctx, sqlRecipientByID, userID)
}

// RecipientBy returns the user who has typed as username or email address, or ErrNotFound.
func (s *Store) RecipientBy(ctx context.Context, typed string) (Recipient, error) {
	if strings.Contains(typed, "@") {
		_, key, err := CleanEmail(typed)
		if err != nil {
			return Recipient{}, ErrNotFound
		}
		return s.recipient(ctx, sqlRecipientByEmail, key)
	}
	key, err := FoldUsername(typed)
	if err != nil {
		return Recipient{}, ErrNotFound
	}
	return s.recipient(ctx, sqlRecipientByName, key)
}

func (s *Store) recipient(ctx context.Context, text, key string) (r Recipient, err error) {
	r.User, err = readUser(ctx, s.r, text, []any{key}, &r.Email, &r.Waiting, &r.Resets)
	return r, err
}

// AllowMail counts an email of one kind to one address or person, and reports whether it's among the first MailsPerHour
// of the current hour, on all replicas together. Who asked how often isn't stored: only hashes are.
func (s *Store) AllowMail(ctx context.Context, kind MailKind, to string) (bool, error) {
	for n := range MailsPerHour {
		now := s.now()
		hour := now.Unix() / 3600
		err := s.Spend(ctx, Once{
			Secret:    "mail:" + string(kind) + ":" + to + ":" + strconv.FormatInt(hour, 10) + ":" + strconv.Itoa(n),
			ExpiresAt: now.Add(time.Hour),
		})
		if !errors.Is(err, ErrSpent) {
			return err == nil, err
		}
	}
	return false, nil
}

// MailedResetLink returns the token of a link with which a user who forgot the password can choose a new one, once,
// within MailedResetAge. It ends earlier links of this kind, but not those of administrators, because strangers can
// cause it. Error: ErrNotFound, also for a disabled user.
func (s *Store) MailedResetLink(ctx context.Context, userID string) (token string, err error) {
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		u, err := readUser(ctx, t, sqlUserByID, []any{userID})
		if err == nil && u.Disabled {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, sqlDropMailedResets, userID, mailedLabel); err != nil {
			return err
		}
		var hash string
		token, hash = newToken()
		_, err = t.exec(ctx, sqlAddMailedReset, hash, userID, mailedLabel, string(t.actor), t.now,
			t.now+MailedResetAge.Milliseconds())
		return err
	})
	return token, wrap("make a reset link", err)
}

// AdminResetLink returns the token of a link that an administrator asked for with MailResetLink. It ends all earlier
// links of the user. Error: ErrNotFound, also for a disabled user.
func (s *Store) AdminResetLink(ctx context.Context, userID string) (token string, err error) {
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		u, err := readUser(ctx, t, sqlUserByID, []any{userID})
		if err == nil && u.Disabled {
			err = ErrNotFound
		}
		if err != nil {
			return err
		}
		if _, err := t.exec(ctx, sqlDropLinksOf, userID, resetLink); err != nil {
			return err
		}
		token, err = addResetLink(ctx, t, userID)
		return err
	})
	return token, wrap("make a reset link", err)
}

// MailResetLink queues an email with a link for a new password, which is made when it's sent. Errors: ErrNotFound,
// ErrMailsFull, and a *FieldError if the user has no address.
func (s *Store) MailResetLink(ctx context.Context, userID string) error {
	return wrap("mail a reset link", s.write(ctx, func(ctx context.Context, t *transaction) error {
		if _, err := readUser(ctx, t, sqlUserByID, []any{userID}); err != nil {
			return err
		}
		var email string
		if err := t.queryRow(ctx, sqlEmail, []any{userID}, &email); err != nil {
			return err
		}
		if email == "" {
			return wrongField("email", Missing)
		}
		if err := queueMail(ctx, t, MailReset, userID, MailDetails{}); err != nil {
			return err
		}
		return t.audit(ctx, ResetLinkMade, TargetUser(userID), nil)
	}))
}

// NewVerifyLink returns the token of a link with which a user confirms an address, within VerifyLinkAge. It ends
// earlier links of this kind.
func (s *Store) NewVerifyLink(ctx context.Context, userID, email string) (token string, err error) {
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		if _, err := t.exec(ctx, sqlDropLinksOf, userID, verifyLink); err != nil {
			return err
		}
		token, err = addEmailLink(ctx, t, verifyLink, userID, email, "", VerifyLinkAge)
		return err
	})
	return token, wrap("make a link", err)
}

// NewUndoLink returns the token of a link that restores the address in m, within UndoLinkAge of the change.
func (s *Store) NewUndoLink(ctx context.Context, m Mail) (token string, err error) {
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		left := m.QueuedAt.Add(UndoLinkAge).Sub(at(t.now))
		token, err = addEmailLink(ctx, t, undoLink, m.UserID, m.Details.To, m.ID, left)
		return err
	})
	return token, wrap("make a link", err)
}

// NewSignUpLink returns the token of a link with which the owner of an address makes an account, within VerifyLinkAge.
func (s *Store) NewSignUpLink(ctx context.Context, email string) (token string, err error) {
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		token, err = addEmailLink(ctx, t, signUpLink, nil, email, "", VerifyLinkAge)
		return err
	})
	return token, wrap("make a link", err)
}

// RenewInvitation gives the invitation in m a new token, because it's sent now and nobody knew the token before. It
// returns who made it and when it expires, or ErrNoLink if it has ended.
func (s *Store) RenewInvitation(ctx context.Context, m Mail) (token string, i Invitation, err error) {
	err = s.write(ctx, func(ctx context.Context, t *transaction) error {
		var expires int64
		var hash string
		token, hash = newToken()
		err := t.queryRow(ctx, sqlRenewInvitation, []any{m.Details.Link, hash, t.now}, &i.MadeBy, &expires)
		if errors.Is(err, sql.ErrNoRows) {
			err = ErrNoLink
		}
		if err != nil {
			return err
		}
		i.ID, i.ExpiresAt = hash, at(expires)
		m.Details.Link = hash
		argument, err := m.Details.argument()
		if err != nil {
			return err
		}
		_, err = t.exec(ctx, sqlMailLink, m.ID, argument)
		return err
	})
	return token, i, wrap("renew an invitation", err)
}
